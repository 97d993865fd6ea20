"""The result of a drill.  checker, impact -> [report] -> table, JSON, exit code

Plain values; `passed` is what the exit code says."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from workers.drill.checker import Finding
from workers.drill.impact import FaultImpact
from workers.drill.plan import Options

#: Findings that mean that something accepted was lost, and that something was done twice.
LOST, DOUBLED = ("lost", "open", "wrongly-dead"), ("doubled",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one drill."""

    options: Options
    #: Seconds from the first job until everything was closed; None: the deadline came first.
    finished_s: float | None
    #: Accepted jobs, rows of accepted batches, and how many of both are poison.
    jobs: int
    rows: int
    poison: int
    #: Malformed messages that were sent, and messages that are on record as refused. A wiped broker or a killed worker
    #: may take some with it.
    malformed: int
    refused: int
    impacts: tuple[FaultImpact, ...]
    findings: tuple[Finding, ...]
    #: What was open at the end: kind, id, row.
    open: tuple[tuple[str, str, dict[str, Any]], ...]

    @property
    def lost(self) -> int:
        """Accepted subjects that have no verdict and should have one."""
        return len({finding.id for finding in self.findings if finding.code in LOST})

    @property
    def doubled(self) -> int:
        """Accepted subjects that have more than one answer."""
        return len({finding.id for finding in self.findings if finding.code in DOUBLED})

    @property
    def passed(self) -> bool:
        """Whether everything was closed in time and no promise was broken."""
        return self.finished_s is not None and not self.findings and not self.open

    @property
    def by_code(self) -> dict[str, int]:
        """How many findings of each kind."""
        return dict(Counter(finding.code for finding in self.findings).most_common())

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        document = asdict(self)
        document["open"] = [{"kind": kind, "id": identity, **row} for kind, identity, row in self.open]
        return {"passed": self.passed, "lost": self.lost, "doubled": self.doubled, **document}
