"""The paths of a gateway, and what holds for every request.  HTTP server -> [application] -> a path -> answer

One table of paths. Around it stand the bounds on how much is done at once and for how long, and the one place where an
error becomes an answer."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import Message, Receive, Scope, Send

from gateway.batch_paths import read_batch, submit_batch
from gateway.console.console import ConsoleApplication
from gateway.console.links import ROOT
from gateway.console.rendering import redirect
from gateway.description_paths import openapi_document, start_page
from gateway.evaluation_path import evaluate
from gateway.gateway_context import TIME_LIMIT, GatewayContext
from gateway.health_paths import livez, readyz
from gateway.job_paths import read_job, submit
from gateway.metrics_path import metrics
from gateway.problems import GatewayBusy, no_answer_within, response_of
from gateway.request_spans import serving
from gateway.scale_path import scale
from gateway.verdict_paths import list_rulesets, list_verdicts
from rulefarm.tracing import TRACEPARENT, checked_traceparent, is_on

#: Requests that are under way at once at most.
MAX_REQUESTS = 2_000
#: Seconds that one may take, but for the upload of a file.
REQUEST_S = 30.0

_Path = Callable[[GatewayContext, Request], Awaitable[Response]]

#: Path, method, what a token has to be for (None: nobody is asked for one), and what answers.
PATHS: tuple[tuple[str, str, str | None, _Path], ...] = (
    ("/v1/{domain}/evaluate", "POST", "evaluate", evaluate),
    ("/v1/{domain}/jobs", "POST", "submit", submit),
    ("/v1/{domain}/batches", "POST", "submit", submit_batch),
    ("/v1/jobs/{id}", "GET", "read", read_job),
    ("/v1/batches/{id}", "GET", "read", read_batch),
    ("/v1/verdicts", "GET", "read", list_verdicts),
    ("/v1/rulesets", "GET", "read", list_rulesets),
    ("/v1/scale/{domains}", "GET", "read", scale),
    ("/openapi.json", "GET", None, openapi_document),
    ("/", "GET", None, start_page),
    ("/metrics", "GET", "read", metrics),
    ("/livez", "GET", None, livez),
    ("/readyz", "GET", None, readyz),
)


async def _to_console(_context: GatewayContext, _request: Request) -> Response:
    return redirect(f"{ROOT}/")


#: What a console that judges nothing answers, besides its pages.
CONSOLE_PATHS: tuple[tuple[str, str, str | None, _Path], ...] = (
    ("/", "GET", None, _to_console),
    ("/livez", "GET", None, livez),
    ("/readyz", "GET", None, readyz),
)


class Application:
    """The gateway as an ASGI application.

    Args:
        context: what the paths work with.
        console: the pages for people.
        paths: what is answered besides them. Default: `PATHS`.
    """

    def __init__(
        self,
        context: GatewayContext,
        console: ConsoleApplication,
        paths: tuple[tuple[str, str, str | None, _Path], ...] = PATHS,
    ) -> None:
        self._under_way = 0
        # People click; programs send thousands a second: the console is looked for last.
        served = [*paths, (ROOT, "GET", None, _to_console)]
        self._router = Router(
            [
                *(Route(each[0], _endpoint(context, each), methods=[each[1]]) for each in served),
                Mount(ROOT, console),
            ],
            # To the other spelling it would send by the Host header, and past a proxy with TLS by plain HTTP.
            redirect_slashes=False,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: as ASGI has it.
            receive: likewise.
            send: likewise.
        """
        # By this the router raises what it does not know, instead of answering in words of its own.
        scope["app"] = self
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._under_way += 1
        try:
            if self._under_way > MAX_REQUESTS:
                raise GatewayBusy("gateway-busy", f"more than {MAX_REQUESTS} requests are under way", "try again later")
            async with asyncio.timeout(REQUEST_S) as limit:
                scope[TIME_LIMIT] = limit
                await self._router(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            if begun:
                raise
            if isinstance(error, TimeoutError):
                error = no_answer_within(REQUEST_S)
            await response_of(error)(scope, receive, send)
        finally:
            self._under_way -= 1


class _Endpoint:
    """What answers on one path, as an ASGI application.

    Around a function the router would lay handlers of exceptions and stacks of contexts, at as much as its own cost."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


def _endpoint(context: GatewayContext, served: tuple[str, str, str | None, _Path]) -> _Endpoint:
    path, method, token_scope, answer = served

    async def endpoint(request: Request) -> Response:
        if token_scope is not None:
            context.authorization.admit(request, token_scope)
        return await answer(context, request)

    async def traced(request: Request) -> Response:
        parent = checked_traceparent(request.headers.get(TRACEPARENT))
        with serving(method, path, parent) as answered:
            return answered(await endpoint(request))

    # Probes and scrapes would be most of what is traced, and say nothing.
    return _Endpoint(traced if is_on() and path.startswith("/v1/") else endpoint)
