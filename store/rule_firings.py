"""How often rules fired, day by day, counted as verdicts come.  verdicts -> [rule_firings] -> a domain's rules

What `store.rule_usage` counts anew each time it is asked, for who asks again and again: every verdict is read once, and
then only what is new, as `store.slotted_reading` says. Days are those of UTC. Which of the rules still exist is for
whoever has the active version to say. Keeps nothing on record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from store.slotted_reading import SLOT_S, SlottedReading

#: Days that are counted, today among them.
DAYS = 30
#: Of all verdicts few sets of rules are left, which are then taken apart; NULL stands for the verdict itself.
_FIRED = """
    with sets as (
        select {slot} as slot, domain, fired, count(*) as number, max(evaluated_at) as last
        from verdicts where evaluated_at >= :since and evaluated_at < :until group by 1, 2, 3)
    select slot, domain, rule, sum(number)::bigint, max(last)
    from sets, unnest(array_append(fired, null)) as rule group by 1, 2, 3"""
_OF_A_DAY = text(_FIRED.format(slot="cast(:since as timestamptz)"))
_RECENT = text(_FIRED.format(slot=f"date_bin('{SLOT_S} s', evaluated_at, timestamptz 'epoch')"))


@dataclass(frozen=True, slots=True)
class RuleFirings:
    """One rule, or one row of a table."""

    #: How many times it fired on each day, the oldest first; more than once in a verdict where it did.
    by_day: tuple[int, ...]
    #: When last.
    last: datetime

    @property
    def fired(self) -> int:
        """How many times in all."""
        return sum(self.by_day)


@dataclass(frozen=True, slots=True)
class DomainFirings:
    """What fired in one domain."""

    #: Up to when it was counted.
    at: datetime
    #: The days, the oldest first, today last.
    days: tuple[date, ...]
    #: Verdicts of each of them.
    verdicts: tuple[int, ...]
    #: By the names of rules; one that never fired is not in it.
    rules: Mapping[str, RuleFirings]


def nothing_fired(at: datetime) -> DomainFirings:
    """Of a domain without a verdict.

    Args:
        at: up to when verdicts were looked for.
    """
    return DomainFirings(at, _days_to(at), (0,) * DAYS, {})


@dataclass(slots=True)
class _Fired:
    """One rule of a domain, or its verdicts."""

    by_day: dict[date, int]
    last: datetime


#: A day, domain, rule (None: the verdicts), number, and when last.
_Slot = Sequence[tuple[date, str, str | None, int, datetime]]


class RuleFiringCounts(SlottedReading[_Slot]):
    """Counts of every rule that fired within the last days, brought up to date by `read`."""

    def __init__(self) -> None:
        super().__init__(timedelta(days=DAYS))
        self._domains: dict[str, dict[str | None, _Fired]] = defaultdict(dict)

    def of(self, domain: str) -> DomainFirings:
        """What fired in a domain, up to the last reading.

        Args:
            domain: its name; one that is not known has no verdict.
        """
        days = _days_to(self._now)
        found = {
            name: RuleFirings(tuple(one.by_day.get(day, 0) for day in days), one.last)
            for name, one in self._domains.get(domain, {}).items()
        }
        judged = found.pop(None, None)
        fired = {name: one for name, one in found.items() if name is not None and one.fired}
        return DomainFirings(self._now, days, judged.by_day if judged else (0,) * DAYS, fired)

    def by_domain(self) -> dict[str, DomainFirings]:
        """What fired in each domain of which a verdict was counted, up to the last reading."""
        return {domain: self.of(domain) for domain in self._domains}

    def read(self, connection: Connection, now: datetime | None = None) -> None:
        """Count what is new, and forget what is too long ago.

        Args:
            connection: to the database.
            now: this instant. Default: by Postgres's clock.
        """
        super().read(connection, now)
        oldest = self._now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
        for rules in self._domains.values():
            for one in rules.values():
                for day in [day for day in one.by_day if day < oldest]:
                    del one.by_day[day]
            for name in [name for name, one in rules.items() if not one.by_day]:
                del rules[name]

    def _count_settled(self, connection: Connection, since: datetime, until: datetime) -> None:
        self._count_slot(_rows(connection.execute(_OF_A_DAY, {"since": since, "until": until})), 1)

    def _read_slots(self, connection: Connection, since: datetime, until: datetime | None) -> Mapping[datetime, _Slot]:
        slots: dict[datetime, list[Any]] = defaultdict(list)
        for row in connection.execute(_RECENT, {"since": since, "until": until or "infinity"}):
            slots[row[0]].append(row)
        return {start: _rows(rows) for start, rows in slots.items()}

    def _number(self, slot: _Slot) -> int:
        return sum(number for _, _, rule, number, _ in slot if rule is None)

    def _count_slot(self, slot: _Slot, times: int) -> None:
        for day, domain, rule, number, last in slot:
            one = self._domains[domain].setdefault(rule, _Fired({}, last))
            one.by_day[day] = one.by_day.get(day, 0) + times * number
            one.last = max(one.last, last)


def _days_to(moment: datetime) -> tuple[date, ...]:
    today = moment.astimezone(UTC).date()
    return tuple(today - timedelta(days=age) for age in reversed(range(DAYS)))


def _rows(rows: Iterable[Sequence[Any]]) -> _Slot:
    return [(slot.astimezone(UTC).date(), *counted) for slot, *counted in rows]
