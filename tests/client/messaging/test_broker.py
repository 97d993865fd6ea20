"""A broker that dies in the middle of sending is a broker that does not answer."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, FactsUnreachable
from rulefarm.farm import Farm
from rulefarm.messaging import TaskMessage, create_app, send_messages
from rulefarm.settings import Settings
from tests.relay import relay

MESSAGE = TaskMessage("rules.evaluate", "id", "rules.nobody", {}, "")
Proxy = Callable[[int], Settings]
#: Seconds within which it has to be seen on a busy machine; nobody is waited for that long.
SEEN_S = 60.0


@pytest.fixture
def dying(settings: Settings) -> Iterator[Proxy]:
    """A way to the broker that breaks, for the first so many connections, when a message is to be pushed."""
    there = urlsplit(settings.require_broker())
    deaths: list[int] = []

    def pass_on(data: bytes) -> bytes | None:
        return None if b"LPUSH" in data and deaths and deaths.pop() else data

    with relay(str(there.hostname), int(there.port or 0), sent=pass_on) as port:

        def through(times: int) -> Settings:
            deaths[:] = [1] * times
            place = f":{there.password}@127.0.0.1:{port}"
            return replace(settings, broker_url=there._replace(netloc=place).geturl())

        yield through


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
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and never answers: a server that is stopped, or a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


def connections(listener: socket.socket) -> int:
    """How many came since it was asked last; they are hung up."""
    listener.setblocking(False)
    for count in range(100):
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
    return 100


def test_who_never_answers_is_given_up_and_then_spared(silent: socket.socket, settings: Settings, domain: str) -> None:
    port = silent.getsockname()[1]
    with Farm(replace(settings, broker_url=f"redis://127.0.0.1:{port}/0")) as farm:
        begun, met = time.monotonic(), []
        for number in range(3):
            assert not farm.submit(domain, {"Order": {"total": 1}}, key=f"{number}").sent
            met.append(connections(silent) > 0)
        assert met == [True, False, False]
        with pytest.raises(FactsUnreachable):
            farm.facts.get("Customer", "1")
        assert time.monotonic() - begun < SEEN_S


def test_a_database_that_never_answers_is_given_up(silent: socket.socket, settings: Settings) -> None:
    url = f"postgresql://shop:secret@127.0.0.1:{silent.getsockname()[1]}/shop"
    with Farm(replace(settings, database_url=url)) as farm:
        begun = time.monotonic()
        with pytest.raises(DatabaseUnreachable) as caught:
            farm.submit("payment", {"Order": {"total": 1}})
        assert time.monotonic() - begun < SEEN_S
    assert "secret" not in str(caught.value)
