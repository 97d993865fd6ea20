"""What the overview shows, put together.  signals, batches -> [figures] -> overview

Read in a thread, for all who look at once. Charts of the last day are drawn anew once a minute: that costs more than to
read what they show."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Engine

from gateway.console.pictures import area_chart
from rulefarm.verdict import Outcome
from store.batch_status import find_batches, open_rows
from store.duties import Duty
from store.verdict_totals import VerdictKind
from workers.monitoring import DomainSignals, SignalReader, Signals

#: Batches that are shown; and that are read, for a visitor may see those of some domains only.
_SHOWN, _READ = 8, 50
#: Seconds for which a chart stays.
_DRAWN_S = 60.0
OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class DomainLine:
    """One domain now."""

    signals: DomainSignals
    #: Jobs and chunks that somebody has in hand.
    leased: int
    #: Verdicts lately by outcome, in the order of `OUTCOMES`.
    outcomes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One worker, and a domain that it judged lately."""

    worker: str
    domain: str
    #: By which ruleset, and whether that is the active one.
    digest: str
    is_active: bool
    per_s: float


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One batch."""

    id: UUID
    domain: str
    source: str
    state: str
    is_nightly: bool
    rows: int
    #: Rows that are not in an open chunk any more, and what part of all they are, from 0 to 1.
    done: int
    share: float
    enqueued_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayOfDomain:
    """The outcomes of one domain in the last day."""

    domain: str
    #: Address of the picture.
    picture: str
    #: Verdicts by hour, each in the order of `OUTCOMES`.
    hours: tuple[tuple[datetime, tuple[int, ...]], ...]
    total: int


@dataclass(frozen=True, slots=True)
class Figures:
    """A farm at one moment, as a visitor may see it."""

    signals: Signals
    domains: tuple[DomainLine, ...]
    workers: tuple[WorkerLine, ...]
    batches: tuple[BatchLine, ...]
    days: tuple[DayOfDomain, ...]
    #: Dead letters by domain; those of no domain under "".
    dead_letters: Mapping[str, int]
    overdue: tuple[Duty, ...]

    def of(self, domains: frozenset[str] | None) -> "Figures":
        """What of it is about some domains.

        Args:
            domains: their names; None: all.
        """
        if domains is None:
            return replace(self, batches=self.batches[:_SHOWN])
        return replace(
            self,
            domains=tuple(line for line in self.domains if line.signals.domain in domains),
            workers=tuple(line for line in self.workers if line.domain in domains),
            batches=tuple(line for line in self.batches if line.domain in domains)[:_SHOWN],
            days=tuple(day for day in self.days if day.domain in domains),
            dead_letters={name: count for name, count in self.dead_letters.items() if name in domains},
            overdue=tuple(duty for duty in self.overdue if duty.domain in domains),
        )


class FigureReader:
    """Reads figures, for one who asks at a time.

    Args:
        reader: reads the numbers of the farm.
        database: where batches are.
    """

    def __init__(self, reader: SignalReader, database: Engine) -> None:
        self._reader = reader
        self._database = database
        self._days: tuple[DayOfDomain, ...] = ()
        self._drawn_at = -_DRAWN_S

    def read(self) -> Figures:
        """The figures of now.

        Raises:
            DatabaseUnreachable: no answer.
        """
        signals = self._reader.read()
        if time.monotonic() - self._drawn_at >= _DRAWN_S:
            self._days = tuple(_day(domain.domain, signals.by_hour) for domain in signals.domains)
            self._drawn_at = time.monotonic()
        active = {domain.domain: domain.digest for domain in signals.domains}
        found = find_batches(self._database, limit=_READ)
        left = open_rows(self._database, [batch["id"] for batch in found if batch["state"] == "open"])
        return Figures(
            signals=signals,
            domains=tuple(_line(domain) for domain in signals.domains),
            workers=tuple(
                WorkerLine(
                    worker, domain, digest, digest == active.get(domain), signals.pace.get((worker, domain), 0.0)
                )
                for (worker, domain), digest in sorted(signals.rulesets.items())
            ),
            batches=tuple(_batch(batch, left.get(batch["id"], 0)) for batch in found),
            days=self._days,
            dead_letters=signals.dead_letters,
            overdue=tuple(signals.overdue),
        )


def _line(domain: DomainSignals) -> DomainLine:
    leased = sum(work.leased for work in (domain.interactive, domain.bulk) if work)
    return DomainLine(domain, leased, tuple(domain.outcomes.get(outcome, 0) for outcome in OUTCOMES))


def _batch(batch: Mapping[str, Any], left: int) -> BatchLine:
    rows = batch["rows"]
    done = rows - left
    return BatchLine(
        id=batch["id"],
        domain=batch["domain"],
        source=batch["source"],
        state=batch["state"],
        is_nightly=batch["nightly"],
        rows=rows,
        done=done,
        share=done / rows if rows else 1.0,
        enqueued_at=batch["enqueued_at"],
        finished_at=batch["finished_at"],
    )


def _day(domain: str, by_hour: Mapping[datetime, Mapping[VerdictKind, int]]) -> DayOfDomain:
    hours = tuple((hour, _outcomes(domain, kinds)) for hour, kinds in by_hour.items())
    series: dict[str, Sequence[int]] = {
        outcome: [numbers[place] for _, numbers in hours] for place, outcome in enumerate(OUTCOMES)
    }
    shown = {outcome: numbers for outcome, numbers in series.items() if any(numbers)}
    labels = [f"{hour:%H:%M}" for hour, _ in hours]
    total = sum(sum(numbers) for numbers in series.values())
    return DayOfDomain(
        domain, area_chart(shown, labels, title=f"{domain}: verdicts an hour") if total else "", hours, total
    )


def _outcomes(domain: str, kinds: Mapping[VerdictKind, int]) -> tuple[int, ...]:
    found = dict.fromkeys(OUTCOMES, 0)
    for kind, number in kinds.items():
        if kind.domain == domain:
            found[kind.outcome] += number
    return tuple(found.values())
