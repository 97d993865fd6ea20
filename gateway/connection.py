"""Bounds on one connection, below HTTP.  bytes of a client -> [connection] -> uvicorn -> application

uvicorn takes headers of any length, and waits for them for as long as it takes: whoever sends a byte now and then would
hold a connection for ever. Here a request's head has a size and a time, and what is no HTTP is answered as any other
problem."""

import asyncio
import json
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.problems import MEDIA_TYPE, problem_document

#: Bytes that the head of a request has at most: its path, query and headers.
MAX_HEAD_BYTES = 16_384
#: Seconds within which it has to be there.
HEAD_S = 10.0


class WholeAnswers:
    """A transport that writes the head of an answer with what comes next: one call of the system, one packet, and a
    client that is woken once, where uvicorn would have two of each."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write it, or keep it if it is a head; whoever says 100 Continue waits for what comes next."""
        if not self._held and data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._held = data
        else:
            self._transport.write(self._held + data)
            self._held = b""

    def flush(self) -> None:
        """Write what is kept: the answer has no body."""
        if self._held:
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        """As any transport, once all is written."""
        self.flush()
        self._transport.close()


class BoundedConnection(HttpToolsProtocol):
    """A connection whose requests begin in time."""

    _answers: WholeAnswers
    _head_bytes = 0
    _is_in_head = True
    _head_limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request; see asyncio."""
        self._answers = WholeAnswers(transport)
        super().connection_made(cast("asyncio.Transport", self._answers))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more; see asyncio."""
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; see asyncio."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse_long_head()

    def on_message_begin(self) -> None:
        """The head begins to arrive; see httptools."""
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; see httptools."""
        self._head_bytes = 0
        self._head_arrived()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refuse_long_head()
        else:
            self._is_in_head = False
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there; see httptools."""
        self._is_in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is there; see uvicorn."""
        self._answers.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; see uvicorn."""
        self._refuse(HTTPStatus.BAD_REQUEST, "bad-http", "this is no request of HTTP/1.1")

    def _await_head(self) -> None:
        if self._head_limit is None:
            self._head_limit = self.loop.call_later(HEAD_S, self._too_slow)

    def _head_arrived(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None

    def _too_slow(self) -> None:
        self._head_limit = None
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "headers-too-slow", f"no whole request within {HEAD_S:g} s")

    def _refuse_long_head(self) -> None:
        message = f"path, query and headers have more than {MAX_HEAD_BYTES} bytes"
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", message)

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        if self.transport.is_closing():
            return
        if self._is_in_head and self.cycle is not None and not self.cycle.response_complete:
            # A request before this one waits for its answer, and would take this for it.
            self.transport.close()
            return
        content = json.dumps(problem_document(status, {"code": code, "message": message})).encode()
        head = (
            f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()
