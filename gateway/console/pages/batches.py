"""Batches: the list, and how one is and was.  batches, verdicts of one -> [batches] -> progress, outcomes, what changed

Of a batch of a million rows a page looks at the last that were judged, and says so. What changed since the batch before
is compared whole if somebody asks for it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import check_scope, readable
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.pictures import bar_chart
from gateway.console.rendering import render
from gateway.gateway_context import check_query, query_flag
from gateway.problems import RequestRefused
from gateway.verdict_paths import cursor_behind, place_in
from rulefarm.database import read_batch, translate_errors
from rulefarm.jobs import id_of
from rulefarm.verdict import Outcome
from store.batch_comparison import BatchComparison, compare_all, compare_last, previous_batch
from store.batch_findings import BatchFindings, find_in_batch
from store.batch_status import find_batches

#: Batches of a page.
_PAGE = 50
_STATES = ("open", "done", "failed")


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch as a line of a list."""

    address: str
    enqueued_at: datetime
    domain: str
    source: str
    state: str
    rows: int
    judged: int | None
    refused: int | None
    #: Outcome and how many; empty: nobody has counted them yet.
    outcomes: list[tuple[str, int]]
    #: Why it failed; empty: it did not.
    failure: str


@dataclass(frozen=True, slots=True)
class FlipRow:
    """Subjects that came out otherwise than the batch before."""

    before: str
    after: str
    number: int
    #: Key and address of some.
    subjects: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was found of one batch."""

    record: Mapping[str, Any]
    findings: BatchFindings
    compared: BatchComparison | None


async def batches(context: ConsoleContext, request: Request) -> Response:
    """The list.

    Args:
        context: of the console.
        request: `domain`, `state` and `cursor` in its query; those that are empty are left out.

    Raises:
        RequestRefused: one can't be what it should.
        DatabaseUnreachable: no answer.
    """
    check_query(request, "domain", "state", "cursor")
    asked = {name: text for name, text in request.query_params.items() if text}
    domain, state = asked.get("domain"), asked.get("state")
    if state is not None and state not in _STATES:
        raise RequestRefused("bad-request", "there is no such state", f"known: {', '.join(_STATES)}")
    allowed = readable(request)
    if domain is None and allowed is not None:
        domain = min(allowed)
    if domain is not None:
        check_scope(request, "read", domain)
    after = place_in(asked["cursor"]) if "cursor" in asked else None
    # One more than is shown: whether there is another page.
    wanted: dict[str, Any] = {"domain": domain, "state": state, "limit": _PAGE + 1, "after": after}
    found = await context.run(partial(find_batches, context.database, **wanted))
    filters, following = {"domain": domain or "", "state": state or ""}, None
    if len(found) > _PAGE:
        last = found[_PAGE - 1]
        following = links.path("batches", query=filters | {"cursor": cursor_behind(last["enqueued_at"], last["id"])})
    return render(
        request,
        "batches.html",
        rows=[_listed(row) for row in found[:_PAGE]],
        filters=filters,
        states=_STATES,
        domains=sorted(allowed or context.gateway.served.by_domain),
        first=links.path("batches", query=filters) if after else None,
        following=following,
    )


async def batch(context: ConsoleContext, request: Request) -> Response:
    """One batch.

    Args:
        context: of the console.
        request: `compare=true` in its query says that all subjects are to be compared with the batch before.

    Raises:
        NotFound: no such batch is on record.
        RequestRefused: its visitor may not look at its domain.
        DatabaseUnreachable: no answer, or not in time.
    """
    check_query(request, "compare")
    is_whole = query_flag(request, "compare", default=False)
    batch_id = id_of(request.path_params["id"])
    record: dict[str, Any] = await context.run(partial(read_batch, context.database, batch_id))
    check_scope(request, "read", record["domain"])
    # All of a million take seconds: in turn, or ten people who ask for that would have all connections.
    found = await (context.compute if is_whole else context.run)(partial(_find, context, record, is_whole))
    return render(request, "batch.html", **_shown(found, batch_id))


def _find(context: ConsoleContext, record: dict[str, Any], is_whole: bool) -> _Batch:
    engine, compared = context.database, None
    # In one go: beside a busy farm each answer of Postgres is waited for.
    with translate_errors(engine), engine.connect() as connection:
        findings = find_in_batch(connection, record["id"])
        before = None if record["state"] == "failed" else previous_batch(connection, record)
        if before is not None and not is_whole:
            compared = compare_last(connection, record, before, findings.last)
    if before is not None and is_whole:
        compared = compare_all(engine, record, before)
    return _Batch(record, findings, compared)


def _shown(found: _Batch, batch_id: uuid.UUID) -> dict[str, Any]:
    record, compared = found.record, found.compared
    outcomes = _in_order(record["outcomes"]) + ([("dead", record["dead"])] if record["dead"] else [])
    settled = sum(number for _, number in outcomes)

    letters = links.path("dead-letters", query={"batch": batch_id})

    def searched(**query: Any) -> str:
        return links.path("verdicts", query={"batch": batch_id, **query})

    return {
        "record": record,
        "settled": settled,
        "outcomes": [
            (name, number, searched(outcome=name) if name != "dead" else letters) for name, number in outcomes
        ],
        "picture": bar_chart(dict(outcomes), title="Subjects by outcome") if settled else None,
        "fired": [(rule, number, searched(rule=rule)) for rule, number in found.findings.fired],
        "fired_among": len(found.findings.last),
        "errors": [
            (kind.code, kind.number, [(key, text, links.path("verdicts", each)) for each, key, text in kind.examples])
            for kind in found.findings.errors
        ],
        "compared": compared,
        "flips": [_flip_row(flip, batch_id) for flip in (compared.flips if compared else [])],
        "before_address": links.path("batches", compared.before["id"]) if compared else None,
        "whole_address": links.path("batches", batch_id, query={"compare": "true"}),
        "verdicts_address": searched(),
    }


def _flip_row(flip: Any, batch_id: uuid.UUID) -> FlipRow:
    named = [(key, links.path("verdicts", uuid.uuid5(batch_id, key))) for key in flip.subjects]
    return FlipRow(flip.before, flip.after, flip.number, named)


def _listed(row: Mapping[str, Any]) -> ListedBatch:
    return ListedBatch(
        address=links.path("batches", row["id"]),
        enqueued_at=row["enqueued_at"],
        domain=row["domain"],
        source=f"nightly {row['source']}" if row["nightly"] else row["source"],
        state=row["state"],
        rows=row["rows"],
        judged=row["judged"],
        refused=row["refused"],
        outcomes=_in_order(row["outcomes"] or {}),
        failure=f"[{row['code']}] {row['reason']}" if row["state"] == "failed" else "",
    )


def _in_order(outcomes: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(name, outcomes[name]) for name in get_args(Outcome) if name in outcomes]
