"""Spans of OpenTelemetry, where somebody traces.  submit, judge -> [tracing] -> the process's tracer provider

Whoever traces has given OpenTelemetry a provider: then a submit is a span, and the trace that it belongs to goes with
the job, as W3C's `traceparent` in its row and its message, so that the worker's spans are of the same trace. Nobody
else loads anything, writes anything, or pays more than a look into a table. Sets up no provider and no exporter."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_Answer = TypeVar("_Answer")

_API = "opentelemetry.trace"
#: Name of the header of a message, and of a request, that says which trace it is of.
TRACEPARENT = "traceparent"
#: Characters of one.
_LONGEST = 55


def is_on() -> bool:
    """Whether somebody in this process traces."""
    return _api() is not None


def _api() -> Any:
    """OpenTelemetry, with a provider; None: nobody traces."""
    api: Any = sys.modules.get(_API)
    # Another thread may be about to load it.
    provider_of = getattr(api, "get_tracer_provider", None)
    # Who loads it need not trace: redis does, wherever it is installed. Then every span would be nobody's, and cost as
    # much as a quarter of what it takes to judge.
    return api if provider_of is not None and not isinstance(provider_of(), api.ProxyTracerProvider) else None


def current_traceparent() -> str | None:
    """The span that this is done in, as others are told of it; None: it is in none that is kept."""
    api = _api()
    if api is None or not api.get_current_span().get_span_context().trace_flags.sampled:
        return None
    carrier: dict[str, str] = {}
    _propagator().inject(carrier)
    return carrier.get(TRACEPARENT)


@contextmanager
def span(name: str, kind: str, *, parent: str | None = None, **attributes: str | int) -> Iterator[Any]:
    """Do in a span what a block does; in none, where nobody traces.

    Args:
        name: of the span.
        kind: PRODUCER, CONSUMER, SERVER or INTERNAL.
        parent: traceparent of another process. Default: the span that this is done in, if any.
        attributes: what is told of it, as `rulefarm.NAME`.

    Returns:
        The span; None, where nobody traces.
    """
    api = _api()
    if api is None:
        yield None
        return
    context = _context(parent) if parent else None
    how = {"context": context, "kind": api.SpanKind[kind], "attributes": _named(attributes)}
    how |= {"record_exception": False, "set_status_on_exception": False}
    with api.get_tracer("rulefarm").start_as_current_span(name, **how) as begun:
        try:
            yield begun
        except Exception as error:
            # What it says may be of somebody's facts: that is not for a collector.
            set_outcome(
                begun, {"error.type": getattr(error, "code", type(error).__name__)}, is_failure=kind != "SERVER"
            )
            raise


def set_outcome(begun: Any, attributes: Mapping[str, Any], *, is_failure: bool) -> None:
    """Tell how what a span is of came out.

    Args:
        begun: the span; None, where nobody traces.
        attributes: what is told.
        is_failure: whether it is an error.
    """
    if begun is None:
        return
    begun.set_attributes(_named(attributes))
    if is_failure:
        api = sys.modules[_API]
        begun.set_status(api.Status(api.StatusCode.ERROR))


def traced(what: str) -> Callable[[Callable[_P, _Answer]], Callable[_P, _Answer]]:
    """Have every call of a method, whose first argument is a domain, be a span of a producer: `submit payment`."""

    def of(call: Callable[_P, _Answer]) -> Callable[_P, _Answer]:
        @wraps(call)
        def in_span(*args: _P.args, **more: _P.kwargs) -> _Answer:
            if not is_on():
                return call(*args, **more)
            domain = str(more["domain"] if "domain" in more else "".join(map(str, args[1:2])))
            with span(f"{what} {domain}", "PRODUCER", domain=domain):
                return call(*args, **more)

        return in_span

    return of


def record_span(
    name: str,
    parent: str,
    began_ns: int,
    ended_ns: int,
    attributes: Mapping[str, Any],
    *,
    failure: str | None = None,
) -> None:
    """Tell of something that is over.

    Args:
        name: of the span.
        parent: traceparent of what caused it.
        began_ns: when it began, in nanoseconds since 1970.
        ended_ns: when it ended.
        attributes: what is told of it, as `rulefarm.NAME`; what is None is left out.
        failure: why it failed. Default: it did not.
    """
    api = _api()
    if api is None:
        return
    known = _named({key: value for key, value in attributes.items() if value is not None})
    how = {"context": _context(parent), "kind": api.SpanKind.CONSUMER, "attributes": known, "start_time": began_ns}
    told = api.get_tracer("rulefarm").start_span(name, **how)
    if failure is not None:
        told.set_status(api.Status(api.StatusCode.ERROR, failure))
    told.end(max(began_ns, ended_ns))


def checked_traceparent(value: Any) -> str | None:
    """What came from outside, if it may be a traceparent; what is none of W3C's means nothing to who reads it."""
    return value if isinstance(value, str) and len(value) == _LONGEST else None


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name if "." in name else f"rulefarm.{name}": value for name, value in attributes.items()}


def _context(parent: str) -> Any:
    return _propagator().extract({TRACEPARENT: parent})


@cache
def _propagator() -> Any:
    return import_module(f"{_API}.propagation.tracecontext").TraceContextTextMapPropagator()
