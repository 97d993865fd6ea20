"""What a draft would do, tried while somebody waits.  facts -> [draft_tryout] -> impact, a verdict

Nothing is recorded but who was shown facts of others: an example on record, or shared facts that were looked up. The
impact is that of a few facts, so that it takes seconds: `rulefarm rules impact` tries all. What is pasted is judged as
the gateway judges what it is sent, within the same bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from engine import EngineError
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import render
from gateway.console.session import form_of, record_view, visitor_of
from gateway.console.typed_instants import in_utc
from gateway.console.versions import OFFERED
from gateway.gateway_context import ANSWER_S, check_query, query_number, within
from gateway.problems import RequestRefused, is_inner, status_of
from gateway.request_bodies import Submission, job_messages, parse_as_of
from rulefarm import wire
from rulefarm.errors import RulefarmError
from rulefarm.verdict import Verdict
from rulesets.flips import OUTCOMES
from store.facts_on_record import instant_before
from store.ruleset_versions import recorded_versions
from workers.draft_impact import Versions, try_on_sample
from workers.impact_report import ImpactReport, by_count, cause_words

#: Jobs, and rows of a batch, that a draft is tried on; days that can be chosen.
SAMPLE, PERIODS = 1_000, (1, 7, 30)
#: Rules and causes that are shown.
_RULES, _CAUSES = 40, 40


async def impact(context: ConsoleContext, request: Request) -> Response:
    """What a version on record would do to some of the facts of late; without one, which there are to choose from.

    Args:
        context: of the console.
        request: with `draft`, the digest or its beginning, and `days` in its query.

    Raises:
        NotFound: no such domain, or version.
        RulesetUnreadable, engine.EngineError: the engine of today does not take it.
        GatewayBusy: it takes too long.
    """
    check_query(request, "draft", "days")
    domain, asked = request.path_params["domain"], request.query_params.get("draft", "").strip()
    days = query_number(request, "days", default=7, most=365)
    active = await context.run(partial(context.versions.digest, domain))
    versions = await context.run(partial(recorded_versions, context.database, domain, limit=OFFERED))
    draft = await context.run(partial(context.versions.digest, domain, asked)) if asked else ""
    report = await context.compute(partial(_report, context, request, active, draft, days)) if draft else None
    causes = by_count(report.impact)[:_CAUSES] if report else []
    return render(
        request,
        "impact.html",
        domain=domain,
        digest=active,
        versions=versions,
        draft=draft,
        days=days,
        periods=PERIODS,
        report=report,
        outcomes=OUTCOMES,
        matrix=report.impact.matrix if report else {},
        blamed=list(report.impact.blamed().items())[:_RULES] if report else [],
        causes=[
            (cause, cause_words(cause), one, report.told.get(cause, ()) if report else ()) for cause, one in causes
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """What stands in the box, and what came of it."""

    version: str
    facts: str = ""
    as_of: str = ""
    verdict: Verdict | None = None
    refused: RulefarmError | EngineError | None = None


async def judge_page(context: ConsoleContext, request: Request) -> Response:
    """The box to paste facts into.

    Args:
        context: of the console.
        request: with `version` in its query. Default: that which judges now.

    Raises:
        NotFound: no such domain, or version.
    """
    check_query(request, "version")
    return await _shown(context, request, _Box(version=await _version(context, request, request.query_params)))


async def judge(context: ConsoleContext, request: Request) -> Response:
    """What a version says to pasted facts.

    Args:
        context: of the console.
        request: a form with `facts`, `version` and `as_of`; what is wrong with one is said at the box.

    Raises:
        NotFound: no such domain, or version.
        GatewayBusy: it takes too long.
    """
    domain, form = request.path_params["domain"], form_of(request)
    version = await _version(context, request, form)
    box = _Box(version=version, facts=form.get("facts", ""), as_of=form.get("as_of", "").strip())
    try:
        verdict = await _judged(context, domain, box)
    except (RulefarmError, EngineError) as error:
        if is_inner(error):
            raise
        return await _shown(context, request, replace(box, refused=error))
    sees = visitor_of(request).may("facts", domain)
    if verdict.shared_facts:
        # What was pasted is the visitor's own; what it was judged with is of whoever it names.
        await context.run(partial(record_view, context, request, domain, verdict.id, unmasked=sees))
    verdict = await context.run(partial(context.view(everything=sees).verdict, verdict))
    return await _shown(context, request, replace(box, verdict=verdict))


async def _version(context: ConsoleContext, request: Request, given: Mapping[str, str]) -> str:
    named = given.get("version", "").strip()
    return await context.run(partial(context.versions.digest, request.path_params["domain"], named))


async def _judged(context: ConsoleContext, domain: str, box: _Box) -> Verdict:
    facts = wire.parse(box.facts.strip(), source="what is pasted")
    messages = job_messages(domain, [Submission(facts, None, parse_as_of(in_utc(box.as_of) or None), None)])
    loaded = await context.ruleset(domain, box.version)
    if loaded.schema.streams:
        message = f"{domain} judges by the recent events of a key, and every job that is judged becomes one of them"
        raise RequestRefused("needs-record", message, "submit a job, and look at its verdict")
    [verdict] = await within(ANSWER_S, context.gateway.judging.judge(loaded, messages))
    return verdict


async def _shown(context: ConsoleContext, request: Request, box: _Box) -> Response:
    domain = request.path_params["domain"]
    active = await context.run(partial(context.versions.digest, domain))
    versions = await context.run(partial(recorded_versions, context.database, domain, limit=OFFERED))
    refused = None if box.refused is None else box.refused.to_json()
    status = HTTPStatus.OK if box.refused is None else status_of(box.refused)
    values = {"domain": domain, "digest": active, "versions": versions, "box": box, "refused": refused}
    return render(request, "judge.html", status, **values)


def _report(context: ConsoleContext, request: Request, active: str, draft: str, days: int) -> ImpactReport:
    domain = request.path_params["domain"]
    before, after = (context.versions.ruleset(domain, digest) for digest in (active, draft))
    since = instant_before(context.database, timedelta(days=days))
    versions = Versions(domain, before, after)
    tried = try_on_sample(context.database, versions, since, most=SAMPLE)
    report = ImpactReport.of(versions, tried, facts=f"of the last {days} days, a sample")
    for cause in report.told:
        # What is said of an example tells values of its facts; of private ones never.
        example = report.impact.causes[cause].example
        if example is not None and example.id is not None:
            record_view(context, request, domain, UUID(example.id), unmasked=False)
    return report
