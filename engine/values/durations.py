"""Lengths of time, as rules and schemas write them.  [durations] -> language, schema

Gives the units, how each may be spelled, and the longest window that events are kept for. It reads no text: the
grammars of a rule (`10 min`) and of domain.toml (`"10m"`) are their readers' own."""

#: What a length of time is counted in, the longest first; seconds of each.
UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
#: A longer memory of events is a reference fact, computed by night.
MAX_WINDOW_DAYS = 31
MAX_WINDOW_S = MAX_WINDOW_DAYS * UNITS["d"]

_SPELLINGS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), UNITS["s"]),
    **dict.fromkeys(("m", "min", "minute", "minutes"), UNITS["min"]),
    **dict.fromkeys(("h", "hour", "hours"), UNITS["h"]),
    **dict.fromkeys(("d", "day", "days"), UNITS["d"]),
}


def unit_seconds(word: str) -> int | None:
    """Seconds of the unit that a word in small letters names; None when it names none.

    >>> unit_seconds("minutes"), unit_seconds("weeks")
    (60, None)
    """
    return _SPELLINGS.get(word)


def print_duration(seconds: int) -> str:
    """A length of time in the longest unit that it is a whole number of.

    >>> print_duration(5400), print_duration(7200)
    ('90 min', '2 h')
    """
    length, unit = next((length, unit) for unit, length in UNITS.items() if seconds % length == 0)
    return f"{seconds // length} {unit}"
