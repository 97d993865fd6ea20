"""Read verdicts as they come, each once and what is late too.  verdicts -> [slotted_reading] -> who counts them

Reads every row once when it begins, and then only what is new. A verdict has the time of its worker's clock, and is on
record a moment later, or much later if Postgres was away meanwhile. So what was judged lately is counted in slots of
time, and a slot is looked at again before it is settled: it is read again if there are not as many verdicts in it as
were read, for none ever changes. How many there are an index tells, for half of what it takes to read them or less.
What is counted is for the subclass to say. Keeps nothing on record."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import Connection, func, select, text

from rulefarm.database import verdicts

_Slot = TypeVar("_Slot")

#: Seconds of a slot: few, for the one of now is read again with what comes into it.
SLOT_S = 2
#: How far back each reading looks: a verdict is on record within seconds.
_TAIL = timedelta(seconds=10)
#: Ages at which a slot is looked at again: when a lease is over, and what waited for Postgres is on record or repeated;
#: and when it is settled, after which a verdict that comes with so old a time is not counted. No clock is so wrong.
_AGAIN = (timedelta(seconds=60), timedelta(seconds=600))
_DAY = timedelta(days=1)
_NUMBERS = text(
    f"select date_bin('{SLOT_S} s', evaluated_at, timestamptz 'epoch') as slot, count(*) from verdicts"
    " where evaluated_at >= :since and evaluated_at < :until group by 1"
)
#: Whoever looks takes one core from a farm that is at work, and not all of them; also for what is asked with it.
_ALONE = text("set local max_parallel_workers_per_gather = 0")


class SlottedReading(ABC, Generic[_Slot]):
    """What was counted of verdicts, brought up to date by `read`. Not for several threads at once.

    Args:
        reach: how long ago a verdict was judged at most that is counted when it begins. Default: whenever.
    """

    def __init__(self, reach: timedelta | None = None) -> None:
        self._reach = reach
        self._slots: dict[datetime, _Slot] = {}
        #: Up to where slots were looked at at each age; none: nothing was read yet.
        self._again: list[datetime] = []
        #: Up to where what is settled was counted, while the first reading is not at its end.
        self._counted_to: datetime | None = None
        self._now = datetime.min.replace(tzinfo=UTC)

    def read(self, connection: Connection, now: datetime | None = None) -> None:
        """Count what is new.

        Args:
            connection: to the database.
            now: this instant. Default: by Postgres's clock.
        """
        connection.execute(_ALONE)
        now = now or connection.execute(select(func.now())).scalar_one()
        if not self._again:
            self._begin(connection, now)
        for i, age in enumerate(_AGAIN):
            until = slot_of(now - age)
            if until > self._again[i]:
                if changed := self._changed(connection, self._again[i], until):
                    self._replace_slots(connection, changed[0], changed[-1] + timedelta(seconds=SLOT_S))
                self._again[i] = until
        # What is new from where the last reading ended, or these did; and from where something came late before.
        last = slot_of(min(self._now, now))
        end = max(last, self._again[0])
        changed = self._changed(connection, max(last - _TAIL, self._again[-1]), end)
        self._replace_slots(connection, changed[0] if changed else end, None)
        self._now = now
        for start in [start for start in self._slots if start < self._again[-1]]:
            del self._slots[start]

    @abstractmethod
    def _count_settled(self, connection: Connection, since: datetime, until: datetime) -> None:
        """Count what was judged in a time that is settled, within one day of UTC."""

    @abstractmethod
    def _read_slots(self, connection: Connection, since: datetime, until: datetime | None) -> Mapping[datetime, _Slot]:
        """What was judged in a time, None: without an end, by the beginnings of its slots."""

    @abstractmethod
    def _number(self, slot: _Slot) -> int:
        """How many verdicts a slot holds."""

    @abstractmethod
    def _count_slot(self, slot: _Slot, times: int) -> None:
        """Count what a slot holds once; -1: take it away."""

    def _slots_since(self, since: datetime) -> Iterator[_Slot]:
        # What is still to come is of a clock that is ahead.
        return (slot for start, slot in sorted(self._slots.items()) if since <= start <= self._now)

    def _begin(self, connection: Connection, now: datetime) -> None:
        again = [slot_of(now - age) for age in _AGAIN]
        since, until = self._counted_to, again[-1]
        if since is None:
            since = connection.execute(select(func.min(verdicts.c.evaluated_at))).scalar_one()
            if since is not None and self._reach is not None:
                since = max(since, now - self._reach)
        # Piece by piece: whoever asks Postgres waits for no answer longer than a minute.
        while since is not None and since < until:
            end = min(_day_of(since) + _DAY, until)
            self._count_settled(connection, since, end)
            # If the next piece does not come, the next reading begins there.
            since = self._counted_to = end
        self._again, self._now = again, again[-1]

    def _changed(self, connection: Connection, since: datetime, until: datetime) -> list[datetime]:
        """The slots of a time of which not all was read, the oldest first."""
        if since >= until:
            return []
        numbers = connection.execute(_NUMBERS, {"since": since, "until": until})
        known = {start: self._number(slot) for start, slot in self._slots.items() if since <= start < until}
        return sorted(start for start, number in numbers if number != known.get(start))

    def _replace_slots(self, connection: Connection, since: datetime, until: datetime | None) -> None:
        """Read slots, in place of what was read of them before."""
        for start, after in self._read_slots(connection, since, until).items():
            self._count_slot(after, 1)
            if start in self._slots:
                self._count_slot(self._slots[start], -1)
            self._slots[start] = after


def slot_of(moment: datetime) -> datetime:
    """The beginning of the slot that an instant is in."""
    return datetime.fromtimestamp(moment.timestamp() // SLOT_S * SLOT_S, UTC)


def _day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
