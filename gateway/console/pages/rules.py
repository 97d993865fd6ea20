"""The rules of each domain, and how often they fire.  rulesets, firings -> [rules] -> lists, one rule

Of the version that judges now, or of any other on record. The counts are kept by this process and brought up to date
while somebody looks: a page says up to when they are."""

from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from engine import Rule, highlighted, print_rule
from gateway.authorization import readable
from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.pictures import day_chart, sparkline
from gateway.console.rendering import render
from gateway.console.rule_lines import RuleLine, rule_lines, text_link
from gateway.gateway_context import check_query, query_flag, query_number
from gateway.problems import RequestRefused
from rulefarm.errors import NotFound
from store.publication_trail import Publication, newest_by_domain
from store.rule_firings import DAYS, DomainFirings, nothing_fired

#: Seconds that a page waits for counts, if there are none yet.
_WAIT_S = 0.5
#: Lines of one page.
_LINES = 100
#: Characters of a filter.
_FILTER = 200


@dataclass(frozen=True, slots=True)
class RuledDomain:
    """A domain in the list of all."""

    domain: str
    digest: str
    rules: int
    #: Rules that did not fire; None: nobody has counted yet.
    never: int | None
    verdicts: int | None
    #: What made its ruleset the active one; None: it is not on the trail.
    publication: Publication | None


async def domains(context: ConsoleContext, request: Request) -> Response:
    """All domains that are published, as far as the visitor may see them.

    Args:
        context: of the console.
        request: as it came.
    """
    check_query(request)
    allowed = readable(request)
    counted = await _firings(context)
    served = {
        domain: loaded
        for domain, loaded in sorted(context.gateway.served.by_domain.items())
        if allowed is None or domain in allowed
    }
    newest = await context.run(partial(newest_by_domain, context.database))
    shown = []
    for domain, loaded in served.items():
        firings = counted[domain] if counted is not None else None
        shown.append(
            RuledDomain(
                domain,
                loaded.digest,
                len(loaded.program.rules),
                None if firings is None else sum(rule.name not in firings.rules for rule in loaded.program.rules),
                None if firings is None else sum(firings.verdicts),
                newest.get(domain),
            )
        )
    return render(request, "rules.html", domains=shown, days=DAYS)


async def rule_list(context: ConsoleContext, request: Request) -> Response:
    """The rules of a domain, those that fire most first.

    Args:
        context: of the console.
        request: with `filter`, `never`, `rows`, `version` and `page` in its query, if there are any.

    Raises:
        NotFound: no such domain, or version.
        RequestRefused: a parameter can't be what it should.
    """
    check_query(request, "filter", "never", "rows", "version", "page")
    domain = request.path_params["domain"]
    wanted = request.query_params.get("filter", "").strip()[:_FILTER]
    by_rows, only_never = (query_flag(request, name, default=False) for name in ("rows", "never"))
    page = query_number(request, "page", default=0, most=10_000)
    version = request.query_params.get("version", "")
    digest = await context.run(partial(context.versions.digest, domain, version))
    active = await context.run(partial(context.versions.digest, domain)) if version else digest
    loaded = await context.ruleset(domain, digest)
    firings = await _firings_of(context, domain)
    all_rules, lines_of = loaded.program.rules, {"domain": domain, "digest": digest, "by_rows": by_rows}
    found = await context.run(partial(rule_lines, all_rules, firings, **lines_of))
    chosen = await context.run(partial(_chosen, found, wanted, only_never=only_never))
    here = {"filter": wanted, "rows": by_rows and "true", "never": only_never and "true", "version": version}
    query = {name: value for name, value in here.items() if value}
    return render(
        request,
        "rule_list.html",
        domain=domain,
        digest=digest,
        is_active=digest == active,
        version=version,
        rules=len(loaded.program.rules),
        never=sum(line.never for line in found),
        lines=chosen[page * _LINES : (page + 1) * _LINES],
        matching=len(chosen),
        firings=firings,
        verdicts=sum(firings.verdicts) if firings else 0,
        wanted=wanted,
        by_rows=by_rows,
        only_never=only_never,
        days=DAYS,
        first=links.path("rules", domain, query=query) if page else None,
        following=(
            links.path("rules", domain, query={**query, "page": page + 1})
            if len(chosen) > (page + 1) * _LINES
            else None
        ),
    )


async def rule(context: ConsoleContext, request: Request) -> Response:
    """One rule, or one row of a table: its text, and on which days it fired.

    Args:
        context: of the console.
        request: with `name`, and `version`, in its query.

    Raises:
        NotFound: no such domain, version or rule.
    """
    check_query(request, "name", "version")
    domain, name = request.path_params["domain"], request.query_params.get("name", "")
    version = request.query_params.get("version", "")
    digest = await context.run(partial(context.versions.digest, domain, version))
    loaded = await context.ruleset(domain, digest)
    found = next((each for each in loaded.program.rules if each.name == name), None)
    if found is None:
        raise NotFound("no-such-rule", f"{digest[:12]} of {domain} has no rule {name!r}", "the page Rules has all")
    firings = await _firings_of(context, domain)
    by_day = firings.rules[name].by_day if firings and name in firings.rules else None
    days = [f"{day:%Y-%m-%d}" for day in firings.days] if firings else []
    picture = await context.run(partial(day_chart, by_day, days, title="fired a day")) if by_day else ""
    return render(
        request,
        "rule.html",
        domain=domain,
        digest=digest,
        rule=found,
        pieces=list(highlighted(print_rule(found))),
        place=_place(found),
        text_link=text_link(domain, digest, found),
        firings=firings,
        fired=firings.rules.get(name) if firings else None,
        picture=picture,
        by_day=list(zip(days, by_day, strict=True)) if by_day else [],
        days=DAYS,
        verdicts=links.path("verdicts", query={"domain": domain, "rule": name}),
    )


async def sparkline_picture(context: ConsoleContext, request: Request) -> Response:
    """The picture of some numbers, which stand in its address: it never changes.

    Args:
        context: of the console.
        request: of a path with `numbers`: up to as many as there are days, each up to 100.

    Raises:
        RequestRefused: they are no such numbers.
    """
    try:
        numbers = tuple(int(each) for each in request.path_params["numbers"][:_FILTER].split("-"))
    except ValueError:
        numbers = ()
    if not 0 < len(numbers) <= DAYS or not all(0 <= each <= 100 for each in numbers):
        raise RequestRefused("bad-request", f"a sparkline has up to {DAYS} numbers from 0 to 100, with - between")
    drawn = await context.run(partial(sparkline, numbers))
    kept = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(drawn, headers=kept, media_type="image/svg+xml")


def _chosen(lines: list[RuleLine], wanted: str, *, only_never: bool) -> list[RuleLine]:
    folded = wanted.casefold()
    return [line for line in lines if line.has(folded) and (line.never or not only_never)]


def _place(found: Rule) -> str:
    return f"{found.span.source}:{found.span.line}" if found.span else ""


async def _firings(context: ConsoleContext) -> dict[str, DomainFirings] | None:
    """By domain, of every one that is served; None: they are being counted for the first time."""
    found = await context.firings.get(wait_s=_WAIT_S)
    if found is None:
        return None
    return {domain: found.value.get(domain) or nothing_fired(found.at) for domain in context.gateway.served.by_domain}


async def _firings_of(context: ConsoleContext, domain: str) -> DomainFirings | None:
    found = await context.firings.get(wait_s=_WAIT_S)
    return None if found is None else found.value.get(domain) or nothing_fired(found.at)
