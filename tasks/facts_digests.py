"""The digest of each row's facts, by columns.  chunk_rows -> [facts_digests] -> judge

A row's digest is that of its canonical text, the same as of a single job with these facts, to the byte. The texts of
plain numbers, booleans and strings are made a column at a time; any other value is told by `wire.canonical_value`, and
a row with what has no canonical text goes by its document alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
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
    members, size = rows.columns.get_columns(), len(rows.subjects)
    if rows.is_whole:
        texts = _objects(members, size, 1)
    else:
        texts = _objects(members, size, 2, before=f"{{{_named(subject)}", behind="}")
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


def _texts(series: pl.Series, depth: int, before: str = "") -> _Texts:
    """The texts of a column.

    Args:
        series: its values.
        depth: objects and lists that a value is within, itself counted if it is one.
        before: stands before each text. Default: nothing.
    """
    dtype = series.dtype
    texts: _Texts | None = None
    if not len(series):
        return []
    if dtype.is_integer() or dtype == pl.Float64 or dtype == pl.Boolean:
        texts = _numbers(series, before)
    elif dtype == pl.String:
        texts = _strings(series, before)
    elif isinstance(dtype, pl.Struct):
        members = [series.struct.field(name) for name in series.struct.fields]
        objects = zip(series.is_null(), _objects(members, len(series), depth, before), strict=True)
        texts = [f"{before}null" if null else text for null, text in objects]
    elif isinstance(dtype, pl.List):
        texts = _lists(series, depth, before)
    return [_text(value, depth, before) for value in series.to_list()] if texts is None else texts


def _numbers(series: pl.Series, before: str) -> list[str] | None:
    """The texts of a column of numbers or booleans; None: one of them is none that stays what it is."""
    low: Any = series.min()
    high: Any = series.max()
    if low is not None and not (low > -_WHOLE and high < _WHOLE):
        return None
    # One call for all of them. No text of a number has a comma in it, and none but that of a whole one ends in .0.
    together = _ENCODER.encode(series.to_list())[1:-1] + ","
    if "NaN" in together:
        return None
    together = together.replace(".0,", ",").replace("-0,", "0,")[:-1]
    # No name has a NUL.
    return (before + together.replace(",", "\x00" + before)).split("\x00")


def _strings(series: pl.Series, before: str) -> list[str] | None:
    """The texts of a column of text; None: one of them is no text of a job, or not surely."""
    none = f"{before}null"
    texts = [none if value is None else before + encode_basestring(value) for value in series.to_list()]
    together = "".join(texts)
    is_plain = "\\u0000" not in together and (
        len(together) <= MAX_TEXT_CHARACTERS or max(map(len, texts)) <= MAX_TEXT_CHARACTERS
    )
    return texts if is_plain else None


def _lists(series: pl.Series, depth: int, before: str) -> _Texts:
    sizes = series.list.len()
    inner = iter(_texts(series.filter(sizes > 0).explode(), depth + 1))
    texts: list[str | None] = []
    for size in sizes:
        items = [next(inner) for _ in range(size or 0)]
        whole = [item for item in items if item is not None]
        is_refused = depth > MAX_DEPTH or len(items) > MAX_ITEMS or len(whole) < len(items)
        texts.append(f"{before}null" if size is None else None if is_refused else f"{before}[{','.join(whole)}]")
    return texts


def _objects(columns: Sequence[pl.Series], rows: int, depth: int, before: str = "", behind: str = "") -> _Texts:
    """The texts of objects whose members are columns.

    Args:
        columns: the members, by name.
        rows: how many objects.
        depth: as for `_texts`.
        before: stands before each object. Default: nothing.
        behind: stands behind each. Default: nothing.
    """
    before, behind = before + "{", "}" + behind
    if depth > MAX_DEPTH or len(columns) > MAX_FIELDS:
        return [None] * rows
    if not columns:
        return [before + behind] * rows
    try:
        named = [(column, _named(column.name)) for column in sorted(columns, key=lambda column: column.name)]
    except JobRejected:
        return [None] * rows
    members = [_texts(column, depth + 1, name) for column, name in named]
    each_row: Iterable[Sequence[Any]] = zip(*members, strict=True)
    if not any(None in member for member in members):
        return [f"{before}{','.join(values)}{behind}" for values in each_row]
    return [None if None in values else f"{before}{','.join(values)}{behind}" for values in each_row]


def _named(name: str) -> str:
    """What stands before the value of a member. Raises JobRejected: it can have no such name."""
    return wire.canonical_value({name: None})[1:-5]


def _text(value: Any, depth: int, before: str) -> str | None:
    try:
        return before + wire.canonical_value(value, depth=depth)
    except JobRejected:
        return None
