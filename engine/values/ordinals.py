"""The numbers of the language as a row of integers.  arithmetic -> [ordinals] -> tables, explanation

Every number is a decimal of 15 significant digits, so between two of them there are finitely many others: their
ordinals. The next number has the next ordinal, and halving a distance of ordinals ends after some 60 steps at two
numbers with none between them."""

from collections.abc import Callable
from decimal import Decimal

from engine.values.arithmetic import DIGITS, LEAST_EXPONENT, decimal

#: Numbers between one power of ten and the next.
_DECADE = 9 * 10 ** (DIGITS - 1)
_FIRST = 10 ** (DIGITS - 1)


def ordinal(value: float) -> int:
    """The place of a number: 0 for zero, negative for negative ones; a larger number has a larger one.

    >>> ordinal(0.0), ordinal(1.0) - ordinal(0.999999999999999)
    (0, 1)
    """
    exact = decimal(value)
    if not exact:
        return 0
    decade = exact.adjusted()
    digits = int(abs(exact).scaleb(DIGITS - 1 - decade))
    place: int = (decade - LEAST_EXPONENT) * _DECADE + digits - _FIRST + 1
    return -place if exact < 0 else place


def number_at(place: int) -> float:
    """The number at a place.

    >>> number_at(ordinal(9.86) - 1), number_at(ordinal(-9.86))
    (9.85999999999999, -9.86)
    """
    if not place:
        return 0.0
    decade, digits = divmod(abs(place) - 1, _DECADE)
    value = float(Decimal(digits + _FIRST).scaleb(decade + LEAST_EXPONENT - DIGITS + 1))
    return -value if place < 0 else value


def first_that(holds: Callable[[int], bool], inner: int, outer: int) -> int:
    """The place nearest to `inner` at which something holds, where it holds from some place on.

    Args:
        holds: asked about places between the two, some 60 times.
        inner: where it does not hold.
        outer: where it does; on either side of `inner`.

    Returns:
        A place at which it holds, while at its neighbour towards `inner` it does not.

    >>> first_that(lambda place: place <= -7, 100, -1000)
    -7
    """
    while abs(outer - inner) > 1:
        middle = (inner + outer) // 2
        if holds(middle):
            outer = middle
        else:
            inner = middle
    return outer
