"""A client that sends too much, too slowly or no HTTP at all is told so, and keeps nobody else waiting."""

import json
import socket

import pytest

from gateway import application, connection
from gateway.connection import WholeAnswers
from tests.gateway.client import Client, raw
from tests.processes import until


def problem(answer: bytes) -> tuple[int, str]:
    """Status and code of an answer that is a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    document = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {document['status']} ".encode())
    return document["status"], document["code"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad-http")),
        (b"BREW / HTCPCP/1.0\r\n\r\n", (400, "bad-http")),
        (b"GET / HTTP/1.1\r\nbroken header\r\n\r\n", (400, "bad-http")),
        (b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n", (400, "bad-http")),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nhost: x\r\n\r\n", (400, "bad-http")),
        (b"POST /v1/payment/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", (400, "bad-http")),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            (400, "bad-http"),
        ),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", (431, "headers-too-large")),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"a%d: b\r\n" % n for n in range(3_000)), (431, "headers-too-large")),
        (b"GET / HTTP/1.1\r\nhost: " + b"x" * 40_000, (431, "headers-too-large")),
    ],
)
def test_what_is_no_request_is_a_problem(client: Client, sent: bytes, told: tuple[int, str]) -> None:
    assert problem(raw(client.port, sent)) == told


def test_what_is_no_request_is_no_answer_to_the_one_before(client: Client) -> None:
    asked = b"POST /v1/payment/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    for broken in (b"BREW / HTCPCP/1.0\r\n\r\n", b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"):
        assert raw(client.port, asked + broken) == b""


def test_a_head_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.3)
    assert problem(raw(client.port)) == (408, "headers-too-slow")
    assert problem(raw(client.port, b"GET /livez HT")) == (408, "headers-too-slow")
    # As much after an answer as before the first one.
    first = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = raw(client.port, first + b"GET /li")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"headers-too-slow" in answer


def test_a_body_that_does_not_come_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "REQUEST_S", 0.3)
    head = b"POST /v1/payment/evaluate HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{"
    assert problem(raw(client.port, head)) == (503, "request-timeout")


def test_who_announces_an_endless_body_is_told_at_once(client: Client) -> None:
    head = b"POST /v1/payment/evaluate HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"
    assert problem(raw(client.port, head)) == (413, "body-too-large")
    chunk = b"1000000\r\n" + b"x" * 0x1000000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", client.port), timeout=60) as line:
        line.sendall(b"POST /v1/payment/evaluate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            until(lambda: line.sendall(chunk))


def test_idle_connections_keep_nobody_from_an_answer(client: Client) -> None:
    idle = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(200)]
    assert client.get("/livez").status == 200
    for line in idle:
        line.close()


def test_too_many_at_once_are_sent_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "MAX_REQUESTS", 0)
    answer = client.get("/livez")
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "gateway-busy", "1")


def test_a_method_or_a_path_that_is_none_is_a_problem(client: Client) -> None:
    answer = client.send("DELETE", "/v1/payment/evaluate")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method-unfit", "POST")
    for path in ("/nothing/here", "/livez/", "/v1/rulesets/", "/v1/verdicts/?limit=1", "//livez"):
        assert client.get(path).code == "no-such-path"
    assert client.send("POST", "/v1/payment/evaluate/", b"{}").code == "no-such-path"
    assert client.send("HEAD", "/livez").status == 200


class Written:
    """A transport that keeps each call to it."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def write(self, data: bytes) -> None:
        """As a transport's."""
        self.calls.append(data)

    def close(self) -> None:
        """As a transport's."""
        self.calls.append(b"closed")

    def is_closing(self) -> bool:
        """As a transport's."""
        return self.calls[-1:] == [b"closed"]


HEAD, GO_ON = b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("steps", "calls"),
    [
        ([HEAD, b"body"], [HEAD + b"body"]),
        ([HEAD, b"a part", b"and more"], [HEAD + b"a part", b"and more"]),
        # Who waits for that sends nothing before.
        ([GO_ON, HEAD, b"body"], [GO_ON, HEAD + b"body"]),
        # To HEAD, and with 204, there is no body.
        ([HEAD, "flush"], [HEAD]),
        ([HEAD, "close"], [HEAD, b"closed"]),
        ([HEAD, b"body", "flush", HEAD, b"HTTP/1.1 in a body"], [HEAD + b"body", HEAD + b"HTTP/1.1 in a body"]),
    ],
    ids=["answer", "parts", "continue", "no body", "hangs up", "two"],
)
def test_a_head_goes_out_with_what_comes_next(steps: list[bytes | str], calls: list[bytes]) -> None:
    written = Written()
    transport = WholeAnswers(written)
    for step in steps:
        transport.write(step) if isinstance(step, bytes) else getattr(transport, step)()
    assert written.calls == calls
    assert transport.is_closing() == ("close" in steps)


def test_a_request_for_the_head_alone_is_answered(client: Client) -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(client.port, head).startswith(b"HTTP/1.1 200")
