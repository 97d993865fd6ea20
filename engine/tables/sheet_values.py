"""Values of a workbook's cells, as a person would type them into a CSV file.  [sheet_values] -> sheet_view, workbook

Takes what openpyxl makes of a cell, gives its text; refuses times of day, lengths of time, and numbers
of more digits than a spreadsheet shows. Knows no place (`engine.tables.workbook` does)."""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.tables.bare_texts import CellRefused
from engine.values import DIGITS, clock_text, number_problem, print_number


def typed(value: object) -> str:
    """A value of a cell, as one types it.

    Raises:
        CellRefused: a rule has no such value.

    >>> typed(0.1 + 0.2), typed(True), typed(date(2026, 1, 31))
    ('0.3', 'true', '2026-01-31')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        hint = f'format the cell as text and write time("{value.isoformat()}"), or write date and time'
        raise CellRefused(f"this cell holds a time of day, {value:%H:%M:%S}, and no text", hint)
    if isinstance(value, timedelta):
        hint = f'format the cell as text and write duration("{clock_text(value)}"), or a number of some unit'
        raise CellRefused(f"this cell holds a length of time, {_clock(value)}, and no text", hint)
    return str(value)


def _number(value: int | float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # A spreadsheet shows as many digits as a rule has, and stores two more: 0.1 + 0.2 is 0.30000000000000004 in the
    # file. A whole number has no such rest: one of 16 digits is an id, and would be another one.
    exact = Decimal(repr(value))
    problem = number_problem(exact) if exact == exact.to_integral_value() else ""
    if problem:
        raise CellRefused(problem, "an id or a code is a text: format the cell as text and write it again")
    return print_number(Decimal(f"{float(value):.{DIGITS}g}"))


def _clock(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    sign, seconds = "-" * (seconds < 0), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
