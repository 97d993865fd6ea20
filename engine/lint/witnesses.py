"""Values that prove a claim about rules.  allowed -> [samples] -> extents

Takes a set of values, gives a few of its members, those that read best first: a bound that some rule names, a whole
number, a text of few letters. It decides nothing, and gives none for a set that it finds no readable member of."""

import itertools
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.language import print_value
from engine.values import Value, ValueSet

#: Of each kind.
MAX_SAMPLES = 4
#: Bounds that are looked at; a list of a thousand texts is proved by its first.
_MAX_BOUNDS = 16
_DAY = timedelta(days=1)


def samples(values: ValueSet) -> list[Value]:
    """Some members of a set, at most `MAX_SAMPLES` of each kind; null last.

    >>> from engine.values.value_set import compared
    >>> samples(compared(">", 5.0))[:2]
    [6.0, 5.1]
    """
    found: list[Value] = []
    found += _first(number for number in _numbers(values.numbers.points) if number in values.numbers)
    found += _first(text for text in _texts(values.texts.points) if text in values.texts)
    found += _first(moment for moment in _moments(values.dates.points) if moment in values.dates)
    found += [truth for truth, held in ((True, values.true), (False, values.false)) if held]
    return [*found, None] if values.null else found


def shown(value: Value) -> str:
    """A value as a rule would write it."""
    if value.__class__ is float:
        return print_value(Decimal(repr(value)).normalize() if value else Decimal(0))
    if value.__class__ in (tuple, dict):
        return "[]" if value.__class__ is tuple else "{}"
    return print_value(value)


def _first(values: Iterable[Value]) -> list[Value]:
    found: dict[Any, None] = {}
    for value in values:
        found.setdefault(value)
        if len(found) == MAX_SAMPLES:
            break
    return list(found)


def _numbers(points: tuple[float, ...]) -> Iterator[float]:
    cuts = points[:_MAX_BOUNDS]
    readable = sorted({number for cut in cuts for number in (cut, math.nextafter(cut, -math.inf)) if _short(number)})
    yield from readable
    for step in (1.0, 0.1, 10.0, 0.001, 1000.0):
        for number in readable or [0.0]:
            for other in (number + step, number - step):
                yield float(f"{other:.12g}")
    for below, above in itertools.pairwise(readable):
        yield float(f"{(below + above) / 2:.15g}")
    yield 0.0
    yield 1.0


def _short(number: float) -> bool:
    """Whether a number has few enough digits to be one of the language; a bound's neighbour has not."""
    return math.isfinite(number) and float(f"{number:.15g}") == number


def _texts(points: tuple[str, ...]) -> Iterator[str]:
    cuts = points[:_MAX_BOUNDS]
    plain = [cut for cut in cuts if "\0" not in cut]
    yield from plain
    for text in plain:
        yield text + " …"
        yield text + " "
    yield from ("other", "", "~")


def _moments(points: tuple[datetime, ...]) -> Iterator[datetime]:
    for cut in points[:_MAX_BOUNDS]:
        yield cut
        for step in (_DAY, timedelta(microseconds=1)):
            if datetime.min.replace(tzinfo=UTC) + step < cut < datetime.max.replace(tzinfo=UTC) - step:
                yield cut + step
                yield cut - step
    yield datetime(2026, 1, 1, tzinfo=UTC)
