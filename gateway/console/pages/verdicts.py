"""What was judged: looked for, page by page, and taken away.  filters -> [verdicts] -> the list, an export of it

Each list can be asked for again by its address. The next page begins behind the last verdict of this one."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, get_args

import polars
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.authorization import check_scope, readable
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import render
from gateway.console.typed_instants import in_utc
from gateway.gateway_context import TIME_LIMIT, check_query
from gateway.problems import RequestRefused
from gateway.verdict_paths import FILTERS, cursor_behind, place_in, verdict_terms
from rulefarm.csv_lines import csv_lines
from rulefarm.verdict import Outcome, Verdict
from store.verdict_pages import EXPORT_LOOKED_THROUGH, EXPORTED, VerdictPage, export_verdicts, find_page
from store.verdict_terms import VerdictTerms

#: Verdicts of a page.
_PAGE = 50
#: Seconds that a portion of an export may take, and its reader to take it.
_PORTION_S = 30.0
#: Format of an export to what it is called in HTTP.
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
#: Shared facts are facts: who is shown some is on record, subject by subject.
_EXPORTED = tuple(each.name for each in fields(Verdict) if each.name != "shared_facts")
_TEXTS = ("reasons", "changes", "logs", "events", "warnings")


@dataclass(frozen=True, slots=True)
class ListedVerdict:
    """A verdict as a line of a list."""

    address: str
    evaluated_at: datetime
    domain: str
    subject: str
    outcome: str
    #: Its reasons, or else the rules that fired.
    why: str
    digest: str

    @classmethod
    def of(cls, verdict: Verdict) -> "ListedVerdict":
        """The line of a verdict."""
        return cls(
            links.path("verdicts", verdict.id),
            verdict.evaluated_at,
            verdict.domain,
            verdict.subject,
            verdict.outcome,
            "; ".join(reason["text"] for reason in verdict.reasons) or ", ".join(verdict.fired),
            verdict.ruleset_digest,
        )


async def verdicts(context: ConsoleContext, request: Request) -> Response:
    """The list.

    Args:
        context: of the console.
        request: filters and `cursor` in its query; those that are empty are left out.

    Raises:
        RequestRefused: a filter can't be what it should.
        DatabaseUnreachable: no answer.
    """
    check_query(request, *FILTERS, "cursor")
    asked = _asked(request)
    terms = _terms(request, asked)
    # What the list is of stands in its form and in its links, also if that was not asked for.
    asked["domain"] = terms.get("domain") or ""
    after = place_in(asked["cursor"]) if "cursor" in asked else None
    page: VerdictPage = await context.run(partial(find_page, context.database, limit=_PAGE, after=after, **terms))
    filters = {name: asked.get(name, "") for name in FILTERS}
    following = None
    if page.after is not None:
        following = links.path("verdicts", query=filters | {"cursor": cursor_behind(*page.after)})
    return render(
        request,
        "verdicts.html",
        rows=[ListedVerdict.of(verdict) for verdict in page.verdicts],
        filters=filters,
        outcomes=get_args(Outcome),
        domains=sorted(readable(request) or context.gateway.served.by_domain),
        first=links.path("verdicts", query=filters) if after else None,
        following=following,
        looked_back_to=page.looked_back_to,
        exports=[(name, links.path("verdicts", "export", name, query=filters)) for name in FORMATS],
        most_exported=EXPORTED,
        most_looked_through=EXPORT_LOOKED_THROUGH,
    )


async def export(context: ConsoleContext, request: Request) -> Response:
    """What the filters find, as a file.

    Args:
        context: of the console.
        request: filters in its query; the format ends its path.

    Raises:
        RequestRefused: a filter or the format can't be what it should.
        DatabaseUnreachable: no answer.
    """
    check_query(request, *FILTERS)
    written = request.path_params["format"]
    if written not in FORMATS:
        raise RequestRefused("bad-request", "there is no such format", f"known: {', '.join(FORMATS)}")
    found = export_verdicts(context.database, **_terms(request, _asked(request)))
    # Who is shown private values is on record, subject by subject: a file of a hundred thousand has none, for nobody.
    hide = context.gateway.private.verdict

    def documents() -> list[dict[str, Any]] | None:
        part = next(found, None)
        return None if part is None else [_document(hide(each)) for each in part]

    # The first is read before anything is sent: a Postgres that is away is an error, and no empty file.
    first = await context.run(documents)
    write = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[written]

    async def portions() -> AsyncIterator[list[dict[str, Any]]]:
        part = first
        while part is not None:
            _allow(request)
            yield part
            part = await context.run(documents)

    return StreamingResponse(
        write(context, portions()),
        media_type=FORMATS[written],
        headers={"content-disposition": f'attachment; filename="verdicts.{written}"'},
    )


def _asked(request: Request) -> dict[str, str]:
    """What a form was filled in with: it sends empty fields too, and times without a zone, which are UTC."""
    asked = {name: text.strip() if name != "subject" else text for name, text in request.query_params.items() if text}
    for name in ("since", "until"):
        if name in asked:
            asked[name] = in_utc(asked[name])
    return asked


def _terms(request: Request, asked: Mapping[str, str]) -> VerdictTerms:
    terms = verdict_terms(asked)
    allowed = readable(request)
    if terms.get("domain") is None and allowed is not None:
        # A list is of one domain or of all.
        terms["domain"] = min(allowed)
    if terms.get("domain") is not None:
        check_scope(request, "read", terms["domain"])
    return terms


def _document(verdict: Verdict) -> dict[str, Any]:
    document = verdict.to_json()
    return {name: document[name] for name in _EXPORTED}


async def _csv(_context: ConsoleContext, portions: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    is_first = True
    async for part in portions:
        lines: Iterator[str] = csv_lines(_EXPORTED, part)
        if not is_first:
            next(lines)
        is_first = False
        yield _encoded("".join(f"{line}\r\n" for line in lines))
    if is_first:
        yield _encoded("".join(f"{line}\r\n" for line in csv_lines(_EXPORTED, ())))


async def _jsonl(_context: ConsoleContext, portions: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    async for part in portions:
        yield _encoded("".join(json.dumps(document, ensure_ascii=False) + "\n" for document in part))


async def _parquet(context: ConsoleContext, portions: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    """One frame a portion: a format of columns can't be sent line by line, and a frame is small beside documents."""
    frames = [_frame([])]
    async for part in portions:
        frames.append(await context.run(partial(_frame, part)))

    def written() -> bytes:
        file = BytesIO()
        polars.concat(frames).write_parquet(file)
        return file.getvalue()

    yield await context.run(written)


def _frame(documents: list[dict[str, Any]]) -> polars.DataFrame:
    kinds: dict[str, Any] = dict.fromkeys(_EXPORTED, polars.String)
    kinds |= {"fired": polars.List(polars.String), "micros": polars.Int64}
    moments = ("enqueued_at", "as_of", "evaluated_at")
    kinds |= dict.fromkeys(moments, polars.Datetime("us", "UTC"))
    rows = [
        document
        | {name: json.dumps(document[name], ensure_ascii=False) for name in _TEXTS}
        | {name: datetime.fromisoformat(document[name]) for name in moments}
        for document in documents
    ]
    return polars.DataFrame({name: [row[name] for row in rows] for name in _EXPORTED}, schema=kinds)


def _encoded(text: str) -> bytes:
    # Half a surrogate pair can stand in what a rule says, and in no UTF-8.
    return text.encode("utf-8", "replace")


def _allow(request: Request) -> None:
    """Move the time limit of the request: an export takes as long as it comes."""
    request.scope[TIME_LIMIT].reschedule(asyncio.get_running_loop().time() + _PORTION_S)
