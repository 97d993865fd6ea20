"""Type the text columns of a csv by the kinds that a domain declares.  csv columns -> [csv_typing] -> typed columns

For every csv that comes in: a batch to judge, reference facts to load. Refuses nothing: names the rows that hold text
which is not of the kind of its field."""

from collections.abc import Mapping

import polars as pl

from engine import FieldSchema

#: Text of a boolean.
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
#: A number in text: as in JSON, of at most 15 digits, leading zeros aside.
_NUMBER = r"^[+-]?0*(?:\d\.?){0,15}(?:[eE][+-]?\d{1,3})?$"


def typed_columns(frame: pl.DataFrame, fields: Mapping[str, FieldSchema]) -> tuple[pl.DataFrame, pl.Series]:
    """Numbers and booleans out of text.

    Args:
        frame: every column text.
        fields: of the fact whose fields the columns are; what it does not name stays text.

    Returns:
        The frame, and for each row whether it holds text that is not of the kind of its field.
    """
    untyped = pl.repeat(False, len(frame), eager=True)
    columns = []
    for name, field in fields.items():
        if name not in frame.columns or field.kind not in ("number", "boolean"):
            continue
        raw = frame[name].str.strip_chars()
        if field.kind == "number":
            typed = raw.cast(pl.Float64, strict=False).set(~raw.str.contains(_NUMBER).fill_null(True), None)
        else:
            typed = raw.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        untyped = untyped | (typed.is_null() & raw.is_not_null())
        columns.append(typed.alias(name))
    return frame.with_columns(columns), untyped
