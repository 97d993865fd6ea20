"""A broker that dies in the middle of sending is a broker that does not answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from rulefarm.errors import BrokerUnreachable
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
