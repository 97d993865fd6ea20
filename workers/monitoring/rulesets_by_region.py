"""Which ruleset each region judges by.  the regions' databases -> [rulesets_by_region] -> status, doctor

The same job sent to two regions gets the same verdict only where both judge by the same digest. Reads each region's own
database, all at once, and waits no longer than a region has to answer. Publishes nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rulefarm.database import active_digests, connect
from rulefarm.errors import RulefarmError
from rulefarm.settings import Settings
from workers.monitoring.health_check import HealthCheck


@dataclass(frozen=True, slots=True)
class RegionRulesets:
    """The active rulesets of one region."""

    #: Domain to digest.
    digests: dict[str, str]
    #: Why they are not known; None: they are.
    problem: str | None = None


def region_rulesets(settings: Settings) -> dict[str, RegionRulesets]:
    """The active rulesets of every region that the settings know, by its name; none, if they know of no regions.

    Args:
        settings: those of one region.
    """
    names = sorted({place.name for place in settings.regions} | ({settings.region} if settings.region else set()))
    if not names:
        return {}
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _rulesets(settings, str(name)), names), strict=True))


def check_regions(settings: Settings) -> list[HealthCheck]:
    """Whether all regions judge by the same rulesets; nothing where there are no regions.

    Args:
        settings: those of one region.
    """
    known = region_rulesets(settings)
    checks = [
        HealthCheck("regions", "warn", str(each.problem), "see docs/regions.md", subject=name)
        for name, each in known.items()
        if each.problem
    ]
    answering = {name: each.digests for name, each in known.items() if not each.problem}
    hint = "publish the same rules in each region: rulefarm rules publish"
    for domain in sorted({domain for digests in answering.values() for domain in digests}):
        found = {name: digests.get(domain, "none")[:12] for name, digests in answering.items()}
        if len(set(found.values())) > 1:
            shown = ", ".join(f"{digest} in {name}" for name, digest in found.items())
            checks.append(HealthCheck("regions", "warn", f"the active ruleset is {shown}", hint, subject=domain))
    if known and not checks:
        return [HealthCheck("regions", "ok", f"{', '.join(known)} judge by the same rulesets")]
    return checks


def _rulesets(settings: Settings, name: str) -> RegionRulesets:
    limit_s = max(2.0, settings.region_budget_s)
    try:
        there = settings.in_region(name)
        engine = connect(there, silence_s=limit_s, connect_s=limit_s)
        try:
            return RegionRulesets(active_digests(engine))
        finally:
            engine.dispose()
    except RulefarmError as error:
        return RegionRulesets({}, error.message)
