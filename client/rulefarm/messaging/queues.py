"""Queues as kombu has them.  a queue's name -> [queues] -> what is declared before a message is sent or taken

Names are made in `rulefarm.routing`, which loads nothing."""

from kombu import Exchange, Queue

#: The exchange that queues are bound to, for whoever wants to look in from outside; the farm itself sends to a queue by
#: its name, through the default exchange.
EXCHANGE = Exchange("rules", type="direct", durable=True)


class DomainQueue(Queue):
    """A queue that is declared before every message, not once a connection.

    A broker that lost its data while the connection stood lost its bindings too; a producer, or beat, that trusted
    its cache would send into the void for as long as its connection lasts."""

    @property
    def can_cache_declaration(self) -> bool:
        """Never."""
        return False


def queue(name: str) -> DomainQueue:
    """The queue of that name, bound to the exchange."""
    return DomainQueue(name, EXCHANGE, routing_key=name, durable=True)
