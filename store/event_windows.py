"""Windows of recent events, one a key, in Redis.  tasks.shared_facts -> [event_windows] -> the events of each window

A window is a sorted set of job ids by the time of their events, and a hash of the events. One script adds an event and
reads the window up to it, so that no worker ever sees half of another's change; run again for the same job, it changes
nothing. Time is that of the events: the clock of Redis, and no worker's, says when a key that nobody adds to is
forgotten, and that an event is from the future. `tasks.replay` holds the same windows in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine import Stream
from rulefarm.reference_facts import ReferenceFacts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Events that one round trip carries.
_PORTION = 200

# KEYS: times, events.
# ARGV: id, time, window, kept, now or nothing, time to live in milliseconds, most, event, whether to read, and to trim.
# Times are microseconds: a score is a double, which is exact for them until the year 2255.
_SCRIPT = """
local times, events, id = KEYS[1], KEYS[2], ARGV[1]
local at, most = tonumber(ARGV[2]), tonumber(ARGV[7])
redis.call('ZADD', times, 'NX', ARGV[2], id)
redis.call('HSETNX', events, id, ARGV[8])

local window = {}
if ARGV[9] == '1' then
  local from = string.format('(%.0f', at - tonumber(ARGV[3]))
  local ids = redis.call('ZREVRANGEBYSCORE', times, ARGV[2], from, 'LIMIT', 0, most)
  local holds_it = false
  for _, each in ipairs(ids) do holds_it = holds_it or each == id end
  if not holds_it then
    -- More events of the very same instant than a window holds: its own is one of them in any case.
    if #ids == most then ids[most] = nil end
    table.insert(ids, 1, id)
  end
  for place = #ids, 1, -1 do window[#window + 1] = redis.call('HGET', events, ids[place]) end
end

if ARGV[10] == '1' then
  -- An event from the future must not push out those of today.
  local now = tonumber(ARGV[5])
  if now == nil then
    local clock = redis.call('TIME')
    now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
  end
  local horizon = math.min(at, now) - tonumber(ARGV[4])
  local gone = redis.call('ZRANGEBYSCORE', times, '-inf', string.format('%.0f', horizon))
  local over = redis.call('ZCARD', times) - #gone - 2 * most
  if over > 0 then
    for _, each in ipairs(redis.call('ZRANGE', times, #gone, #gone + over - 1)) do gone[#gone + 1] = each end
  end
  for _, each in ipairs(gone) do
    redis.call('ZREM', times, each)
    redis.call('HDEL', events, each)
  end
end
redis.call('PEXPIRE', times, ARGV[6])
redis.call('PEXPIRE', events, ARGV[6])
return window
"""


@dataclass(frozen=True, slots=True)
class Event:
    """What one job adds to its window."""

    #: The job's id; the same is added once.
    job_id: str
    #: The key of the window.
    key: str
    #: When it happened.
    at: datetime
    #: Its fields, as canonical JSON.
    text: str


def oldest_of_keys(events: Sequence[Event]) -> list[Event]:
    """The oldest event of each key: what it has no use for, no other one has."""
    oldest: dict[str, Event] = {}
    for event in events:
        if event.key not in oldest or event.at < oldest[event.key].at:
            oldest[event.key] = event
    return list(oldest.values())


class RedisWindows:
    """The windows of a farm."""

    def __init__(self, facts: ReferenceFacts, *, clock: Callable[[], float] | None = None) -> None:
        """Connect when first asked.

        Args:
            facts: kept in the same Redis.
            clock: seconds since 1970; default: that of Redis, so that no two hosts' are compared.
        """
        self._facts = facts
        self._clock = clock
        self._script = facts.redis.register_script(_SCRIPT)

    def record(self, domain: str, stream: Stream, events: Sequence[Event]) -> list[list[str]]:
        """Add events, and read the window of each, all of them added.

        Args:
            domain: whose stream.
            stream: how far back a window reaches.
            events: of a job, or of a whole chunk.

        Returns:
            For each the texts of its window, by time, its own among them.

        Raises:
            FactsUnreachable: no answer. Some may have been added; adding them again is harmless.
        """
        with self._facts.reachable():
            if len(events) < 2:
                return self._run(domain, stream, events, is_read=True, is_trimmed=True)
            # The events of a chunk see each other, in whatever order they stand and however far apart they are. So
            # nothing may go before all are read, and then what the oldest of a key has no use for.
            self._run(domain, stream, events, is_read=False, is_trimmed=False)
            windows = self._run(domain, stream, events, is_read=True, is_trimmed=False)
            self._run(domain, stream, oldest_of_keys(events), is_read=False, is_trimmed=True)
        return windows

    def _run(
        self, domain: str, stream: Stream, events: Sequence[Event], *, is_read: bool, is_trimmed: bool
    ) -> list[list[str]]:
        windows = []
        for first in range(0, len(events), _PORTION):
            windows += self._round_trip(domain, stream, events[first : first + _PORTION], is_read, is_trimmed)
        return windows

    def _round_trip(
        self, domain: str, stream: Stream, events: Sequence[Event], is_read: bool, is_trimmed: bool
    ) -> list[list[str]]:
        pipeline = self._facts.redis.pipeline(transaction=False)
        now = "" if self._clock is None else int(self._clock() * 1_000_000)
        kept_s = stream.window_s + stream.late_s
        for event in events:
            # In braces: both keys on the same node of a cluster.
            place = f"rulefarm:stream:{{{domain}:{stream.name}:{event.key}}}"
            self._script(
                keys=(f"{place}:times", f"{place}:events"),
                args=(
                    event.job_id,
                    (event.at - _EPOCH) // timedelta(microseconds=1),
                    stream.window_s * 1_000_000,
                    kept_s * 1_000_000,
                    now,
                    kept_s * 1_000,
                    stream.max_events,
                    event.text,
                    int(is_read),
                    int(is_trimmed),
                ),
                client=pipeline,
            )
        # What expired in between is nil; its own event never is.
        return [[text for text in window if text is not None] for window in pipeline.execute()]
