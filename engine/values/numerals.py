"""Numbers as people write them.  written text, arithmetic -> [numerals] -> language, tables, schema, functions

Takes the text of a number, gives its decimal, or says why it is no number of the language; and writes a number as a
person does. It reads no signs and no grammar: whoever calls it has found that the text looks like a number."""

from decimal import Decimal

from engine.values.arithmetic import DIGITS, GREATEST_EXPONENT, LEAST_EXPONENT

#: Digits of one number as written, leading and trailing zeros included.
MAX_NUMBER_CHARACTERS = 400


def exact_decimal(written: str) -> Decimal:
    """The decimal that a well-formed number means; infinite when its exponent is beyond all sense."""
    mantissa, _, exponent = written.lower().partition("e")
    if len(exponent.lstrip("+-0")) > 4:
        return Decimal("Infinity") if Decimal(mantissa) else Decimal(0)
    return Decimal(written)


def number_problem(number: Decimal) -> str:
    """Why a decimal can't be a number of this language; empty when it can.

    >>> number_problem(Decimal("1e300"))
    'a number lies between 1e-290 and 1e300'
    """
    if not number:
        return ""
    if not number.is_finite() or not LEAST_EXPONENT <= number.adjusted() <= GREATEST_EXPONENT:
        return f"a number lies between 1e{LEAST_EXPONENT} and 1e{GREATEST_EXPONENT + 1}"
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > DIGITS:
        return f"a number has at most {DIGITS} significant digits, this one has {len(digits)}"
    return ""


def normal_number(number: Decimal) -> Decimal:
    """The one form of a number: no trailing zeros, no negative zero."""
    return number.normalize() if number else Decimal(0)


def print_number(number: Decimal) -> str:
    """A number as a person writes it; very large and very small ones with an exponent.

    >>> print_number(Decimal("1E+3"))
    '1000'
    """
    return f"{number:f}" if -10 < number.adjusted() < 21 else str(number)
