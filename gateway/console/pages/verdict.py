"""What became of one subject, and why.  job or verdict id -> [verdict] -> outcome, rules, facts, other verdicts

Facts are of persons: who is shown some goes on record before they are sent, and private fields are hidden from whoever
is not for them. The explanation takes a thousand evaluations: it stands on the page if its address asks for it."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engine import EngineError, Piece, PrivateFields, Rule, fields_read, highlighted, print_rule
from gateway.authorization import check_scope, readable, sees_private
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.explained import Explained, explained
from gateway.console.fact_rows import FactRows, fact_rows
from gateway.console.rendering import render
from gateway.console.rule_lines import text_link
from gateway.console.session import record_view
from gateway.gateway_context import check_query, query_flag
from gateway.problems import GatewayBusy
from rulefarm.errors import FarmUnreachable, NotFound, RulefarmError
from rulefarm.jobs import id_of
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from store.job_status import JobStatus, find_job_status, same_key
from tasks.judged_facts import chunk_of, judged_facts
from tasks.shared_facts import REFUSALS

#: Other verdicts of a key that are listed.
_OTHERS = 20


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule that fired."""

    name: str
    description: str
    #: File and line in its version, and where it is shown there; empty: nobody can say.
    place: str
    address: str
    #: The rule as GRL, in coloured pieces; none: its version is not on record, or can't be read any more.
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class OtherVerdict:
    """Something else that is on record under the same key."""

    address: str
    domain: str
    enqueued_at: datetime
    outcome: str | None


@dataclass(slots=True)
class _Look:
    """What was found for a page."""

    status: JobStatus
    domain: str
    subject: str
    others: list[OtherVerdict]
    fired: list[FiredRule] = field(default_factory=list)
    facts: FactRows | None = None
    #: Why something of it is not shown.
    remarks: list[str] = field(default_factory=list)
    why: Explained | None = None
    #: As it is shown.
    verdict: Verdict | None = None
    #: Of a row of a batch that was judged: the chunk in which that was done.
    chunk: Mapping[str, Any] | None = None


async def verdict(context: ConsoleContext, request: Request) -> Response:
    """The page.

    Args:
        context: of the console.
        request: `explain` in its query says that the explanation is wanted.

    Raises:
        NotFound: nothing of that id is on record.
        RequestRefused: its visitor may not look at its domain.
        DatabaseUnreachable: no answer.
        GatewayBusy: the explanation takes too long.
    """
    check_query(request, "explain")
    wants_why = query_flag(request, "explain", default=False)
    job_id = id_of(request.path_params["id"])
    look = await context.run(partial(_look, context, request, job_id))
    if look.status.verdict is not None:
        await _add_verdict(context, request, look, look.status.verdict, wants_why=wants_why)
    shown, row, letter = look.verdict, look.status.job or look.status.chunk or {}, look.status.letter
    return render(
        request,
        "verdict.html",
        look=look,
        verdict=shown,
        row=row,
        chunk=look.chunk,
        letter=letter,
        letter_address=links.path("dead-letters", letter["id"]) if letter else None,
        changes=[
            (path, json.dumps(value, ensure_ascii=False)) for path, value in (shown.changes if shown else {}).items()
        ],
        events=[_event(event) for event in (shown.events if shown else ())],
        batch=(shown.batch if shown else letter["batch"] if letter else None),
        explain_address=links.path("verdicts", job_id, query={"explain": "true"}),
        same_key_address=links.path("verdicts", query={"subject": look.subject}),
    )


def _look(context: ConsoleContext, request: Request, job_id: uuid.UUID) -> _Look:
    status = find_job_status(context.database, job_id)
    on_record, row = status.verdict, status.job or status.letter or {}
    if on_record is None and row.get("kind") == "message":
        raise NotFound("no-such-job", f"{job_id} is a refused message, and no job", "see it among the dead letters")
    domain = on_record.domain if on_record else str(row["domain"])
    subject = on_record.subject if on_record else str(row["subject"])
    check_scope(request, "read", domain)
    found = same_key(context.database, subject, domain=domain if readable(request) else None, limit=_OTHERS + 1)
    others = [
        OtherVerdict(links.path("verdicts", each["id"]), each["domain"], each["enqueued_at"], each["outcome"])
        for each in found
        if each["id"] != job_id
    ]
    return _Look(status, domain, subject, others[:_OTHERS])


async def _add_verdict(
    context: ConsoleContext, request: Request, look: _Look, on_record: Verdict, *, wants_why: bool
) -> None:
    sees = sees_private(request)
    view = context.view(everything=sees)
    # What rules changed is of the facts, too, and stays when these are gone.
    await context.run(partial(record_view, context, request, on_record.domain, on_record.id, unmasked=sees))
    if on_record.batch is not None:
        look.chunk = await context.run(partial(chunk_of, context.database, on_record))
    version: LoadedRuleset | None = None
    try:
        version = await context.ruleset(on_record.domain, on_record.ruleset_digest)
    except (FarmUnreachable, GatewayBusy):
        raise
    except (RulefarmError, EngineError) as error:
        look.remarks.append(f"Its facts and the rules of its version are not shown: {error}")
    hidden = await context.run(partial(view.fields, on_record.domain, on_record.ruleset_digest))
    look.verdict = await context.run(partial(view.verdict, on_record))
    facts = await context.run(partial(_add_facts, context, look, on_record, version, hidden))
    is_judged = not {reason["code"] for reason in on_record.reasons} & set(REFUSALS)
    if wants_why and is_judged and version is not None and facts is not None:
        look.why = await context.compute(partial(explained, version.program, facts, on_record, hidden))


def _add_facts(
    context: ConsoleContext,
    look: _Look,
    on_record: Verdict,
    version: LoadedRuleset | None,
    hidden: PrivateFields | None,
) -> dict[str, Any] | None:
    """Add the rules that fired, and the facts that they read; gives these as they were judged; None: they are gone."""
    rules = {rule.name: rule for rule in version.program.rules} if version else {}
    names = dict.fromkeys(on_record.fired)
    look.fired = [_fired(name, rules.get(name), on_record) for name in names]
    if version is None:
        return None
    try:
        facts = judged_facts(context.database, on_record, version.schema, chunk=look.chunk)
    except NotFound as error:
        look.remarks.append(f"Its facts are not shown: {error}")
        return None
    read = {name: fields_read(rules[name]) for name in names if name in rules}
    look.facts = fact_rows(hidden.masked(facts) if hidden else facts, read, version.schema)
    return facts


def _fired(name: str, rule: Rule | None, on_record: Verdict) -> FiredRule:
    if rule is None:
        return FiredRule(name, "", "", "", [])
    place = f"{rule.span.source}:{rule.span.line}" if rule.span else ""
    address = text_link(on_record.domain, on_record.ruleset_digest, rule)
    return FiredRule(name, rule.description, place, address, list(highlighted(print_rule(rule))))


def _event(event: Any) -> str:
    return f"{event['name']}({', '.join(map(_json, event['arguments']))}) of {event['rule']}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
