"""A refusal that can't be put on record is logged, and holds up nobody."""

import socket
import threading
import time
import uuid

import pytest

from rulefarm.database import connect
from rulefarm.settings import Settings
from store.dead_letters import Failure
from workers.consumer.consumer import Refusal, RefusalWriter


def refusal(content: str) -> Refusal:
    return Refusal(uuid.uuid4(), Failure("bad-message", "no message"), "payment", content)


def test_without_a_database_a_refusal_is_logged_with_what_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    engine = connect(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    writer, done = RefusalWriter(engine, "here"), threading.Event()
    writer.record(refusal("first"), lambda: None)
    writer.record(refusal("second"), done.set)
    assert done.wait(30)
    said = [record.getMessage() for record in caplog.records if "not on record" in record.getMessage()]
    assert len(said) == 2
    assert "127.0.0.1:1" in said[0]
    assert "'first'" in said[0]
    assert "'second'" in said[1]


def test_a_database_that_does_not_answer_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = connect(Settings(database_url=f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"))
        writer, done = RefusalWriter(engine, "here"), []
        started = time.monotonic()
        for n in range(120):
            writer.record(refusal(f"number {n}"), lambda n=n: done.append(n))
        assert time.monotonic() - started < 20
    # One is being tried, a hundred wait.
    assert len(done) >= 19
    assert sum("too many wait" in record.getMessage() for record in caplog.records) >= 19
