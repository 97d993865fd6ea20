"""Which rules the cases of a domain fire.  the domain's folder on this host -> [rule_cases] -> cases, rules without one

Cases are not on record: they are run where the folder of the domain is, by the version that stands in it, when somebody
asks: of a thousand rules that takes seconds, in which the page says so. A host without the folder says so, too."""

from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from engine import EngineError
from gateway.console.console_context import ConsoleContext
from gateway.console.recent import Recent
from gateway.console.rendering import render
from gateway.gateway_context import check_query
from rulefarm.errors import NotFound, RulefarmError
from rulesets.cases import CaseResult, run_cases
from rulesets.coverage import RuleCoverage, coverage
from rulesets.loader import SHIPPED, load_domain

#: Seconds that a page waits for the cases, for which they are not run anew, and for which what came of them is shown.
_WAIT_S, _FRESH_S, _STALE_S = 2.0, 300.0, 3600.0
#: Rules without a case, and cases that failed, that are named.
_NAMED = 200


@dataclass(frozen=True, slots=True)
class _Covered:
    """What came of the cases."""

    digest: str
    cases: list[CaseResult]
    #: Rules, rows of tables and branches: how many are fired by a case, of how many.
    counts: dict[str, tuple[int, int]]
    #: Rules that no case fires, and branches by which none does.
    rules: list[RuleCoverage]
    #: Tables with how many of their rows a case fires, of how many; those that are whole are left out.
    tables: list[tuple[str, int, int]]


async def rule_coverage(context: ConsoleContext, request: Request) -> Response:
    """Run the cases of a domain, and say which rules none of them fires.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        NotFound: no such domain.
    """
    check_query(request)
    domain = request.path_params["domain"]
    digest = await context.run(partial(context.versions.digest, domain))
    if domain not in context.covered:
        run = partial(_covered, context, domain)
        context.covered[domain] = Recent("cases", run, fresh_s=_FRESH_S, stale_s=_STALE_S)
    found, unfit = None, None
    try:
        found = await context.covered[domain].get(wait_s=_WAIT_S)
    except (RulefarmError, EngineError) as error:
        # Of whoever wrote it, and no fault of the console's.
        unfit = error.to_json()
    covered = found.value if found is not None else None
    failed = [result for result in covered.cases if not result.passed][:_NAMED] if covered else []
    return render(
        request,
        "coverage.html",
        domain=domain,
        digest=digest,
        is_running=found is None and unfit is None,
        unfit=unfit,
        covered=covered,
        failed=failed,
    )


def _covered(context: ConsoleContext, domain: str) -> _Covered | None:
    """What came of the cases; None: the domain has no folder here."""
    try:
        loaded = load_domain(context.settings.rulesets or SHIPPED, domain)
    except NotFound:
        return None
    found = coverage(loaded)
    rules, rows = ([one for one in found if bool(one.table) is is_row] for is_row in (False, True))
    branches = [held for one in found for held in one.branches.values()]
    tables: dict[str, list[RuleCoverage]] = {}
    for one in rows:
        tables.setdefault(one.table, []).append(one)
    counted = [(name, sum(bool(row.fired) for row in of), len(of)) for name, of in tables.items()]
    return _Covered(
        digest=loaded.digest,
        cases=run_cases(loaded),
        counts={
            "rules": (sum(bool(one.fired) for one in rules), len(rules)),
            "rows of tables": (sum(bool(one.fired) for one in rows), len(rows)),
            "branches of rules that fire": (sum(bool(held) for held in branches), len(branches)),
        },
        rules=[one for one in rules if not one.fired or one.missed][:_NAMED],
        tables=[table for table in counted if table[1] < table[2]],
    )
