"""Dead letters: why, whose, and what to do.  dead_letters, jobs, chunks -> [dead_letters] -> a list, one

What changes something is asked for twice: a link leads to a page that says what will happen, and only its form does it.
Who did it stands on the trail, and so does who looked at facts."""

import base64
import binascii
import uuid
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import redirect, render
from gateway.console.session import address_of, visitor_of
from gateway.gateway_context import query_flag
from gateway.problems import RequestRefused
from rulefarm.errors import BrokerUnreachable, NotFound
from rulefarm.messaging import send_messages
from rulefarm.normalize import abbreviate
from store.dead_letter_retry import LetterFilter, NotRetryable, drop, find_letters, retry_letters
from store.fact_views import record_fact_view
from store.operator_actions import Operator, find_actions
from store.private_view import PrivateView
from tasks.dead_letter_facts import dead_letter_facts

#: Letters of one page, and characters of a filter.
_PAGE, _FILTER = 50, 200
#: What can be done to a letter.
_ACTIONS = ("retry", "drop")


async def letters(context: ConsoleContext, request: Request) -> Response:
    """The dead letters, the newest first.

    Args:
        context: of the console.
        request: with `domain`, `code`, `batch` and `after` in its query, if there are any.

    Raises:
        RequestRefused: a parameter can't be what it should.
    """
    asked = {name: request.query_params.get(name, "").strip()[:_FILTER] for name in ("domain", "code", "batch")}
    batch = _id(asked["batch"], "batch") if asked["batch"] else None
    wanted = LetterFilter(
        domain=asked["domain"] or None, code=asked["code"] or None, batch=batch, domains=readable(request)
    )
    after = _place(request.query_params["after"]) if "after" in request.query_params else None
    found = await context.run(partial(find_letters, context.database, wanted, limit=_PAGE + 1, after=after))
    page = found[:_PAGE]
    following = None
    if len(found) > _PAGE:
        following = links.path("dead-letters", query=asked | {"after": _cursor(page[-1])})
    return render(
        request,
        "dead_letters.html",
        letters=page,
        asked=asked,
        first=links.path("dead-letters", query=asked) if after else None,
        following=following,
        actions=await context.run(partial(find_actions, context.database)) if readable(request) is None else [],
    )


async def letter(context: ConsoleContext, request: Request) -> Response:
    """One dead letter; with `facts=true` in the query the facts too, which is put on record.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        NotFound: there is no such letter.
        DatabaseUnreachable: no answer; no facts are shown.
    """
    found, visitor = await _found(context, request), visitor_of(request)
    facts = None
    shows = query_flag(request, "facts", default=False)
    everything = visitor.may("facts", found["domain"])
    view = PrivateView(context.database, everything=everything)
    if shows and found["domain"] is not None and found["kind"] != "message":

        def read() -> Any:
            record_fact_view(
                context.database,
                viewer=visitor.name,
                address=address_of(request),
                domain=found["domain"],
                subject_id=found["id"],
                unmasked=everything,
            )
            return view.facts(dead_letter_facts(context.database, found), found["domain"])

        facts = await context.run(read)
    return render(
        request,
        "dead_letter.html",
        letter=await context.run(partial(view.letter, found)),
        facts=facts,
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
        await context.run(partial(drop, context.database, wanted, operator))
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
    wanted = LetterFilter(ids=[_id(request.path_params["id"], "the id")], domains=readable(request))
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


def _id(text: str, name: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise RequestRefused("bad-request", f"{name} can't be {abbreviate(text)}") from None


def _cursor(last: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(f"{last['died_at'].isoformat()} {last['id']}".encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        at, last = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").split(" ")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment, uuid.UUID(last)
    except (ValueError, binascii.Error):
        raise RequestRefused("bad-request", f"after can't be {abbreviate(cursor)}") from None
