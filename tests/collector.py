"""A collector of OpenTelemetry, as far as a test needs one: it takes spans over HTTP, and keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_ERROR = 2


@dataclass(frozen=True)
class Told:
    """A span that was taken."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    is_error: bool
    seconds: float
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What was taken so far, and where it listens."""

    port: int
    spans: list[Told] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to send here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    def of(self, trace: str) -> list[Told]:
        """The spans of one trace."""
        return [told for told in self.spans if told.trace == trace]

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [
                    Told(
                        service=service,
                        name=span.name,
                        trace=span.trace_id.hex(),
                        id=span.span_id.hex(),
                        parent=span.parent_span_id.hex(),
                        is_error=span.status.code == _ERROR,
                        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                        attributes=_plain(span.attributes),
                    )
                    for span in scope.spans
                ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, for as long as a block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
