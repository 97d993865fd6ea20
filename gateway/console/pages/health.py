"""What `rulefarm doctor` finds, in words.  doctor -> [health] -> a page, and what of it changes

The doctor takes seconds, and longer if much is amiss: a page waits for it for a moment, then shows what it found last,
or that it is at work, and asks again."""

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console.console_context import ConsoleContext
from gateway.console.recent import LastAnswer
from gateway.console.rendering import render
from gateway.gateway_context import check_query
from gateway.problems import RequestRefused
from workers.monitoring import HealthCheck

#: Seconds that a page waits for the doctor.
_WAIT_S = 2.0
#: What a check is called, where its name says little.
_TITLES = {
    "database": "Postgres",
    "migrations": "tables",
    "privileges": "grants",
    "partitions": "room for verdicts",
    "broker-memory": "memory of the broker",
    "facts": "shared facts",
    "stall": "stalled workers",
    "probe": "a message there and back",
    "duties": "what falls due",
    "dead-letters": "dead letters",
}
_ORDER = ("fail", "warn", "skip", "ok")


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding."""

    #: fail, warn, skip, ok.
    status: str
    title: str
    #: The queue, worker or domain that it is about; empty: the farm.
    subject: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class HealthFindings:
    """What the doctor found, what is amiss first."""

    summary: str
    is_well: bool
    lines: tuple[FindingLine, ...]
    at: datetime


def findings_of(last: LastAnswer[list[HealthCheck]]) -> HealthFindings:
    """What was found, in words."""
    checks = sorted(last.value, key=lambda check: _ORDER.index(check.status))
    failed, warned = (sum(check.status == status for check in checks) for status in ("fail", "warn"))
    told = [f"{failed} of {len(checks)} findings: the farm is not well"] if failed else ["The farm is well"]
    told += [f"{warned} should be looked at"] if warned else []
    lines = (
        FindingLine(check.status, _TITLES.get(check.check, check.check), check.subject, check.message, check.hint)
        for check in checks
    )
    return HealthFindings(f"{'; '.join(told)}.", not failed, tuple(lines), last.at)


async def health(context: ConsoleContext, request: Request, *, template: str = "health.html") -> Response:
    """The page.

    Args:
        context: of the console.
        request: as it came.
        template: all of it, or the part that changes.

    Raises:
        RequestRefused: its visitor may look at some domains only.
    """
    check_query(request)
    if readable(request) is not None:
        raise RequestRefused("token-unfit", "health is of all domains", "take a token that reads every domain")
    last = await context.checks.get(wait_s=_WAIT_S)
    return render(request, template, found=None if last is None else findings_of(last))
