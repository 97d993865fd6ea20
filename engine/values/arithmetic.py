"""Arithmetic on numbers: exact to 15 digits, half to even.

Takes and gives float64s that each stand for a decimal of at most 15 digits; None where there is no result. Refuses
nothing and knows no text, date or null (`engine.values.value`)."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

#: Significant digits of every number.
DIGITS = 15

#: A result at or above 1e300 is null, one below 1e-290 is zero: between them every decimal has a float64 of its own.
LARGEST = 1e300
SMALLEST = 1e-290

#: Adding and taking away 1.5 * 2**52 rounds a float64 to a whole number.
_ROUNDER = 6755399441055744.0

#: Without traps: an impossible operation gives NaN, which `number` turns into null.
CONTEXT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])

#: Wide enough for the whole quotient of a remainder between the largest and the smallest number.
_WIDE = Context(prec=640, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])


def decimal(value: float) -> Decimal:
    """The decimal that a number stands for."""
    return Decimal(repr(value))


def number(value: Decimal) -> float | None:
    """Round a decimal to a number of the language.

    Args:
        value: any decimal, NaN and infinity included.

    Returns:
        The number; None for what has no number.

    >>> number(Decimal("0.1") + Decimal("0.2")), number(Decimal("NaN"))
    (0.3, None)
    """
    if not value.is_finite():
        return None
    result = float(CONTEXT.plus(value))
    size = abs(result)
    if size < SMALLEST:
        return 0.0
    return result if size < LARGEST else None


def _ten_thousandths(value: float) -> float | None:
    """A number as a count of ten-thousandths, when it is a whole count below 1e15; most amounts are."""
    count = value * 1e4 + _ROUNDER - _ROUNDER
    # Division rounds correctly, so it gives the number back exactly when the number is that many ten-thousandths.
    return count if -1e15 < count < 1e15 and count / 1e4 == value else None


def add(left: float, right: float) -> float | None:
    """`left + right`, exact to 15 digits, half to even."""
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a + b < 1e15:
        return (a + b) / 1e4
    return number(CONTEXT.add(decimal(left), decimal(right)))


def subtract(left: float, right: float) -> float | None:
    """`left - right`, exact to 15 digits, half to even."""
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a - b < 1e15:
        return (a - b) / 1e4
    return number(CONTEXT.subtract(decimal(left), decimal(right)))


def multiply(left: float, right: float) -> float | None:
    """`left * right`, exact to 15 digits, half to even."""
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a * b < 1e15:
        return a * b / 1e8 + 0.0
    return number(CONTEXT.multiply(decimal(left), decimal(right)))


def divide(left: float, right: float) -> float | None:
    """`left / right`, exact to 15 digits, half to even; None when `right` is zero."""
    if right == 0.0:
        return None
    return number(CONTEXT.divide(decimal(left), decimal(right)))


def remainder(left: float, right: float) -> float | None:
    """`left % right`, with the sign of `left`; None when `right` is zero."""
    if right == 0.0:
        return None
    return number(_WIDE.remainder(decimal(left), decimal(right)))


def negate(value: float) -> float:
    """`-value`; there is no negative zero."""
    return 0.0 - value


def is_ordinary(number: float) -> bool:
    """Whether a number is zero or between 1e-30 and 1e30 in size."""
    return number == 0.0 or 1e-30 <= abs(number) <= 1e30
