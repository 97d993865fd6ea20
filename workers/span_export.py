"""Send the spans of one process to a collector.  [span_export] -> OTLP over HTTP

Needs the extra `rulefarm-server[otel]`. All of it is set by OpenTelemetry's own environment variables. Spans wait in a
bounded queue, and a thread sends them: whoever makes one waits for no collector, and what a collector does not take is
dropped. Decides nothing about what is traced."""

import threading

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

#: Seconds that a process which ends waits for the collector to take its last spans.
_FLUSH_S = 2.0


def begin(service: str) -> None:
    """Trace from here on, in this process; not before it was forked, for threads are not. Where somebody else has
    begun, such as `opentelemetry-instrument`, it stays at that.

    Args:
        service: what it is called, unless OTEL_SERVICE_NAME says otherwise.
    """
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    named = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=Resource.create().merge(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def end() -> None:
    """Send what is left, if the collector takes it in time: one that is away keeps no process from ending."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        last = threading.Thread(target=provider.shutdown, name="spans", daemon=True)
        last.start()
        last.join(_FLUSH_S)
