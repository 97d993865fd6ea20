"""What dates are: moments in UTC, and whole days in a time zone.  [days] -> value, comparison, value_set, functions

A `Day` knows the moment it starts and the moment the next one does, so comparing it needs no zone. Of two dates, one
is less when it is over before the other starts, and they are equal when neither is less: a moment equals the day that
it is in. Days of one zone never overlap in part. Reads what callers write (ISO 8601, and the names of the IANA data
base of zones), refuses with `ValueRefused` what is no date of the calendar; reads no clock."""

import dataclasses
import functools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

_ONE = timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC)


class ValueRefused(Exception):
    """What came in is no value of the language; the message says why, without naming the field."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date without a time."""

    date: date
    #: The moment it starts, in UTC.
    start: datetime = dataclasses.field(repr=False)
    #: The moment the next day starts, in UTC; for the last day of the calendar, its last microsecond.
    end: datetime = dataclasses.field(repr=False)

    def __lt__(self, other: "Day") -> bool:
        return self.date < other.date

    def __le__(self, other: "Day") -> bool:
        return self.date <= other.date

    def isoformat(self) -> str:
        """`2026-11-30`."""
        return self.date.isoformat()


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name.

    Raises:
        LookupError: there is none of that name.

    >>> zone_named("UTC")
    datetime.timezone.utc
    """
    if name == "UTC":
        return UTC
    if name.startswith(("right/", "posix/")) or name in ("localtime", "posixrules", "Factory"):
        # Beside the zones: this host's own, and others' counts of seconds. Each host has to read the same.
        raise LookupError(name)
    try:
        return ZoneInfo(name)
    # A name that is a folder of the data base, that is no path, or that no file can have.
    except (OSError, ValueError) as error:
        raise LookupError(name) from error


@functools.lru_cache(maxsize=8_192)
def day_of(written: date, zone: tzinfo) -> Day:
    """The whole day of a date.

    Args:
        written: the date; no datetime.
        zone: where it is that day.

    Raises:
        ValueRefused: there it begins outside of the years 1 to 9999.

    >>> day_of(date(2026, 3, 29), zone_named("Europe/Berlin")).end.isoformat()
    '2026-03-29T22:00:00+00:00'
    """
    try:
        return Day(written, _start(written, zone), _LAST if written == date.max else _start(written + _ONE, zone))
    except OverflowError as error:
        raise ValueRefused("is a date out of range") from error


def _start(written: date, zone: tzinfo) -> datetime:
    # Where clocks skip midnight this is the moment they do; where they strike it twice, the first time.
    return datetime.combine(written, time(), zone).astimezone(UTC)


def day_at(moment: datetime, zone: tzinfo) -> Day | None:
    """The day that a moment is in; None where it begins outside of the calendar.

    Args:
        moment: aware.
        zone: where it is that day.
    """
    try:
        day = day_of(moment.astimezone(zone).date(), zone)
        # Clocks put back over midnight show the old date once more.
        return day_of(day.date + _ONE, zone) if moment >= day.end and day.date < date.max else day
    except (OverflowError, ValueRefused):
        return None


def day_equal(left: Day | datetime, right: Day | datetime) -> bool:
    """Whether two dates are equal.

    Args:
        left: a moment or a day; two of one class compare as such.
        right: the same.
    """
    if left.__class__ is right.__class__:
        return left == right
    return not day_less(left, right) and not day_less(right, left)


def day_less(left: Day | datetime, right: Day | datetime) -> bool:
    """Whether a date is over before another starts.

    Args:
        left: the one, a moment or a day.
        right: the other.

    >>> noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    >>> day_less(noon, day_of(date(2026, 11, 30), UTC)), day_less(noon, day_of(date(2026, 12, 1), UTC))
    (False, True)
    """
    start = right.start if isinstance(right, Day) else right
    if isinstance(left, Day):
        # The last moment of the calendar is in its last day.
        return left.end <= start and left.date < date.max
    return left < start


def start_of(value: Day | datetime) -> datetime:
    """A moment itself, of a day the moment it starts."""
    return value.start if isinstance(value, Day) else value


def moment(value: datetime, zone: tzinfo = UTC) -> datetime:
    """A datetime as the language has it: aware, in UTC.

    Args:
        value: the datetime.
        zone: what it means when it has none; default UTC. What clocks show twice is the first time.

    Raises:
        ValueRefused: its zone moves it out of the years 1 to 9999.
    """
    if value.tzinfo is UTC:
        return value
    try:
        return (value if value.utcoffset() is not None else value.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ValueRefused("is a date out of range") from error


def dated(value: date, zone: tzinfo = UTC) -> datetime | Day:
    """A datetime as a moment, any other date as a whole day.

    Args:
        value: the date.
        zone: where it is that day; default UTC.

    Raises:
        ValueRefused: it is out of the years 1 to 9999 there.
    """
    return moment(value, zone) if isinstance(value, datetime) else day_of(value, zone)


def settled_date(written: date, zone: tzinfo) -> datetime | Day:
    """What a date in a rule means in a zone; where that leads out of the calendar, what it means in UTC.

    Args:
        written: a datetime, or a date without a time.
        zone: what it means when it has none.
    """
    try:
        return dated(written, zone)
    except ValueRefused:
        return dated(written.replace(tzinfo=UTC) if isinstance(written, datetime) else written)


_DAY_OF_WEEK = re.compile(r"\d{4}(?:-W\d\d-|W\d\d)\d(?!\d)")


def parse_date(written: str) -> date:
    """Read an ISO 8601 date, or a date and time, which is a datetime.

    Raises:
        ValueRefused: it is none.

    >>> parse_date("2026-01-01"), parse_date("2026-01-01T09:30")
    (datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 9, 30))
    """
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise ValueRefused("is no date (ISO 8601 expected)") from error
    if "W" in written and not _DAY_OF_WEEK.match(written):
        # Python takes a week for its Monday.
        raise ValueRefused("is no date (ISO 8601 expected)")
    return at if len(written) > len("2026-01-01") else date.fromisoformat(written)


def parse_moment(written: str, zone: tzinfo = UTC) -> datetime | Day:
    """Read an ISO 8601 date, which is a whole day, or a date and time, which is a moment.

    Args:
        written: the text.
        zone: what it means when it has none; default UTC.

    Raises:
        ValueRefused: it is none.

    >>> parse_moment("2026-01-01T00:00:00").isoformat(), parse_moment("2026-01-01").isoformat()
    ('2026-01-01T00:00:00+00:00', '2026-01-01')
    """
    return dated(parse_date(written), zone)
