"""Whether a cell of a workbook shows what it holds.  [number_formats] -> sheet_view

A number format lets 1234 be seen as 01234, 0.25 as 25%, 5.128 as 5.13, and a date as a month: who reads the sheet then
reads another table than the one that judges. Takes a value and its format, gives what is seen in place of it. Formats
that add nothing but separators, units or colours are in order. Rounds as a spreadsheet does; shows no calendar of
another language."""

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal

#: No spreadsheet program takes a longer one.
MAX_FORMAT_CHARACTERS = 255

#: What a section of a format has besides digits: literal texts, a sign after a backslash, fillers, [Red], [$€-407].
_DECORATION = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]')
#: Fillers and colours: what shows no sign of its own.
_UNSEEN = re.compile(r"[_*].|\[[^\]]*\]")
#: Literal signs between two digits, and literal digits beside them: 20260131 seen as 2026-01-31, 5 seen as 15.
_BETWEEN = re.compile(r'[0#?]((?:"[^"]*"|\\.|[-:()])+)(?=[0#?])')
_OTHER_DIGITS = re.compile(r'[0-9]"(?=[0#?])|\\[0-9](?=[0#?])|(?<=[0#?])(?:"|\\)[0-9]')
#: What parts thousands somewhere.
_PARTING = "\"\\ '.,\u2019\u00a0\u202f"
_SEPARATOR = re.compile(r'"[^"]*"|\\.|;')
#: Days are counted from its beginning: the number 5 in a format of dates is its fifth day.
_FIRST_YEAR = 1900
#: Of all numbers that a sheet can hold, rounded.
_ROUNDING = Context(prec=2_000, rounding=ROUND_HALF_UP)


def seen_instead(value: object, number_format: str) -> str:
    """What is seen of a cell, where that is something else than its value.

    Args:
        value: of the cell: a number, a text, a date.
        number_format: as the workbook has it: `General`, `0.00`, `dd/mm/yyyy`.

    Returns:
        A few words that end "it is seen …"; empty when the cell shows its value.

    >>> seen_instead(1234, "00000"), seen_instead(0.25, "0%"), seen_instead(1234.5, '#,##0.00 "€"')
    ('as 01234', 'as 25%', '')
    >>> seen_instead(20260131, "0000-00-00")
    'with other signs among its digits'
    """
    if number_format == "General" or len(number_format) > MAX_FORMAT_CHARACTERS:
        return ""
    sections = _sections(number_format)
    if isinstance(value, str):
        return "as nothing" if len(sections) > 3 and "@" not in sections[3] and not sections[3].strip() else ""
    if isinstance(value, datetime | date):
        return _date_instead(value, _DECORATION.sub("", sections[0]).lower())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    number = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
    section = sections[0]
    if len(sections) > 1 and number < 0:
        section = sections[1]
        # The section brings its own sign, or none at all.
        if not section.strip() or re.search(r"[-(]", section):
            number = -number
        elif re.search("[0#?]", _DECORATION.sub("", section)):
            return f"as {-number:f}"
    elif len(sections) > 2 and number == 0:
        section = sections[2]
    return "" if section.strip().lower() in ("general", "@") else _number_instead(number, section)


def _number_instead(number: Decimal, section: str) -> str:
    plain = re.sub(r"[^0#?,.%eE/]", "", _DECORATION.sub("", section))
    digits = re.search(r"(?P<whole>[0#?][0#?,]*)?(?P<fraction>\.[0#?]*)?", plain.lstrip(","))
    if digits is None or not digits[0]:
        return f"as {section.strip().strip(chr(34))}" if section.strip() else "as nothing"
    whole, fraction = digits["whole"] or "", (digits["fraction"] or ".")[1:]
    if "/" in plain:
        return "as a fraction" if number != number.to_integral_value() else ""
    if "e" in plain.lower():
        return "rounded" if len(number.normalize().as_tuple().digits) > 1 + len(fraction) else ""
    thousands = len(whole) - len(whole.rstrip(","))
    shown = number.scaleb(2 * plain.count("%") - 3 * thousands, _ROUNDING)
    shown = shown.quantize(Decimal(1).scaleb(-len(fraction)), context=_ROUNDING)
    least = whole.count("0")
    sign, magnitude = "-" * (shown < 0), f"{abs(shown):f}"
    leading = least - len(magnitude.partition(".")[0])
    if shown == number and (leading <= 0 or least == 1):
        return "with other signs among its digits" if _has_other_signs(_UNSEEN.sub("", section)) else ""
    return f"as {sign}{'0' * max(0, leading)}{magnitude}{'%' * plain.count('%')}"


def _has_other_signs(section: str) -> bool:
    if _OTHER_DIGITS.search(section):
        return True
    return any(one[1].strip(_PARTING) for one in _BETWEEN.finditer(section))


def _date_instead(value: date, letters: str) -> str:
    """What a format of dates leaves out: an instant is seen as a day, a day as a month."""
    if value.year == _FIRST_YEAR:
        return "as a date, and may be a small number in a format of dates"
    missing = [word for letter, word in (("d", "day"), ("m", "month"), ("y", "year")) if letter not in letters]
    if isinstance(value, datetime) and value.time() != time() and "h" not in letters:
        missing.append("time")
    return f"without its {' and '.join(missing)}" if missing and re.search("[dmyhs]", letters) else ""


def _sections(number_format: str) -> list[str]:
    """The parts of a format between semicolons: for positive numbers, negative ones, zero, texts."""
    sections, start = [], 0
    for sign in _SEPARATOR.finditer(number_format):
        if sign[0] == ";":
            sections.append(number_format[start : sign.start()])
            start = sign.end()
    return [*sections, number_format[start:]]
