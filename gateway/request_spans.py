"""A request as a span, where the gateway traces.  request -> [request_spans] -> what it causes is of the same trace

It goes on with the trace that a caller names by `traceparent`. Only the gateway's own failures count as errors: that a
request was refused is an answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from starlette.responses import Response

from engine import EngineError
from gateway.problems import status_of
from rulefarm.errors import RulefarmError
from rulefarm.tracing import set_outcome, span


@contextmanager
def serving(method: str, path: str, parent: str | None) -> Iterator[Callable[[Response], Response]]:
    """Answer a request in a span of its own.

    Args:
        method: of HTTP.
        path: as the table of paths has it.
        parent: traceparent of the caller; None: it named none.

    Returns:
        What notes an answer, and gives it back.
    """
    told = {"http.request.method": method, "http.route": path}
    with span(f"{method} {path}", "SERVER", parent=parent, **told) as begun:
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        def answered(response: Response) -> Response:
            nonlocal status
            status = response.status_code
            return response

        try:
            yield answered
        except (RulefarmError, EngineError) as error:
            status = int(status_of(error))
            raise
        finally:
            set_outcome(begun, {"http.response.status_code": status}, is_failure=status >= 500)
