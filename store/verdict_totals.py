"""Verdicts counted as they come: by domain, outcome and time taken.  verdicts -> [verdict_totals] -> rates, counters

Reads every row once when it begins, and then only what is new: a farm with a hundred million verdicts is asked as
quickly as one with a hundred. What is read when is for `store.slotted_reading` to say. Keeps nothing on record."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, func, select, text

from store.slotted_reading import SLOT_S, SlottedReading, slot_of

#: Upper ends, in seconds, of the classes that evaluations are counted in; and of those from submission to evaluation.
EVALUATION_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

_MICROS = ", ".join(f"{round(end * 1e6) + 1}" for end in EVALUATION_S)
_WAITED = ", ".join(f"'{round(end * 1e6) + 1} us'" for end in ANSWER_S)
_COLUMNS = f"""
    domain, outcome, batch is not null as bulk, width_bucket(micros, array[{_MICROS}]) as evaluation,
    width_bucket(evaluated_at - enqueued_at, array[{_WAITED}]::interval[]) as answer"""
_SUMS = """
    count(*) as number, sum(micros) / 1e6::float8 as evaluation_s,
    extract(epoch from sum(greatest(evaluated_at - enqueued_at, interval '0')))::float8 as answer_s"""
#: How long ago verdicts are counted by the hour.
DAY = timedelta(hours=24)
_HOUR = timedelta(hours=1)
#: Of the last day by the hour.
_SETTLED = text(
    "select case when evaluated_at >= :day then date_bin('1 hour', evaluated_at, timestamptz 'epoch') end as hour,"
    f" {_COLUMNS}, {_SUMS} from verdicts where evaluated_at >= :since and evaluated_at < :until"
    " group by 1, 2, 3, 4, 5, 6"
)
#: By slots; and once more, in the same reading, by who judged by which ruleset. First by both: of many verdicts few
#: sums are left, and to sum up each verdict twice would take half as long again.
_RECENT = text(f"""
    with sums as (
        select date_bin('{SLOT_S} s', evaluated_at, timestamptz 'epoch') as slot, {_COLUMNS},
               worker, ruleset_digest, {_SUMS}
        from verdicts where evaluated_at >= :since and evaluated_at < :until
        group by 1, 2, 3, 4, 5, 6, 7, 8)
    select slot, domain, outcome, bulk, evaluation, answer, worker, ruleset_digest,
           sum(number)::bigint as number, sum(evaluation_s) as evaluation_s, sum(answer_s) as answer_s
    from sums group by grouping sets ((1, 2, 3, 4, 5, 6), (1, 2, 7, 8))""")


@dataclass(frozen=True, slots=True, order=True)
class VerdictKind:
    """What verdicts are counted by."""

    domain: str
    outcome: str
    #: Whether they are of batches, and not of single jobs.
    batch: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many verdicts, and how long they took."""

    number: int
    #: Seconds of evaluation, in all; and how many took so long, class by class, the last without an upper end.
    evaluation_s: float
    evaluations: tuple[int, ...]
    #: From submission to evaluation, likewise.
    answer_s: float
    answers: tuple[int, ...]

    @classmethod
    def none(cls) -> Self:
        """Of no verdict."""
        return cls(0, 0.0, (0,) * (len(EVALUATION_S) + 1), 0.0, (0,) * (len(ANSWER_S) + 1))

    def plus(self, other: "Tally", times: int = 1) -> "Tally":
        """Both together.

        Args:
            other: what is added.
            times: how often; -1: it is taken away.
        """
        return Tally(
            self.number + times * other.number,
            self.evaluation_s + times * other.evaluation_s,
            tuple(mine + times * its for mine, its in zip(self.evaluations, other.evaluations, strict=True)),
            self.answer_s + times * other.answer_s,
            tuple(mine + times * its for mine, its in zip(self.answers, other.answers, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """Who judged a domain by which ruleset."""

    domain: str
    worker: str
    digest: str


@dataclass(slots=True)
class _Slot:
    """What was judged within some seconds."""

    hour: datetime
    tallies: dict[VerdictKind, Tally]
    judges: dict[JudgedBy, int]


class VerdictTotals(SlottedReading[_Slot]):
    """Counts of every verdict on record, brought up to date by `read`. Not for several threads at once."""

    def __init__(self) -> None:
        super().__init__()
        self._first_hour = self._now
        #: Of all that was read.
        self.total: dict[VerdictKind, Tally] = {}
        #: Of the last day: verdicts by the hour that they were reached in, which is named by its begin.
        self._hours: dict[datetime, dict[VerdictKind, int]] = {}

    def read(self, connection: Connection, now: datetime | None = None) -> None:
        """Count what is new.

        Args:
            connection: to the database.
            now: this instant. Default: by Postgres's clock.
        """
        now = now or connection.execute(select(func.now())).scalar_one()
        self._first_hour = _hour_of(now - DAY)
        super().read(connection, now)
        for start in [start for start in self._hours if start < self._first_hour]:
            del self._hours[start]

    def by_hour(self) -> dict[datetime, dict[VerdictKind, int]]:
        """Verdicts of the last day by hours, each named by its begin: this one, and all of the 24 before."""
        hours = [self._first_hour + n * _HOUR for n in range(25)]
        return {hour: dict(self._hours.get(hour, {})) for hour in hours}

    def within(self, seconds: float) -> dict[VerdictKind, Tally]:
        """What was judged lately.

        Args:
            seconds: how long ago at most, as `lately_s` rounds it.
        """
        found: dict[VerdictKind, Tally] = {}
        for slot in self._lately(seconds):
            for kind, tally in slot.tallies.items():
                found[kind] = found.get(kind, Tally.none()).plus(tally)
        return found

    def lately_s(self, seconds: float) -> float:
        """The seconds that `within` covers, which are whole slots: up to 2 more.

        Args:
            seconds: how long ago at most, up to 600.
        """
        return (self._now - self._since(seconds)).total_seconds()

    def judges(self, seconds: float) -> dict[tuple[str, str], tuple[str, int]]:
        """Worker and domain to the digest that it judged by last, and how many verdicts it gave.

        Args:
            seconds: how long ago at most, as `lately_s` rounds it.
        """
        found: dict[tuple[str, str], tuple[str, int]] = {}
        for slot in self._lately(seconds):
            for judge, number in slot.judges.items():
                place = judge.worker, judge.domain
                found[place] = judge.digest, found.get(place, ("", 0))[1] + number
        return found

    def _lately(self, seconds: float) -> Iterator[_Slot]:
        return self._slots_since(self._since(seconds))

    def _since(self, seconds: float) -> datetime:
        return slot_of(self._now - timedelta(seconds=seconds))

    def _count_settled(self, connection: Connection, since: datetime, until: datetime) -> None:
        rows: dict[datetime | None, list[Sequence[Any]]] = defaultdict(list)
        for hour, *row in connection.execute(_SETTLED, {"since": since, "until": until, "day": self._first_hour}):
            rows[hour].append(row)
        for hour, found in rows.items():
            self._count(_added(found), hour, 1)

    def _read_slots(self, connection: Connection, since: datetime, until: datetime | None) -> Mapping[datetime, _Slot]:
        rows: dict[datetime, list[Sequence[Any]]] = defaultdict(list)
        judges: dict[datetime, dict[JudgedBy, int]] = defaultdict(dict)
        for row in connection.execute(_RECENT, {"since": since, "until": until or "infinity"}):
            slot, domain, _, _, _, _, worker, digest, number, *_ = row
            if worker is None:
                rows[slot].append((*row[1:6], *row[8:]))
            else:
                judges[slot][JudgedBy(domain, worker, digest)] = number
        return {start: _Slot(_hour_of(start), _added(found), judges[start]) for start, found in rows.items()}

    def _number(self, slot: _Slot) -> int:
        return sum(tally.number for tally in slot.tallies.values())

    def _count_slot(self, slot: _Slot, times: int) -> None:
        self._count(slot.tallies, slot.hour, times)

    def _count(self, tallies: Mapping[VerdictKind, Tally], hour: datetime | None, times: int) -> None:
        for kind, tally in tallies.items():
            self.total[kind] = self.total.get(kind, Tally.none()).plus(tally, times)
            if hour is not None:
                of_hour = self._hours.setdefault(hour, {})
                of_hour[kind] = of_hour.get(kind, 0) + times * tally.number


def _hour_of(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // 3600 * 3600, UTC)


def _added(rows: Iterable[Sequence[Any]]) -> dict[VerdictKind, Tally]:
    """The rows of a reading, one for each two classes, as tallies: `_COLUMNS` and `_SUMS`."""
    kinds: dict[VerdictKind, tuple[list[float], list[int], list[int]]] = {}
    for domain, outcome, bulk, evaluation, answer, number, evaluation_s, answer_s in rows:
        kind = VerdictKind(domain, outcome, bulk)
        if kind not in kinds:
            kinds[kind] = [0, 0.0, 0.0], [0] * (len(EVALUATION_S) + 1), [0] * (len(ANSWER_S) + 1)
        sums, evaluations, answers = kinds[kind]
        sums[0] += number
        sums[1] += evaluation_s
        sums[2] += answer_s
        evaluations[evaluation] += number
        answers[answer] += number
    return {
        kind: Tally(int(sums[0]), sums[1], tuple(evaluations), sums[2], tuple(answers))
        for kind, (sums, evaluations, answers) in kinds.items()
    }
