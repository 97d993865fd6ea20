"""Documents of facts as the columns of a frame: what a page of jobs is judged by at once.

jobs, rows of JSON -> [document_columns] -> judge_documents

Reads what the schema declares, and takes a value only as what it plainly is: a number that has a place in a float64, a
text, a boolean. A document with anything else, wherever it stands, is named, and is for the record evaluation; so
nothing is refused, rounded or converted here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from engine import FactSchema, FieldSchema, Schema

#: Whole numbers below it are themselves as a float64; those beyond are not the language's.
_EXACT = 1e15
_NOTHING = type(None)
#: The types of facts.
_OBJECTS: frozenset[type] = frozenset((dict, _NOTHING))
_LISTS: frozenset[type] = frozenset((list, _NOTHING))
#: Kinds of fields to the types that plainly are of it in JSON, and what a column of them is.
_PLAIN: Mapping[str, tuple[frozenset[type], pl.DataType]] = {
    "number": (frozenset((int, float, _NOTHING)), pl.Float64()),
    "boolean": (frozenset((bool, _NOTHING)), pl.Boolean()),
    **dict.fromkeys(("text", "date", "time", "duration"), (frozenset((str, _NOTHING)), pl.String())),
    # What has parts stands in no array.
    **dict.fromkeys(("list", "object"), (frozenset((_NOTHING,)), pl.Null())),
}


@dataclass(frozen=True, slots=True)
class DocumentColumns:
    """Documents as far as columns tell all of them."""

    #: Each column is a whole fact, an object or a list of them; a row each document.
    frame: pl.DataFrame
    #: The documents that are not what their row says.
    apart: frozenset[int]


def document_columns(documents: Sequence[Mapping[str, Any]], schema: Schema) -> DocumentColumns | None:
    """The columns of some documents.

    Args:
        documents: each fact under its name, out of JSON; not changed.
        schema: of their domain.

    Returns:
        None where a document may say more than columns of declared facts: names of another system, or a schema that
        refuses what it does not know.
    """
    if schema.strict or schema.sent_names:
        return None
    apart: set[int] = set()
    columns = []
    for fact in schema.facts.values():
        given = [document.get(fact.name) for document in documents]
        apart.update(_blanked(given, _LISTS if fact.is_list else _OBJECTS))
        if any(one is not None for one in given):
            columns.append((_lists if fact.is_list else _objects)(fact, given, apart))
    return DocumentColumns(pl.DataFrame(columns), frozenset(apart)) if columns else None


def _objects(fact: FactSchema, given: Sequence[dict[str, Any] | None], apart: set[int]) -> pl.Series:
    fields, odd = _fields(fact, [{} if one is None else one for one in given])
    apart.update(odd)
    if all(one is not None for one in given):
        return fields
    there = pl.Series([one is not None for one in given])
    return pl.select(pl.when(there).then(fields)).to_series().alias(fact.name)


def _lists(fact: FactSchema, given: Sequence[list[Any] | None], apart: set[int]) -> pl.Series:
    lengths = np.array([len(one or ()) for one in given])
    parents = np.repeat(np.arange(len(given)), lengths)
    elements = list(chain.from_iterable(one for one in given if one))
    # An element that is nothing is none, either.
    strange = _blanked(elements, _OBJECTS - {_NOTHING})
    fields, odd = _fields(fact, [one or {} for one in elements])
    apart.update(parents[list(odd.union(strange))].tolist())
    found = pl.DataFrame({"row": parents, fact.name: fields}).group_by("row", maintain_order=True).agg(fact.name)
    rows = pl.DataFrame({"row": np.arange(len(given))})
    return rows.join(found, on="row", how="left", maintain_order="left")[fact.name]


def _fields(fact: FactSchema, given: Sequence[dict[str, Any]]) -> tuple[pl.Series, set[int]]:
    """The fields of some objects, and which of these have one that is not plainly of its kind."""
    odd: set[int] = set()
    columns = [_column(field, [one.get(field.name) for one in given], odd) for field in fact.fields.values()]
    # A struct without any field is none.
    columns = columns or [pl.Series("", [None] * len(given))]
    return pl.DataFrame(columns).to_struct(fact.name), odd


def _column(field: FieldSchema, values: list[Any], odd: set[int]) -> pl.Series:
    taken, dtype = _PLAIN[field.kind]
    odd.update(_blanked(values, taken))
    if dtype != pl.Float64:
        return _texts(field, values, odd) if dtype == pl.String else pl.Series(field.name, values, dtype)
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        # An integer of hundreds of digits.
        far = [place for place, value in enumerate(values) if value is not None and not abs(value) < _EXACT]
        odd.update(far)
        for place in far:
            values[place] = None
        numbers = np.array(values, np.float64)
    given = ~np.isnan(numbers)
    doubtful = given & ~(np.abs(numbers) < _EXACT)
    odd.update(np.flatnonzero(doubtful).tolist())
    if np.count_nonzero(given) + values.count(None) < len(values):
        # JSON has no NaN, but Python reads one.
        odd.update(place for place, value in enumerate(values) if value is not None and value != value)
    return pl.Series(field.name, numbers, dtype, nan_to_null=True)


def _texts(field: FieldSchema, values: list[Any], odd: set[int]) -> pl.Series:
    try:
        return pl.Series(field.name, values, pl.String())
    except UnicodeEncodeError:
        # Half of a surrogate pair, which is no character and has no place in UTF-8.
        halves = [place for place, value in enumerate(values) if value is not None and not _is_whole(value)]
        odd.update(halves)
        for place in halves:
            values[place] = None
        return pl.Series(field.name, values, pl.String())


def _is_whole(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _blanked(values: list[Any], taken: frozenset[type]) -> Iterable[int]:
    """Leaves only values of some types, nothing in place of others; gives the places of these."""
    if taken.issuperset(map(type, values)):
        return ()
    places = [place for place, value in enumerate(values) if type(value) not in taken]
    for place in places:
        values[place] = None
    return places
