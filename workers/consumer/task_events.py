"""Celery's consumer, but it sends the events of tasks a few times a second.  tasks -> [task_events] -> Flower

Celery sends them at every turn of its loop, which is a message or two for each task, before it hands on the next one.
They are for looking: what is gathered when a connection breaks is lost, as Celery's are. Others are sent at once."""

from typing import Any

from celery.worker.consumer import Consumer

#: Seconds for which they are gathered.
GATHER_S = 0.2


class GatheringConsumer(Consumer):  # type: ignore[misc]  # Celery has no types.
    """Celery's consumer, whose events of tasks travel together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sends_soon = False

    def on_ready(self) -> None:
        """On every connection."""
        super().on_ready()
        # The timer went with the last one.
        self._sends_soon = False

    def on_send_event_buffered(self) -> None:
        """There is one more to be sent."""
        if not self._sends_soon:
            self._sends_soon = True
            self.timer.call_after(GATHER_S, self._send)

    def shutdown(self) -> None:
        """As Celery's; and nothing is left behind."""
        self._send()
        super().shutdown()

    def _send(self) -> None:
        self._sends_soon = False
        self._flush_events()
