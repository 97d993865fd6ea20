"""A broker that dies in the middle of sending is a broker that does not answer."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, FactsUnreachable
from rulefarm.farm import Farm
from rulefarm.messaging import TaskMessage, create_app, send_messages
from rulefarm.settings import Settings

MESSAGE = TaskMessage("rules.evaluate", "id", "rules.nobody", {}, "")
Proxy = Callable[[int], Settings]


@pytest.fixture
def dying(settings: Settings) -> Iterator[Proxy]:
    """A way to the broker that breaks, for the first so many connections, when a message is to be pushed."""
    there = urlsplit(settings.require_broker())
    listener = socket.create_server(("127.0.0.1", 0))
    deaths: list[int] = []
    ends: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(target: Callable[..., None], *arguments: object) -> None:
        threads.append(threading.Thread(target=target, args=arguments))
        threads[-1].start()

    def carry(near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                if b"LPUSH" in data and deaths and deaths.pop():
                    break
                far.sendall(data)
        for end in (near, far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((there.hostname, there.port))
                ends.extend((near, far))
                start(carry, near, far)
                start(carry, far, near)

    def through(times: int) -> Settings:
        deaths[:] = [1] * times
        start(serve)
        port = listener.getsockname()[1]
        return replace(settings, broker_url=there._replace(netloc=f":{there.password}@127.0.0.1:{port}").geturl())

    yield through
    for end in (listener, *ends):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for end in (listener, *ends):
        end.close()


def test_a_broker_that_dies_in_the_middle_of_sending_is_asked_once_more(dying: Proxy) -> None:
    app = create_app(dying(1))
    assert send_messages(app, [MESSAGE]) == 1
    app.close()


def test_a_broker_that_dies_every_time_does_not_answer(dying: Proxy) -> None:
    app = create_app(dying(2))
    with pytest.raises(BrokerUnreachable, match=r"does not answer: (Connection|Error)"):
        send_messages(app, [MESSAGE])
    app.close()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers: a server that is stopped, or a firewall."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_who_never_answers_is_given_up_after_seconds_and_then_spared(
    silent: int, settings: Settings, domain: str
) -> None:
    with Farm(replace(settings, broker_url=f"redis://127.0.0.1:{silent}/0")) as farm:
        for number, seconds in ((1, 8.0), (2, 2.0), (3, 2.0)):
            begun = time.monotonic()
            assert not farm.submit(domain, {"Order": {"total": 1}}, key=f"{number}").sent
            assert time.monotonic() - begun < seconds
        begun = time.monotonic()
        with pytest.raises(FactsUnreachable):
            farm.facts.get("Customer", "1")
        assert time.monotonic() - begun < 8.0


def test_a_database_that_never_answers_is_given_up_after_seconds(silent: int, settings: Settings) -> None:
    url = f"postgresql://shop:secret@127.0.0.1:{silent}/shop"
    with Farm(replace(settings, database_url=url)) as farm:
        begun = time.monotonic()
        with pytest.raises(DatabaseUnreachable) as caught:
            farm.submit("payment", {"Order": {"total": 1}})
        assert time.monotonic() - begun < 8.0
    assert "secret" not in str(caught.value)
