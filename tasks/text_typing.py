"""Text read by the kinds that a domain declares.  columns of csv, cells of a sheet -> [text_typing] -> typed values

For every csv and workbook that comes in: a batch to judge, reference facts to keep. A blank is no value, but in a field
of text. Refuses nothing and guesses nothing: what can't be read stays the text that it is, and the engine says so."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from engine import FieldSchema

#: Blank characters, as Unicode has them. By name, for Python and polars differ in what they strip by themselves: Python
#: takes the separators U+001C to U+001F for blanks, too.
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
#: What text says for a boolean.
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
#: A number in text, as its decimals stand behind a point.
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_NUMBERS = re.compile(rf"{_NUMBER}(?:[eE][+-]?\d{{1,3}})?", re.ASCII)
#: Characters of a number that has at most 15 digits whatever they are, so that polars reads it exactly.
_SHORT = 15
#: Significant digits that a float64 prints at most, and that a number of the language has at most.
_FLOAT_DIGITS, _DIGITS = 17, 15
#: Kinds of fields in which a blank is no value.
_NOT_TEXT = ("number", "boolean", "date", "time", "duration", "list", "object")


def typed_columns(
    frame: pl.DataFrame, fields: Mapping[str, FieldSchema], decimal: str = "."
) -> tuple[pl.DataFrame, dict[int, dict[str, Any]]]:
    """Numbers, booleans and blanks out of columns of text; other columns stay as they are.

    Args:
        frame: of text, or in a sheet of whatever its cells are.
        fields: of the fact whose fields the columns are; what it does not name stays text.
        decimal: what stands before the decimals of a number, `.` or `,`.

    Returns:
        The frame; and, by the number of the row, the fields whose text is none of their kind, as `typed_value` gives
        it. There the frame has no value.
    """
    odd: dict[int, dict[str, Any]] = {}
    columns = []
    for name, field in fields.items():
        if name not in frame.columns or frame.schema[name] != pl.String or field.kind not in _NOT_TEXT:
            continue
        raw = frame[name].str.strip_chars(_BLANKS)
        raw = raw.set(raw == "", None)
        if field.kind == "number":
            columns.append(_numbers(raw, frame[name], decimal, odd))
        elif field.kind == "boolean":
            read = raw.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
            for row in (read.is_null() & raw.is_not_null()).arg_true().to_list():
                odd.setdefault(row, {})[name] = frame[name][row]
            columns.append(read.alias(name))
        else:
            columns.append(raw)
    return frame.with_columns(columns), odd


def typed_value(text: str, field: FieldSchema, decimal: str = ".") -> Any:
    """One cell of text, by the kind of its field.

    Args:
        text: of the cell.
        field: where it stands.
        decimal: as for `typed_columns`.

    Returns:
        None for a blank, a number, a boolean; the text itself for any other field, and when it is none of its kind. A
        number of more digits than the language has is an exact Decimal, for the engine to refuse.
    """
    if field.kind not in _NOT_TEXT:
        return text
    stripped = text.strip(_BLANKS)
    if not stripped:
        return None
    if field.kind == "number":
        number = _number(stripped, decimal)
        return text if number is None else number
    if field.kind == "boolean":
        return _BOOLEANS.get(stripped.lower(), text)
    return stripped


def _numbers(raw: pl.Series, given: pl.Series, decimal: str, odd: dict[int, dict[str, Any]]) -> pl.Series:
    plain = raw
    if decimal == ",":
        # A point is none of its decimals, and a place for thousands is nobody's.
        plain = raw.set(raw.str.contains(".", literal=True), "").str.replace_all(",", ".", literal=True)
    short = plain.str.contains(rf"^{_NUMBER}$") & (plain.str.len_chars() <= _SHORT)
    read = plain.set(~short, None).cast(pl.Float64, strict=False)
    for row in (read.is_null() & raw.is_not_null()).arg_true().to_list():
        number = _number(raw[row], decimal)
        if isinstance(number, float):
            read[row] = number
        else:
            odd.setdefault(row, {})[given.name] = given[row] if number is None else number
    return read.alias(given.name)


def _number(text: str, decimal: str) -> float | Decimal | None:
    """A number out of text; None if it is none.

    With a point or an exponent, and no more digits than a float64 prints, it is what a float64 printed: rounding is the
    engine's affair. Anything else of more digits than the language has is a decimal, and exact."""
    if decimal == ",":
        text = text.replace(".", "?").replace(",", ".")
    if not _NUMBERS.fullmatch(text):
        return None
    exact = Decimal(text)
    digits = "".join(map(str, exact.as_tuple().digits)).strip("0")
    if exact and not -290 <= exact.adjusted() < 300:
        return exact
    is_printed = len(digits) <= _FLOAT_DIGITS and not text.lstrip("+-").isdigit()
    if len(digits) <= _DIGITS or (is_printed and Decimal(repr(float(exact))) == exact):
        return float(exact)
    return exact
