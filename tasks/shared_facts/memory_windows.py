"""Windows of recent events without Redis.  provider -> [memory_windows] -> the events that a line is judged with

Gives the same window as `store.event_windows` for every event, and a test compares the two. Pure but for the clock it
is given. Memory is bounded: a key holds as many events as in Redis, and is forgotten once its last event is
too old to be seen by any that comes as much later as the stream allows."""

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from engine import Stream
from store.event_windows import Event, oldest_of_keys

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Events after which old keys are looked for. The oldest of so many says what time it is: one event from the future
#: must not make all others old.
_SWEEP = 1_000


@dataclass(slots=True)
class _Window:
    """The events of one key."""

    #: Microseconds as Redis counts them, and the job's id, in order.
    times: list[tuple[float, str]] = field(default_factory=list)
    #: Id to event.
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Keys:
    """The windows of one stream."""

    windows: dict[str, _Window] = field(default_factory=dict)
    #: Events since old keys were last looked for, and the time of the oldest of them.
    recorded: int = 0
    since: float = float("inf")


class MemoryWindows:
    """The windows of one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Hold none yet.

        Args:
            clock: seconds since 1970; says what an event from the future is.
        """
        self._clock = clock
        self._streams: dict[tuple[str, str], _Keys] = {}

    def record(self, domain: str, stream: Stream, events: Sequence[Event]) -> list[list[str]]:
        """Add events, and read the window of each, all of them added.

        Args:
            domain: whose stream.
            stream: how far back a window reaches.
            events: of a line; of more, they see each other.

        Returns:
            For each the texts of its window, by time, its own among them.
        """
        keys = self._streams.setdefault((domain, stream.name), _Keys())
        for event in events:
            window = keys.windows.setdefault(event.key, _Window())
            if event.job_id not in window.texts:
                window.texts[event.job_id] = event.text
                insort(window.times, (_micros(event.at), event.job_id))
        windows = [_read(keys.windows[event.key], stream, event) for event in events]
        for event in oldest_of_keys(events):
            self._trim(keys.windows[event.key], stream, event)
            keys.since = min(keys.since, _micros(event.at))
        keys.recorded += len(events)
        if keys.recorded >= _SWEEP:
            _sweep(keys, stream)
        return windows

    def held(self) -> int:
        """How many events are held, of all keys and streams."""
        return sum(len(window.times) for keys in self._streams.values() for window in keys.windows.values())

    def _trim(self, window: _Window, stream: Stream, event: Event) -> None:
        now = int(self._clock() * 1_000_000)
        horizon = min(_micros(event.at), now) - _kept(stream)
        gone = bisect_right(window.times, horizon, key=_time)
        gone += max(0, len(window.times) - gone - 2 * stream.max_events)
        for _, job_id in window.times[:gone]:
            del window.texts[job_id]
        del window.times[:gone]


def _read(window: _Window, stream: Stream, event: Event) -> list[str]:
    entry = (_micros(event.at), event.job_id)
    first = bisect_right(window.times, entry[0] - stream.window_s * 1_000_000, key=_time)
    end = bisect_right(window.times, entry[0], key=_time)
    entries = window.times[max(first, end - stream.max_events) : end]
    if entry not in entries:
        # More events of the very same instant than a window holds: its own is one of them in any case.
        entries = [*entries[len(entries) == stream.max_events :], entry]
    return [window.texts[job_id] for _, job_id in entries]


def _sweep(keys: _Keys, stream: Stream) -> None:
    horizon = keys.since - _kept(stream)
    for key in [key for key, window in keys.windows.items() if not window.times or window.times[-1][0] <= horizon]:
        del keys.windows[key]
    keys.recorded, keys.since = 0, float("inf")


def _kept(stream: Stream) -> int:
    return (stream.window_s + stream.late_s) * 1_000_000


def _micros(at: datetime) -> float:
    # A score of Redis is a double.
    return float((at - _EPOCH) // timedelta(microseconds=1))


def _time(entry: tuple[float, str]) -> float:
    return entry[0]
