"""Members of a set of values that read well in a message: a bound that a rule names, a round number, a short text.

Takes a `ValueSet`, or two neighbouring cuts, and gives values for facts that prove a claim about rules (`engine.lint`)
or about the rows of a table (`engine.tables`). Proves nothing itself, and gives none for a set of which it finds no
readable member."""

import itertools
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from engine.values.arithmetic import is_number
from engine.values.clocks import MAX_DURATION
from engine.values.value import Value
from engine.values.value_set import ValueSet

#: Members of each kind that `witnesses` gives at most.
MAX_WITNESSES = 4
#: Cuts of each kind that are looked at; a list of a thousand texts is proved by its first.
_MAX_CUTS = 16
#: Decimal places of a float64 that can matter: past them a number between two others is not rounded.
_MAX_PLACES = 16
#: What makes a text longer, so that it comes right behind the text itself; the one that reads best first.
_ENDINGS = (" …", " ")
_DAY, _HOUR, _TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
_ANY_DAY = date(2000, 1, 1)


def witnesses(values: ValueSet) -> list[Value]:
    """Some members of a set, at most `MAX_WITNESSES` of each kind: the ordered ones, true, false, then null.

    >>> from engine.values.value_set import compared
    >>> witnesses(compared(">", 5.0))[:2]
    [6.0, 5.1]
    """
    chosen: list[Value] = []
    chosen += _first(number for number in _numbers(values.numbers.points) if number in values.numbers)
    chosen += _first(text for text in _texts(values.texts.points) if text in values.texts)
    chosen += _first(moment for moment in _moments(values.dates.points) if moment in values.dates)
    chosen += _first(at for at in _times(values.times.points) if at in values.times)
    chosen += _first(length for length in _durations(values.durations.points) if length in values.durations)
    chosen += [truth for truth, held in ((True, values.true), (False, values.false)) if held]
    return [*chosen, None] if values.null else chosen


def number_between(below: Decimal | None, above: Decimal | None) -> Decimal:
    """A number strictly between two others, with as few decimal places as there can be.

    Args:
        below: less than it; None: nothing is.
        above: more than it; None: nothing is.

    >>> number_between(Decimal("0.98"), Decimal("1.04"))
    Decimal('1')
    """
    if below is None or above is None:
        return below + 1 if below is not None else above - 1 if above is not None else Decimal(0)
    middle = (below + above) / 2
    rounded = (round(middle, places) for places in range(_MAX_PLACES))
    return next((number for number in rounded if below < number < above), middle)


def text_between(below: str | None, above: str | None) -> str:
    """A text strictly between two others in the order of code points; the empty one when none is below.

    Args:
        below: before it; None: nothing is.
        above: behind it; None: nothing is.
    """
    if below is None:
        return ""
    longer = (below + ending for ending in (*_ENDINGS, "\x01"))
    return next((text for text in longer if above is None or text < above), below + "\x01")


def moment_between(below: datetime | None, above: datetime | None) -> datetime:
    """A moment strictly between two others: a day away where one side is open, else half way.

    Args:
        below: before it; None: nothing is.
        above: after it; None: nothing is.
    """
    if below is None and above is None:
        return datetime(2000, 1, 1, tzinfo=UTC)
    if below is not None and above is not None:
        return below + (above - below) / 2
    edge, step = (below, _DAY) if below is not None else (above, -_DAY)
    assert edge is not None
    # Past the last day of the calendar there is no such moment: the edge is the nearest that a message can show.
    return _moved(edge, step) or edge


def time_between(below: time | None, above: time | None) -> time:
    """A time of day half way between two others that are not neighbours.

    Args:
        below: before it; None: nothing is.
        above: after it; None: nothing is.

    >>> time_between(time(8), time(9))
    datetime.time(8, 30)
    """
    low, high = (datetime.combine(_ANY_DAY, at) for at in (below or time.min, above or time.max))
    return (low + (high - low) // 2).time()


def duration_between(below: timedelta | None, above: timedelta | None) -> timedelta:
    """A duration strictly between two others that are not neighbours: an hour away where one side is open.

    Args:
        below: less than it; None: nothing is.
        above: more than it; None: nothing is.

    >>> duration_between(None, timedelta(hours=1)), duration_between(timedelta(1), None) - timedelta(1)
    (datetime.timedelta(0), datetime.timedelta(seconds=3600))
    """
    if below is None or above is None:
        open_low, open_high = (below or -MAX_DURATION, above or MAX_DURATION)
        near = below + _HOUR if below is not None else above - _HOUR if above is not None else _HOUR
        return near if open_low < near < open_high else open_low + (open_high - open_low) // 2
    return below + (above - below) // 2


def _first(values: Iterable[Value]) -> list[Value]:
    chosen: dict[Value, None] = {}
    for value in values:
        chosen.setdefault(value)
        if len(chosen) == MAX_WITNESSES:
            break
    return list(chosen)


def _numbers(cuts: tuple[float, ...]) -> Iterator[float]:
    cuts = cuts[:_MAX_CUTS]
    # A cut behind `<= x` is the float64 after x, which has too many digits: x is the one that reads well.
    readable = sorted({number for cut in cuts for number in (cut, math.nextafter(cut, -math.inf)) if is_number(number)})
    yield from readable
    for step in (1.0, 0.1, 10.0, 0.001, 1000.0):
        for number in readable or [0.0]:
            for other in (number + step, number - step):
                yield float(f"{other:.12g}")
    for below, above in itertools.pairwise(readable):
        yield float(f"{number_between(Decimal(repr(below)), Decimal(repr(above))):.15g}")
    yield 0.0
    yield 1.0


def _texts(cuts: tuple[str, ...]) -> Iterator[str]:
    readable = [cut for cut in cuts[:_MAX_CUTS] if "\0" not in cut]
    yield from readable
    for text in readable:
        yield from (text + ending for ending in _ENDINGS)
    yield from ("other", "", "~")


def _moments(cuts: tuple[datetime, ...]) -> Iterator[datetime]:
    for cut in cuts[:_MAX_CUTS]:
        yield cut
        for step in (_DAY, timedelta(microseconds=1)):
            yield from (moved for moved in (_moved(cut, step), _moved(cut, -step)) if moved is not None)
    yield datetime(2026, 1, 1, tzinfo=UTC)


def _times(cuts: tuple[time, ...]) -> Iterator[time]:
    for moved in _moments(tuple(datetime.combine(_ANY_DAY, cut) for cut in cuts[:_MAX_CUTS])):
        yield moved.time()
    yield from (time(12), time.min, time.max)


def _durations(cuts: tuple[timedelta, ...]) -> Iterator[timedelta]:
    for cut in cuts[:_MAX_CUTS]:
        steps = (timedelta(0), _HOUR, -_HOUR, _TICK, -_TICK)
        yield from (cut + step for step in steps if -MAX_DURATION <= cut + step <= MAX_DURATION)
    yield from (_HOUR, timedelta(0))


def _moved(moment: datetime, step: timedelta) -> datetime | None:
    """A moment that much later; None when the calendar ends before."""
    try:
        return moment + step
    except OverflowError:
        return None
