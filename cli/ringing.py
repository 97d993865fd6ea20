"""Ring from the command line.  bells -> [ringing] -> broker, or an exit code

What is rung here is on record: a broker that is away is no loss, but whoever typed the command has to know."""

from celery import Celery

from cli.output import leave_unrung
from rulefarm.bell import Bell, ring
from rulefarm.errors import BrokerUnreachable


def ring_or_leave(app: Celery, bells: list[Bell], what: str) -> None:
    """Ring; leave with exit code 3 if the broker does not answer.

    Args:
        app: from `rulefarm.bell.create_app`.
        bells: what to ring.
        what: it is about, with its verb: see `cli.output.leave_unrung`.
    """
    try:
        ring(app, bells)
    except BrokerUnreachable:
        leave_unrung(what)
