"""A frame of whole facts as one of columns: the fields of all objects, and what is found out about lists.

element_columns, frame_shape -> [whole_facts] -> frame_evaluator

Takes a frame whose columns are facts, objects or lists of them, as a batch of orders with their lines has it. Gives a
frame with a column for each field of an object, and one for each finding about a list, so that rules which ask for
something of all lines are judged by columns as all others are. Says so where that can't be done: then each row is
judged by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from engine.columnar.columns import Column, Mask
from engine.columnar.element_columns import ElementColumns, name_of
from engine.columnar.frame_shape import shape_of_facts
from engine.columnar.plan import FramePlan
from engine.compiler import Compiled
from engine.schema import Schema
from engine.values import Value, normal_name


@dataclass(frozen=True, slots=True)
class WholeRows:
    """Rows of whole facts, as columns."""

    frame: pl.DataFrame
    #: By name, what was found out about lists.
    found: Mapping[str, Column]
    #: bool[rows]: the rows that only the record evaluation may judge, as far as lists and missing objects say.
    fallback_rows: Mask
    #: Slot to its value in each row, for slots that no column is looked up for.
    more: Mapping[int, list[Value]]


class WholeFacts:
    """The frames of one program that have certain facts."""

    def __init__(self, compiled: Compiled, schema: Schema, names: frozenset[str]) -> None:
        """Prepare.

        Args:
            compiled: the program.
            schema: its facts.
            names: of the columns.
        """
        self.subject = schema.subject
        known = [fact for fact in schema.facts.values() if fact.name in names]
        self._objects = [fact.name for fact in known if not fact.is_list]
        self._lists = {fact.name: ElementColumns(compiled, fact.name) for fact in known if fact.is_list}
        findings = {name_of(slot): (slot, kind) for one in self._lists.values() for slot, kind in one.slots.items()}
        self.shape = shape = shape_of_facts(compiled.layout, compiled.reader.use, self._objects, findings)
        self.plan = FramePlan(compiled, shape, len(compiled.agenda.rules))
        self._packs = {index.layout.fact: index.packed for index in compiled.elements}
        #: Whether columns hold all that rules read.
        self.fits = shape.fits and not compiled.walked and all(one.fits for one in self._lists.values())

    def takes(self, names: Sequence[str], dtypes: Sequence[pl.DataType]) -> bool:
        """Whether the columns of a frame are of the kinds that facts are.

        Args:
            names: of the columns.
            dtypes: theirs.
        """
        schema = dict(zip(names, dtypes, strict=True))
        return all(_is_object(schema[fact]) for fact in self._objects) and all(
            _is_list(schema[fact]) for fact in self._lists
        )

    def rows_of(self, frame: pl.DataFrame, as_of: datetime) -> WholeRows:
        """The columns of some rows.

        Args:
            frame: one that is taken.
            as_of: the moment they are judged at, in UTC.
        """
        fallback_rows: Mask = np.zeros(len(frame), np.bool_)
        columns: list[pl.Series] = []
        found: dict[str, Column] = {}
        more: dict[int, list[Value]] = {}
        for fact in self._objects:
            objects = frame[fact]
            columns += [field.alias(f"{fact}.{field.name}") for field in _fields_of(objects)]
            if fact == self.subject and objects.null_count():
                fallback_rows |= objects.is_null().to_numpy()
        for fact, elements in self._lists.items():
            of_list = elements.find(frame[fact], as_of)
            found |= of_list.findings
            fallback_rows |= of_list.fallback_rows
            if fact in self._packs:
                more[self._packs[fact]] = of_list.packed
        return WholeRows(frame.select() if not columns else pl.DataFrame(columns), found, fallback_rows, more)


def _fields_of(objects: pl.Series) -> list[pl.Series]:
    """The fields of some objects; null where there is no object."""
    if not objects.null_count():
        # Asking for each field by itself takes as long for every one.
        return objects.struct.unnest().get_columns()
    return [objects.struct.field(name) for name in objects.struct.fields]


def _is_object(dtype: pl.DataType) -> bool:
    # A name that is written in another way is one that records do not find.
    return isinstance(dtype, pl.Struct) and all(normal_name(field.name) == field.name for field in dtype.fields)


def _is_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.DataType) and _is_object(dtype.inner)
