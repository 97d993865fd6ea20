"""To have OpenTelemetry loaded is not to trace: other libraries load it wherever it is installed."""

import sys
from types import ModuleType

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from rulefarm.tracing import current_traceparent, is_on, record_span, span

TRACEPARENT = "00-0000000000000000000000000000000a-00000000000000aa-01"


def test_without_a_provider_nobody_traces() -> None:
    assert not is_on()
    with span("POST", "SERVER", parent=TRACEPARENT) as begun:
        assert begun is None
        assert current_traceparent() is None
    record_span("evaluate", TRACEPARENT, 0, 1, {})


def test_nor_while_another_thread_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", ModuleType("opentelemetry.trace"))
    assert not is_on()
    assert current_traceparent() is None


def test_with_a_provider_that_came_after_all_was_loaded_somebody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert is_on()
    with span("POST", "SERVER", parent=TRACEPARENT) as begun:
        assert begun is not None
        told = current_traceparent()
    assert told is not None
    assert told.startswith("00-0000000000000000000000000000000a-")
