"""Reports of drills that nobody ran: one that found nothing, one that found something."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.drill.checker import Finding
from workers.drill.impact import FaultImpact
from workers.drill.plan import Options
from workers.drill.report import Report

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

ROW: dict[str, Any] = {
    "attempts": 2,
    "times_sent": 3,
    "resend_at": NOW - timedelta(seconds=9),
    "lease_until": NOW + timedelta(seconds=4),
    "worker": "one@here",
    "code": "time-limit",
    "now": NOW,
}

GOOD = Report(
    options=Options(jobs=20_000),
    finished_s=251.2,
    jobs=20_040,
    rows=15_000,
    poison=15,
    malformed=28,
    refused=27,
    impacts=(
        FaultImpact("child", "two, process 4711 of its pool", 8.0, 80.4, 60.1, 1234.5, 0.1, 1.26),
        FaultImpact("wipe", "[3] messages", 20.0, 80.0, 0.0, 90.0, None, None),
    ),
    findings=(),
    open=(),
)

BAD = replace(
    GOOD,
    finished_s=None,
    findings=(
        Finding("lost", "id-1", "a was lost"),
        Finding("open", "id-1", "a is open"),
        Finding("doubled", "id-2", "b"),
    ),
    open=(("job", "id-1", ROW),),
)
