"""The events of tasks reach Flower together, and all of them."""

import base64
import json
from collections.abc import Iterator

import pytest
import redis
from celery import Celery
from kombu.asynchronous.timer import Timer

from rulefarm.messaging import create_app
from rulefarm.settings import Settings
from tests.processes import until
from workers.consumer.task_events import GatheringConsumer


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    """An application on the broker."""
    made = create_app(settings)
    yield made
    made.close()


def messages(settings: Settings, of: str) -> Iterator[list[dict[str, object]]]:
    """What is sent of a worker's tasks from now on: the events of each message."""
    with redis.Redis.from_url(settings.require_broker()).pubsub() as line:
        line.psubscribe("*celeryev/task.multi")
        until(lambda: (line.get_message(timeout=1) or {}).get("type") == "psubscribe")
        yield []
        while True:
            said = line.get_message(timeout=1)
            if said and said["type"] == "pmessage":
                events = json.loads(base64.b64decode(json.loads(said["data"])["body"]))
                if events[0]["hostname"] == of:
                    yield events


def test_they_are_gathered_and_sent_in_one_message(app: Celery, settings: Settings) -> None:
    sent = messages(settings, "gathering@test")
    assert next(sent) == []
    consumer = GatheringConsumer.__new__(GatheringConsumer)
    consumer.timer, consumer._sends_soon = Timer(), False
    with app.connection_for_write() as connection:
        consumer.event_dispatcher = app.events.Dispatcher(
            connection,
            hostname="gathering@test",
            buffer_group=["task"],
            on_send_buffered=consumer.on_send_event_buffered,
        )
        for round_ in range(2):
            for n in range(10):
                consumer.event_dispatcher.send("task-received", uuid=f"{round_}-{n}")
            [entry] = consumer.timer.queue
            consumer.timer.clear()
            entry.entry()
            assert [event["uuid"] for event in next(sent)] == [f"{round_}-{n}" for n in range(10)]
