"""The digest of each row's facts, by columns.  chunk_rows -> [facts_digests] -> judge

A row's digest is that of its canonical text, the same as of a single job with these facts, to the byte. The texts of
plain numbers, booleans and strings are made a column at a time; any other value is told by `wire.canonical_value`, and
a row with what has no canonical text goes by its document alone."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from json.encoder import encode_basestring
from typing import Any, TypeAlias

import polars as pl

from engine import json_value
from rulefarm import wire
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_DEPTH, MAX_DIGITS, MAX_FACTS_CHARACTERS, MAX_FIELDS, MAX_ITEMS, MAX_TEXT_CHARACTERS
from tasks.chunk_rows import ChunkRows

#: The canonical text of each value of a column; None where it has none.
_Texts: TypeAlias = Sequence[str | None]

_WHOLE = 10**MAX_DIGITS
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def facts_digests(rows: ChunkRows, subject: str) -> list[str]:
    """The digest of the facts of each row, without shared ones.

    Args:
        rows: of a chunk.
        subject: the fact whose fields the columns are, if they are no facts.
    """
    if rows.columns is None:
        return [document_digest(document) for document in rows.documents]
    members = rows.columns.get_columns()
    texts = _objects(members, len(rows.subjects), 1 if rows.is_whole else 2)
    if not rows.is_whole:
        texts = _filled(_template([subject]), [texts])
    return [
        document_digest(rows.documents[row])
        if text is None or row in rows.own or len(text) > MAX_FACTS_CHARACTERS
        else wire.digest(text)
        for row, text in enumerate(texts)
    ]


def document_digest(facts: Mapping[str, Any]) -> str:
    """The digest of the facts of one row.

    Args:
        facts: as the row has them.
    """
    try:
        return wire.digest(wire.canonical(facts))
    except JobRejected:
        # A column can hold what JSON can't, such as NaN. The engine decides what that is worth; a digest it must have.
        return wire.digest(json.dumps(_one_form(facts), default=repr, sort_keys=True))


def _one_form(value: Any) -> Any:
    """A value with 7 for 7.0: a column holds the one or the other, as its neighbours have it."""
    if isinstance(value, Mapping):
        return {name: _one_form(item) for name, item in value.items()}
    if isinstance(value, (date, timedelta)):
        return json_value(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _texts(series: pl.Series, depth: int) -> _Texts:
    """The texts of a column.

    Args:
        series: its values.
        depth: objects and lists that a value is within, itself counted if it is one.
    """
    dtype = series.dtype
    texts: _Texts | None = None
    if not len(series):
        return []
    if dtype.is_integer() or dtype == pl.Float64 or dtype == pl.Boolean:
        texts = _numbers(series)
    elif dtype == pl.String:
        texts = _strings(series)
    elif isinstance(dtype, pl.Struct):
        members = _objects([series.struct.field(name) for name in series.struct.fields], len(series), depth)
        texts = ["null" if null else text for null, text in zip(series.is_null(), members, strict=True)]
    elif isinstance(dtype, pl.List):
        texts = _lists(series, depth)
    return [_text(value, depth) for value in series.to_list()] if texts is None else texts


def _numbers(series: pl.Series) -> list[str] | None:
    """The texts of a column of numbers or booleans; None: one of them is none that stays what it is."""
    low: Any = series.min()
    high: Any = series.max()
    if low is not None and not (low > -_WHOLE and high < _WHOLE):
        return None
    # One call for all of them. No text of a number has a comma in it, and none but that of a whole one ends in .0.
    together = _ENCODER.encode(series.to_list())[1:-1] + ","
    return None if "NaN" in together else together.replace(".0,", ",").replace("-0,", "0,").split(",")[:-1]


def _strings(series: pl.Series) -> list[str] | None:
    """The texts of a column of text; None: one of them is no text of a job, or not surely."""
    texts = ["null" if value is None else encode_basestring(value) for value in series.to_list()]
    together = "".join(texts)
    is_plain = "\\u0000" not in together and (
        len(together) <= MAX_TEXT_CHARACTERS or max(map(len, texts)) <= MAX_TEXT_CHARACTERS
    )
    return texts if is_plain else None


def _lists(series: pl.Series, depth: int) -> _Texts:
    sizes = series.list.len()
    inner = iter(_texts(series.filter(sizes > 0).explode(), depth + 1))
    texts: list[str | None] = []
    for size in sizes:
        items = [next(inner) for _ in range(size or 0)]
        whole = [item for item in items if item is not None]
        is_refused = depth > MAX_DEPTH or len(items) > MAX_ITEMS or len(whole) < len(items)
        texts.append("null" if size is None else None if is_refused else f"[{','.join(whole)}]")
    return texts


def _objects(columns: Sequence[pl.Series], rows: int, depth: int) -> _Texts:
    """The texts of objects whose members are columns.

    Args:
        columns: the members, by name.
        rows: how many objects.
        depth: as for `_texts`.
    """
    if depth > MAX_DEPTH or len(columns) > MAX_FIELDS:
        return [None] * rows
    if not columns:
        return ["{}"] * rows
    members = sorted(columns, key=lambda column: column.name)
    try:
        template = _template([member.name for member in members])
    except JobRejected:
        return [None] * rows
    return _filled(template, [_texts(member, depth + 1) for member in members])


def _template(names: Sequence[str]) -> str:
    """An object with a place for each value. Raises JobRejected: one of the names is none."""
    quoted = (wire.canonical_value({name: None})[1:-6].replace("%", "%%") for name in names)
    return "{" + ",".join(f"{name}:%s" for name in quoted) + "}"


def _filled(template: str, members: Sequence[_Texts]) -> _Texts:
    if not any(None in member for member in members):
        return [template % values for values in zip(*members, strict=True)]
    return [None if None in values else template % values for values in zip(*members, strict=True)]


def _text(value: Any, depth: int) -> str | None:
    try:
        return wire.canonical_value(value, depth=depth)
    except JobRejected:
        return None
