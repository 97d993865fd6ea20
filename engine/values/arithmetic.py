"""Arithmetic on numbers, and the limits of one.  [arithmetic] -> value, numerals, ordinals -> the whole engine

Takes and gives float64s that each stand for a decimal of at most 15 digits: exact to 15 digits, half to even, None
where there is no result. Refuses nothing and knows no text, date or null (`engine.values.value`)."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

#: Significant digits of every number: what a spreadsheet keeps.
DIGITS = 15

#: Powers of ten of the first digit of a number. In this range every decimal of 15 digits has a float64 of its own.
LEAST_EXPONENT, GREATEST_EXPONENT = -290, 299

#: A result of this size or more is null.
_TOO_LARGE = float(f"1e{GREATEST_EXPONENT + 1}")

#: A result below this size is zero.
_SMALLEST = float(f"1e{LEAST_EXPONENT}")

#: Adding and taking away 1.5 * 2**52 rounds a float64 to a whole number.
ROUNDER = 6755399441055744.0

#: Writes a float with so many digits.
_WRITTEN = f"%.{DIGITS}g"

#: Up to this size a whole number of ten-thousandths has at most 15 digits.
MAX_WITH_FEW_DECIMALS = 1e11

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
    if size < _SMALLEST:
        return 0.0
    return result if size < _TOO_LARGE else None


def _ten_thousandths(value: float) -> float | None:
    """A number as a count of ten-thousandths, when it is a whole count below 1e15; most amounts are."""
    count = value * 1e4 + ROUNDER - ROUNDER
    # Division rounds correctly, so it gives the number back exactly when the number is that many ten-thousandths.
    return count if -1e15 < count < 1e15 and count / 1e4 == value else None


def nearest_ten_thousandth(values: Any) -> Any:
    """The multiple of 0.0001 that is nearest to each number, as its own float64.

    A number that equals its nearest one, and is at most `MAX_WITH_FEW_DECIMALS` in size, has at most 15 digits: a whole
    number of ten-thousandths below 1e15 has, and division rounds correctly. Most amounts are such numbers, and to see
    it costs four operations on floats where counting digits costs a text.

    Args:
        values: a float, or an array of float64 of any shape, which stays as it is.

    Returns:
        The same shape, new. It means nothing for what is larger than 1e11.
    """
    near = values * 1e4
    near += ROUNDER
    near -= ROUNDER
    near /= 1e4
    return near


def few_decimals_sum(values: Iterable[Any]) -> float | None:
    """The sum of numbers of at most four decimals, as adding them one by one has it: no step is rounded.

    Args:
        values: numbers and nulls.

    Returns:
        The sum; None where it is none of so few digits, or another value is among them.

    >>> few_decimals_sum([0.1, None, 0.2]), few_decimals_sum([0.00001]), few_decimals_sum(["a"])
    (0.3, None, None)
    """
    count = size = 0.0
    for value in values:
        if value is None:
            continue
        if value.__class__ is not float:
            return None
        near = value * 1e4 + ROUNDER - ROUNDER
        if near / 1e4 != value:
            return None
        count += near
        size += near if near >= 0.0 else -near
    # Whole counts below 1e15: each partial sum is exact, and of at most 15 digits.
    return count / 1e4 if size < 1e15 else None


def few_decimals_test(name: str) -> str:
    """The Python text of the test whether a float equals its `nearest_ten_thousandth`, for code that is generated.

    Args:
        name: of the variable that holds the float.
    """
    return f"({name} * 1e4 + {ROUNDER} - {ROUNDER}) / 1e4 == {name}"


def add(left: float, right: float) -> float | None:
    """`left + right`, exact to 15 digits, half to even.

    Args:
        left: a number.
        right: a number.

    Returns:
        The sum; None when it is beyond the range of numbers.
    """
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a + b < 1e15:
        return (a + b) / 1e4
    return number(CONTEXT.add(decimal(left), decimal(right)))


def subtract(left: float, right: float) -> float | None:
    """`left - right`, exact to 15 digits, half to even.

    Args:
        left: a number.
        right: a number.

    Returns:
        The difference; None when it is beyond the range of numbers.
    """
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a - b < 1e15:
        return (a - b) / 1e4
    return number(CONTEXT.subtract(decimal(left), decimal(right)))


def multiply(left: float, right: float) -> float | None:
    """`left * right`, exact to 15 digits, half to even.

    Args:
        left: a number.
        right: a number.

    Returns:
        The product; None when it is beyond the range of numbers.
    """
    a, b = _ten_thousandths(left), _ten_thousandths(right)
    if a is not None and b is not None and -1e15 < a * b < 1e15:
        return a * b / 1e8 + 0.0
    return number(CONTEXT.multiply(decimal(left), decimal(right)))


def divide(left: float, right: float) -> float | None:
    """`left / right`, exact to 15 digits, half to even.

    Args:
        left: a number.
        right: a number.

    Returns:
        The quotient; None when `right` is zero, or when it is beyond the range of numbers.
    """
    if right == 0.0:
        return None
    return number(CONTEXT.divide(decimal(left), decimal(right)))


def remainder(left: float, right: float) -> float | None:
    """`left % right`, exact.

    Args:
        left: a number, whose sign the remainder has.
        right: a number.

    Returns:
        The remainder; None when `right` is zero.
    """
    if right == 0.0:
        return None
    return number(_WIDE.remainder(decimal(left), decimal(right)))


def negate(value: float) -> float:
    """`-value`; there is no negative zero."""
    return 0.0 - value


def is_number(value: float) -> bool:
    """Whether a float64 is a number of the language: zero, or in range and that of a decimal of at most 15 digits.

    >>> is_number(0.3), is_number(0.1 + 0.2), is_number(5e-324), is_number(float("inf"))
    (True, False, False, False)
    """
    return value == 0.0 or (_SMALLEST <= abs(value) < _TOO_LARGE and float(_WRITTEN % value) == value)


def is_ordinary(number: float) -> bool:
    """Whether a number is zero or between 1e-30 and 1e30 in size."""
    return number == 0.0 or 1e-30 <= abs(number) <= 1e30
