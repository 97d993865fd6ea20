"""`GET /v1/verdicts` and `GET /v1/rulesets`: what is on record.  request -> [verdict_paths] -> store

Newest first, a page at a time; the next page begins behind the last verdict of this one, so that new verdicts neither
shift nor repeat any. Reads only."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast, get_args
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import check_scope, readable, sees_private
from gateway.gateway_context import GatewayContext, check_query, json_response, query_number, verdict_document
from gateway.problems import RequestRefused
from gateway.request_bodies import parse_as_of
from rulefarm import wire
from rulefarm.errors import RulefarmError
from rulefarm.normalize import abbreviate, check_storable
from rulefarm.verdict import Outcome, Verdict
from store.verdict_list import find_verdicts
from store.verdict_terms import Place, VerdictTerms

#: Verdicts of one page: unless said otherwise, and at most.
_PAGE, MAX_PAGE = 50, 500
FILTERS = ("domain", "outcome", "subject", "batch", "since", "until", "rule", "digest")

_Value = TypeVar("_Value")


async def list_verdicts(context: GatewayContext, request: Request) -> Response:
    """One page of verdicts.

    Args:
        context: of the gateway.
        request: filters, `limit` and `cursor` in its query.

    Raises:
        RequestRefused: a parameter can't be what it should.
        DatabaseUnreachable: no answer.
    """
    check_query(request, *FILTERS, "region", "limit", "cursor")
    asked = dict(request.query_params)
    limit = query_number(request, "limit", default=_PAGE, most=MAX_PAGE)
    if limit < 1:
        raise RequestRefused("bad-request", "limit is at least 1")
    if "domain" in asked:
        check_scope(request, "read", asked["domain"])
    elif readable(request) is not None:
        raise RequestRefused("token-unfit", "this token reads some domains only", "name one of them: ?domain=")
    filters = verdict_terms(asked)
    after = place_in(asked["cursor"]) if "cursor" in asked else None
    everywhere = asked.get("region") == "all"
    if "region" in asked and not everywhere:
        raise RequestRefused("bad-request", "region can only be all", "each region's gateway lists its own")
    # One more than is shown: whether there is another page.
    more, terms = limit + 1, filters

    def find() -> tuple[list[tuple[str, Verdict]], list[str]]:
        if not everywhere:
            return [("", each) for each in find_verdicts(context.ledger.engine, **terms, limit=more, after=after)], []
        if context.regions is None:
            raise RequestRefused("bad-request", "this gateway knows of no regions")
        answer = context.regions.find(limit=more, after=after, terms=terms)
        return list(answer.verdicts), list(answer.without)

    def shown() -> tuple[list[tuple[str, Verdict]], list[str]]:
        found, without = find()
        if not sees_private(request):
            found = [(name, context.private.verdict(each)) for name, each in found]
        return found, without

    found, without = await context.run(shown)
    page, following = found[:limit], None
    if len(found) > limit:
        kept = {name: text for name, text in asked.items() if name != "cursor"}
        _, last = page[-1]
        following = f"/v1/verdicts?{urlencode(kept | {'cursor': cursor_behind(last.evaluated_at, last.id)})}"
    listed = [verdict_document(each) | ({"region": name} if everywhere else {}) for name, each in page]
    return json_response({"verdicts": listed, "next": following} | ({"without": without} if everywhere else {}))


async def list_rulesets(context: GatewayContext, request: Request) -> Response:
    """The rulesets that this gateway judges by.

    Args:
        context: of the gateway.
        request: without a query.

    Raises:
        RequestRefused: it has one.
    """
    check_query(request)
    allowed = readable(request)
    documents = [
        {
            "domain": domain,
            "digest": loaded.digest,
            "rules": len(loaded.program.rules),
            "subject": loaded.schema.subject,
            "key": loaded.schema.key,
            "description": loaded.schema.description,
        }
        for domain, loaded in sorted(context.served.by_domain.items())
        if allowed is None or domain in allowed
    ]
    return json_response({"rulesets": documents})


def verdict_terms(asked: Mapping[str, str]) -> VerdictTerms:
    """Which verdicts the filters of a query name.

    Args:
        asked: parameters by name; others than `FILTERS` are no matter.

    Raises:
        RequestRefused: one can't be what it should.
    """
    readers: dict[str, Callable[[str], Any]] = {"batch": uuid.UUID, "since": parse_as_of, "until": parse_as_of}
    readers["outcome"] = _outcome
    filters = {
        name: _read(name, asked[name], readers.get(name, lambda text: check_storable(text, "it")))
        for name in FILTERS
        if name in asked
    }
    return cast(VerdictTerms, filters)


def cursor_behind(moment: datetime, last: uuid.UUID) -> str:
    """Where a list goes on, as a parameter of a query.

    Args:
        moment: of the last that was shown, by which the list is in order.
        last: its id.
    """
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {last}".encode()).decode().rstrip("=")


def place_in(cursor: str) -> Place:
    """What `cursor_behind` wrote.

    Raises:
        RequestRefused: it wrote nothing like it.
    """
    return _read("cursor", cursor, _place)


def _place(cursor: str) -> Place:
    at, verdict = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").split(" ")
    return _instant(at), uuid.UUID(verdict)


def _outcome(text: str) -> str:
    if text not in get_args(Outcome):
        raise RequestRefused("bad-request", "", f"known: {', '.join(get_args(Outcome))}")
    return text


def _instant(text: str) -> datetime:
    return wire.instant(datetime.fromisoformat(text))


def _read(name: str, text: str, read: Callable[[str], _Value]) -> _Value:
    try:
        return read(text)
    # OverflowError: 0001-01-01 of a place east of Greenwich is no instant in UTC.
    except (ValueError, OverflowError, binascii.Error, RulefarmError) as error:
        hint = error.hint if isinstance(error, RulefarmError) else ""
        raise RequestRefused("bad-request", f"{name} can't be {abbreviate(text)}", hint) from None
