"""A client of the gateway, as any program has one: plain HTTP."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway.serve import GatewayOptions, listen, open_gateway, server_of
from rulefarm.settings import Settings
from tests.processes import until


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as plain data."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a problem, which says in its body what its head does."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        assert self.json["type"].endswith(self.json["code"])
        # Whoever calls has parameters and paths, and no command line.
        assert not re.search("--|'rulefarm |RULEFARM_", self.json.get("hint", "")), self.text
        return str(self.json["code"])


@dataclass(frozen=True)
class Client:
    """Sends one request a connection."""

    port: int
    headers: Mapping[str, str] | None = None

    def send(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """One request and its answer; a header's name may have _ for -."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, dict(self.headers or {}) | named)
            got = connection.getresponse()
            found = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, found, got.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Read."""
        return self.send("GET", path, **headers)

    def post(self, path: str, document: Any, **headers: str) -> Answer:
        """Send a document."""
        return self.send("POST", path, json.dumps(document), Content_Type="application/json", **headers)


@contextmanager
def running_gateway(settings: Settings, *domains: str, asks_for_tokens: bool = False) -> Iterator[Client]:
    """A gateway in this process, on a real socket, for as long as a block lasts."""
    options = GatewayOptions(domains=domains, asks_for_tokens=asks_for_tokens)
    with open_gateway(settings, options) as application, listen("127.0.0.1", 0) as listener:
        server = server_of(application)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield Client(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)


def raw(port: int, *parts: bytes) -> bytes:
    """What a server says to bytes that no client of HTTP would send, until it hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while got := connection.recv(65_536):
            answer += got
    return answer


def subjects(*facts: Mapping[str, Any], keys: Sequence[str] = ()) -> dict[str, Any]:
    """The body of a request for several."""
    named = zip(facts, keys or [None] * len(facts), strict=True)
    return {"subjects": [{"facts": each, "key": key} for each, key in named]}
