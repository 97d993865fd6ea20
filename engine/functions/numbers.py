"""Bodies of the functions over numbers.  values -> [numbers] -> registry

Each takes values of the kinds that `engine.functions.registry` says for it, never null unless it says `any`, and gives
a value. None raises, whatever the values are: what has no answer is None. What each does stands in the registry, too,
and is not repeated here."""

# ruff: noqa: D103

import re
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from engine.values import CONTEXT, MAX_NUMBER_CHARACTERS, Value, ValueRefused, decimal, number, remainder, take_number

#: A power is computed with these digits, so that rounding it to 15 is the last word on it.
_POWER = Context(prec=30, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, traps=[])

#: Digits before and after the point of any number, with room to spare.
_ALL_DIGITS = Context(prec=700, Emin=-999_999, Emax=999_999, traps=[])

_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)


def _shift(value: float, places: float, rounding: str) -> float | None:
    if not places.is_integer() or abs(places) > 400:
        return None
    exact = decimal(value)
    unit = Decimal((0, (1,), -int(places)))
    # A number has no digits that far to the right: rounding there changes nothing.
    if int(exact.as_tuple().exponent) >= -int(places):
        return value
    return number(exact.quantize(unit, rounding=rounding, context=_ALL_DIGITS))


def ceil(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_CEILING)


def floor(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_FLOOR)


def trunc(value: float) -> float | None:
    return _shift(value, 0.0, ROUND_DOWN)


def round_half_up(value: float, places: float = 0.0) -> float | None:
    return _shift(value, places, ROUND_HALF_UP)


def round_half_even(value: float, places: float = 0.0) -> float | None:
    return _shift(value, places, ROUND_HALF_EVEN)


def sign(value: float) -> float:
    return float((value > 0) - (value < 0))


def sqrt(value: float) -> float | None:
    return number(CONTEXT.sqrt(decimal(value)))


def power(base: float, exponent: float) -> float | None:
    if base == 0.0 and exponent == 0.0:
        return 1.0
    return number(_POWER.power(decimal(base), decimal(exponent)))


def exp(value: float) -> float | None:
    return number(CONTEXT.exp(decimal(value)))


def ln(value: float) -> float | None:
    return number(CONTEXT.ln(decimal(value)))


def log10(value: float) -> float | None:
    return number(CONTEXT.log10(decimal(value)))


def modulo(left: float, right: float) -> float | None:
    return remainder(left, right)


def to_number(value: Value) -> float | None:
    if value.__class__ is float:
        return float(value)
    if value.__class__ is not str or len(value) > MAX_NUMBER_CHARACTERS or not _NUMBER.fullmatch(value):
        return None
    try:
        return take_number(Decimal(value.strip()))
    except ValueRefused:
        return None
