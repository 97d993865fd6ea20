"""Dead letters: why, whose, and what to do.  dead_letters, jobs, chunks -> [dead_letters] -> a list, one

What changes something is asked for twice: a link leads to a page that says what will happen, and only its form does it.
Who did it stands on the trail, and so does who looked at facts."""

import uuid
from contextlib import suppress
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import redirect, render
from gateway.console.session import address_of, record_view, visitor_of
from gateway.gateway_context import check_query, query_flag
from gateway.problems import RequestRefused
from gateway.verdict_paths import cursor_behind, place_in
from rulefarm.errors import BrokerUnreachable, NotFound
from rulefarm.jobs import id_of
from rulefarm.messaging import send_messages
from rulefarm.normalize import abbreviate
from store.dead_letter_retry import LetterFilter, NotRetryable, drop, find_letters, retry_letters
from store.operator_actions import Operator, find_actions
from tasks.dead_letter_facts import dead_letter_facts

#: Letters of one page, and characters of a filter.
_PAGE, _FILTER = 50, 200
#: What can be done to a letter.
_ACTIONS = ("retry", "drop")


async def letters(context: ConsoleContext, request: Request) -> Response:
    """The dead letters, the newest first.

    Args:
        context: of the console.
        request: with `domain`, `code`, `batch` and `cursor` in its query, if there are any.

    Raises:
        RequestRefused: a parameter can't be what it should.
    """
    check_query(request, "domain", "code", "batch", "cursor")
    asked = {name: request.query_params.get(name, "").strip()[:_FILTER] for name in ("domain", "code", "batch")}
    batch = _batch(asked["batch"]) if asked["batch"] else None
    wanted = LetterFilter(
        domain=asked["domain"] or None, code=asked["code"] or None, batch=batch, domains=readable(request)
    )
    after = place_in(request.query_params["cursor"]) if "cursor" in request.query_params else None
    found = await context.run(partial(find_letters, context.database, wanted, limit=_PAGE + 1, after=after))
    actions = partial(find_actions, context.database, with_letters=False)
    page, following = found[:_PAGE], None
    if len(found) > _PAGE:
        cursor = cursor_behind(page[-1]["died_at"], page[-1]["id"])
        following = links.path("dead-letters", query=asked | {"cursor": cursor})
    return render(
        request,
        "dead_letters.html",
        letters=page,
        asked=asked,
        first=links.path("dead-letters", query=asked) if after else None,
        following=following,
        actions=await context.run(actions) if readable(request) is None else [],
    )


async def letter(context: ConsoleContext, request: Request) -> Response:
    """One dead letter; with `facts=true` in the query the facts too, or what a message said, which is put on record.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        NotFound: there is no such letter.
        DatabaseUnreachable: no answer; no facts are shown.
    """
    check_query(request, "facts")
    found, visitor = await _found(context, request), visitor_of(request)
    shows, domain = query_flag(request, "facts", default=False), found["domain"] or ""
    everything = visitor.may("facts", found["domain"])
    view = context.view(everything=everything)

    def read() -> Any:
        record_view(context, request, domain, found["id"], unmasked=everything)
        return view.facts(dead_letter_facts(context.database, found), domain)

    return render(
        request,
        "dead_letter.html",
        facts=await context.run(read) if shows else None,
        letter=await context.run(partial(view.letter, found)),
        shows=shows,
        may_operate=visitor.may("operate", found["domain"]),
    )


async def confirm(context: ConsoleContext, request: Request) -> Response:
    """Ask whether a dead letter is really to be tried again, or dropped.

    Args:
        context: of the console.
        request: of a path with `action`.

    Raises:
        NotFound: there is no such letter, or nothing of that name can be done.
        NotRetryable: it is of a message.
    """
    check_query(request)
    found = await _found(context, request)
    return render(request, "dead_letter_confirm.html", letter=found, action=_action(request, found))


async def act(context: ConsoleContext, request: Request) -> Response:
    """Try a dead letter again, or drop it, and put on record who did.

    Args:
        context: of the console.
        request: the form of the page that asked.

    Raises:
        NotFound: somebody else was quicker, or nothing of that name can be done.
        NotRetryable: it is of a message, or what it is about is no longer on record.
    """
    found = await _found(context, request)
    action, wanted = _action(request, found), LetterFilter(ids=[found["id"]])
    operator = Operator(visitor_of(request).name, address_of(request))
    if action == "drop":
        if not await context.run(partial(drop, context.database, wanted, operator)):
            raise NotFound("no-such-letter", f"there is no dead letter {found['id']} any more", "somebody was quicker")
    else:
        grace_s = context.settings.reconcile_grace_s
        retried = await context.run(partial(retry_letters, context.database, wanted, operator, grace_s=grace_s))
        if not retried.count:
            message = f"what {found['id']} is about is no longer on record"
            raise NotRetryable("not-revivable", message, "drop it: there is nothing left to try")
        # If the broker is away, the reconciler sends it when it is back.
        with suppress(BrokerUnreachable):
            await context.run(partial(send_messages, context.gateway.farm.app, retried.messages))
    return redirect(links.path("dead-letters"))


async def _found(context: ConsoleContext, request: Request) -> dict[str, Any]:
    wanted = LetterFilter(ids=[id_of(request.path_params["id"])], domains=readable(request))
    [found] = await context.run(partial(find_letters, context.database, wanted))
    return found


def _action(request: Request, found: dict[str, Any]) -> str:
    action: str = request.path_params["action"]
    if action not in _ACTIONS:
        raise NotFound("no-such-path", "nothing of that name can be done to a dead letter", "retry it, or drop it")
    if action == "retry" and found["kind"] == "message":
        message = f"{found['id']} is a refused message, which can't be tried again"
        raise NotRetryable("not-revivable", message, "whoever sent it has to submit a job; drop forgets it")
    return action


def _batch(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise RequestRefused("bad-request", f"batch can't be {abbreviate(text)}") from None
