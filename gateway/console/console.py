"""The console: its pages, and what holds for each.  gateway.application -> [console] -> a page -> HTML

One table of pages, as the gateway has one of paths. Around it stands what no page can forget: who may see it, where a
form comes from, the headers of the answer, and that an error is a page too."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from engine import EngineError
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.pages import (
    batches,
    dead_letters,
    draft_tryout,
    health,
    overview,
    rule_cases,
    rule_versions,
    rules,
    sign_in,
    verdict,
    verdicts,
)
from gateway.console.rendering import asset_response, problem_page, redirect, secured
from gateway.console.session import Visitor, admit, greet, hold, take_form
from gateway.problems import RequestRefused, internal_error, log_inner
from rulefarm.errors import RulefarmError
from rulefarm.normalize import abbreviate

log = logging.getLogger("rulefarm.gateway")

_Page = Callable[[ConsoleContext, Request], Awaitable[Response]]

#: Path within the console, method, what a visitor has to be allowed (None: nobody is asked), and what answers.
PAGES: tuple[tuple[str, str, str | None, _Page], ...] = (
    ("/", "GET", "read", overview.overview),
    ("/figures", "GET", "read", partial(overview.overview, template="figures.html")),
    ("/verdicts", "GET", "read", verdicts.verdicts),
    ("/verdicts/export/{format}", "GET", "read", verdicts.export),
    ("/verdicts/{id}", "GET", "read", verdict.verdict),
    ("/batches", "GET", "read", batches.batches),
    ("/batches/{id}", "GET", "read", batches.batch),
    ("/rules", "GET", "read", rules.domains),
    ("/pictures/sparkline/{numbers}", "GET", "read", rules.sparkline_picture),
    ("/rules/{domain}", "GET", "read", rules.rule_list),
    ("/rules/{domain}/rule", "GET", "read", rules.rule),
    ("/rules/{domain}/versions/{digest}", "GET", "read", rule_versions.version_text),
    ("/rules/{domain}/history", "GET", "read", rule_versions.publications),
    ("/rules/{domain}/diff", "GET", "read", rule_versions.diff),
    ("/rules/{domain}/coverage", "GET", "read", rule_cases.rule_coverage),
    ("/rules/{domain}/impact", "GET", "read", draft_tryout.impact),
    ("/rules/{domain}/judge", "GET", "read", draft_tryout.judge_page),
    ("/rules/{domain}/judge", "POST", "read", draft_tryout.judge),
    ("/dead-letters", "GET", "read", dead_letters.letters),
    ("/dead-letters/{id}", "GET", "read", dead_letters.letter),
    ("/dead-letters/{id}/{action}", "GET", "operate", dead_letters.confirm),
    ("/dead-letters/{id}/{action}", "POST", "operate", dead_letters.act),
    ("/health", "GET", "read", health.health),
    ("/health/findings", "GET", "read", partial(health.health, template="findings.html")),
    ("/sign-in", "GET", None, sign_in.sign_in_page),
    ("/sign-in", "POST", None, sign_in.sign_in),
    ("/sign-out", "POST", None, sign_in.sign_out),
)


class ConsoleApplication:
    """The console as an ASGI application, mounted where `links` says."""

    def __init__(self, context: ConsoleContext) -> None:
        pages = [Route(page[0], _answering(context, page), methods=[page[1]]) for page in PAGES]
        self._router = Router(
            [*pages, Route("/assets/{name}", _asset), Route("/{rest:path}", _nowhere(context))], redirect_slashes=False
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: as ASGI has it.
            receive: likewise.
            send: likewise.
        """
        await self._router(scope, receive, send)


def _answering(
    context: ConsoleContext, page: tuple[str, str, str | None, _Page]
) -> Callable[[Request], Awaitable[Response]]:
    _, method, scope, answer = page

    async def ask(request: Request) -> Response:
        if scope is not None:
            admit(request, scope)
        if method != "GET":
            await take_form(request)
        _check_text(request)
        return await answer(context, request)

    async def respond(request: Request) -> Response:
        return await _respond(context, request, ask)

    return respond


def _check_text(request: Request) -> None:
    """Refuse a NUL in an address: Postgres holds no text with one, so that no page is about it."""
    for name, text in [*request.path_params.items(), *request.query_params.multi_items()]:
        if "\x00" in text:
            raise RequestRefused("bad-request", f"{name} can't be {abbreviate(text)}", "take the NUL out")


async def _respond(
    context: ConsoleContext, request: Request, ask: Callable[[Request], Awaitable[Response]]
) -> Response:
    visitor: Visitor | None = None
    try:
        visitor = await greet(context, request)
        response = await ask(request)
    except ClientDisconnect:
        raise
    except Exception as error:
        if isinstance(error, HTTPException):
            raise
        response = _problem(request, error)
    if visitor is not None and visitor.is_new and "set-cookie" not in response.headers:
        hold(response, request, visitor.held)
    return secured(response)


def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, RulefarmError | EngineError):
        log.error("a page failed", exc_info=error)
        error = internal_error()
    log_inner(error)
    if error.code == "no-token" and request.method == "GET":
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return redirect(links.path("sign-in", query={"next": asked}))
    return problem_page(request, error)


def _nowhere(context: ConsoleContext) -> Callable[[Request], Awaitable[Response]]:
    async def ask(_request: Request) -> Response:
        raise RequestRefused("no-such-path", "the console has no such page", "the navigation leads to all of them")

    async def respond(request: Request) -> Response:
        return await _respond(context, request, ask)

    return respond


async def _asset(request: Request) -> Response:
    found = asset_response(request.path_params["name"])
    return secured(found if found is not None else Response(status_code=404))
