"""What a farm does, in numbers.  ledger, broker -> [signals] -> metrics, `rulefarm top`

Everything but the depth of the queues comes from the rows: what processes of workers count for themselves is lost with
them, and each has a part of it. Several may read at once, and each has all. Reads only."""

import math
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rulefarm.circuit_breaker import CircuitBreaker
from rulefarm.database import SHORT_S, active_digests, connect, translate_errors
from rulefarm.errors import BrokerUnreachable
from rulefarm.messaging import create_app, queue_depths
from rulefarm.routing import CONTROL_QUEUE, queue_name
from rulefarm.settings import Settings
from store.batch_status import standing_failures
from store.duties import Duty, unmet
from store.health import LastRun, count_dead_letters, last_reconciled
from store.open_work import OpenWork, open_work
from store.verdict_totals import ANSWER_S, Tally, VerdictKind, VerdictTotals
from workers.monitoring.lateness import late_s

#: Seconds that rates and outcomes are told of.
LATELY_S = 60.0
#: Seconds for which a ruleset is told of a worker that judged by it.
_SEEN_S = 590.0
#: Seconds for which a broker that did not answer is not asked again.
_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class DomainSignals:
    """One domain at one moment."""

    domain: str
    #: Of the active ruleset.
    digest: str
    #: What is open of its queue for single jobs, and of its bulk queue; None: nothing.
    interactive: OpenWork | None
    bulk: OpenWork | None
    #: Messages that wait in each, by the queue's name; none: the broker does not answer.
    messages: dict[str, int]
    #: Jobs that were ever submitted: those that were judged, are open, or are dead letters.
    submitted: int
    dead_letters: int
    #: Verdicts of single jobs a second, and of rows of batches, lately.
    jobs_per_s: float
    rows_per_s: float
    #: Verdicts by outcome, lately.
    outcomes: dict[str, int]
    #: Seconds within which nine of ten verdicts of single jobs were there after the job was submitted, lately: the
    #: upper end of their class. None: there were none, or it was longer than the longest class.
    latency_s: float | None

    @property
    def jobs(self) -> int:
        """Jobs that are open."""
        return sum(work.jobs for work in (self.interactive, self.bulk) if work)

    @property
    def rows(self) -> int:
        """Rows of batches in chunks that are open."""
        return self.bulk.rows if self.bulk else 0

    @property
    def age_s(self) -> float:
        """Of the oldest that is open."""
        return max((work.age_s for work in (self.interactive, self.bulk) if work), default=0.0)

    @property
    def drain_s(self) -> float:
        """Seconds until nothing is open, if nothing comes and the pace stays; infinite: nothing is judged."""
        return max(_drained(self.jobs, self.jobs_per_s), _drained(self.rows, self.rows_per_s))

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite time is None."""
        works = [work for work in (self.interactive, self.bulk) if work]
        return {
            "digest": self.digest,
            "open_jobs": self.jobs,
            "open_chunks": sum(work.chunks for work in works),
            "open_rows": self.rows,
            "leased": sum(work.leased for work in works),
            "oldest_age_s": self.age_s,
            "jobs_per_s": self.jobs_per_s,
            "rows_per_s": self.rows_per_s,
            "latency_s": self.latency_s,
            "drain_s": self.drain_s if math.isfinite(self.drain_s) else None,
            "outcomes": self.outcomes,
            "dead_letters": self.dead_letters,
            "submitted": self.submitted,
            "messages": self.messages,
        }


@dataclass(frozen=True, slots=True)
class Signals:
    """A farm at one moment."""

    domains: list[DomainSignals]
    #: Messages that wait for any worker; None: the broker does not answer.
    control_messages: int | None
    queue_limit: int
    #: Every verdict on record.
    verdicts: dict[VerdictKind, Tally]
    #: Worker and domain to the digest that it judged by last; and its verdicts a second, lately.
    rulesets: dict[tuple[str, str], str]
    pace: dict[tuple[str, str], float]
    #: Dead letters, by domain; those of no domain under "".
    dead_letters: dict[str, int]
    #: None: it has never run.
    reconciler: LastRun | None
    #: Seconds after which its last run is too long ago.
    late_s: float
    #: What fell due and is not done.
    overdue: list[Duty]
    #: Batches that failed, and after which none was done.
    failed_batches: list[dict[str, Any]] = field(default_factory=list)
    #: Verdicts of the last day by the hour, which is named by its begin, and kind.
    by_hour: dict[datetime, dict[VerdictKind, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        run = self.reconciler
        return {
            "domains": {domain.domain: domain.to_json() for domain in self.domains},
            "control_messages": self.control_messages,
            "pace": [{"worker": worker, "domain": name, "per_s": per_s} for (worker, name), per_s in self.pace.items()],
            "dead_letters": sum(self.dead_letters.values()),
            "overdue_duties": len(self.overdue),
            "failed_batches": len(self.failed_batches),
            "reconciler": {"age_s": run.age_s, "sent": run.sent, "is_late": run.age_s > self.late_s} if run else None,
        }


class SignalReader:
    """Reads the signals of one farm, as often as it is asked; any thread may ask.

    Args:
        settings: where the farm is.

    Raises:
        SettingsError: no broker or no database is named.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = connect(settings, silence_s=SHORT_S)
        self._app = create_app(settings)
        self._breaker = CircuitBreaker(_PAUSE_S)
        self._totals = VerdictTotals()
        self._submitted: dict[str, int] = {}
        #: The domains that were published when Postgres was last asked.
        self._domains: list[str] = []
        self._lock = threading.Lock()

    def read(self) -> Signals:
        """The signals of now. The first time every verdict on record is read.

        Raises:
            DatabaseUnreachable: no answer.
        """
        with self._lock:
            digests = active_digests(self._engine)
            self._domains = sorted(digests)
            with translate_errors(self._engine), self._engine.connect() as connection:
                # Before what is open: a job that is judged in between is then counted once or not yet, and not twice.
                self._totals.read(connection)
                open_ = {(work.domain, work.bulk): work for work in open_work(connection)}
            letters, dead = count_dead_letters(self._engine), count_dead_letters(self._engine, kind="job")
            late = late_s(self._settings)
            depths = self.depths()
            lately = self._totals.within(LATELY_S)
            judges = self._totals.judges(LATELY_S)
            return Signals(
                domains=[
                    self._domain(name, digest, open_, depths, (letters.get(name, 0), dead.get(name, 0)), lately)
                    for name, digest in sorted(digests.items())
                ],
                control_messages=depths.get(CONTROL_QUEUE),
                queue_limit=self._settings.queue_limit,
                verdicts=dict(self._totals.total),
                rulesets={place: digest for place, (digest, _) in self._totals.judges(_SEEN_S).items()},
                pace={place: number / self._totals.lately_s(LATELY_S) for place, (_, number) in judges.items()},
                dead_letters=letters,
                reconciler=last_reconciled(self._engine),
                late_s=late,
                overdue=unmet(self._engine, late_s=late),
                failed_batches=standing_failures(self._engine),
                by_hour=self._totals.by_hour(),
            )

    def close(self) -> None:
        """Close its connections."""
        self._app.close()
        self._engine.dispose()

    def _domain(
        self,
        name: str,
        digest: str,
        open_: dict[tuple[str, bool], OpenWork],
        depths: dict[str, int],
        letters: tuple[int, int],
        lately: dict[VerdictKind, Tally],
    ) -> DomainSignals:
        interactive, bulk = open_.get((name, False)), open_.get((name, True))
        mine = {kind: tally for kind, tally in lately.items() if kind.domain == name}
        seconds = self._totals.lately_s(LATELY_S)
        pace = {
            batch: sum(tally.number for kind, tally in mine.items() if kind.batch == batch) / seconds
            for batch in (False, True)
        }
        judged = sum(t.number for kind, t in self._totals.total.items() if kind.domain == name and not kind.batch)
        found = judged + letters[1] + sum(work.jobs for work in (interactive, bulk) if work)
        # A counter never falls; a verdict may be seen a moment later than that its job is not open any more.
        self._submitted[name] = max(found, self._submitted.get(name, 0))
        outcomes: dict[str, int] = {}
        for kind, tally in sorted(mine.items()):
            outcomes[kind.outcome] = outcomes.get(kind.outcome, 0) + tally.number
        names = [queue_name(name, bulk=is_bulk) for is_bulk in (False, True)]
        return DomainSignals(
            domain=name,
            digest=digest,
            interactive=interactive,
            bulk=bulk,
            messages={queue: depths[queue] for queue in names if queue in depths},
            submitted=self._submitted[name],
            dead_letters=letters[0],
            jobs_per_s=pace[False],
            rows_per_s=pace[True],
            outcomes=outcomes,
            latency_s=_quantile([tally for kind, tally in mine.items() if not kind.batch]),
        )

    def depths(self) -> dict[str, int]:
        """Messages that wait in each queue, by its name, of the domains that were known last; none: the broker does not
        answer."""
        if self._breaker.is_open:
            return {}
        names = [queue_name(domain, bulk=bulk) for domain in self._domains for bulk in (False, True)]
        try:
            return queue_depths(self._app, [*names, CONTROL_QUEUE])
        except BrokerUnreachable:
            self._breaker.trip()
            return {}


def _drained(number: int, per_s: float) -> float:
    if not number:
        return 0.0
    return number / per_s if per_s else math.inf


def _quantile(tallies: list[Tally], share: float = 0.9) -> float | None:
    counts = [sum(numbers) for numbers in zip(*(tally.answers for tally in tallies), strict=True)]
    seen, most = 0, share * sum(counts)
    for count, end in zip(counts, ANSWER_S, strict=False):
        seen += count
        if count and seen >= most:
            return end
    return None
