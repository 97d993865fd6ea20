"""Judge the rows of a frame one after the other: of few rows that is faster than a pass over columns.

facts -> [row_evaluator] -> program

Takes a frame of few rows. Most rows have their slots filled from tuples of fields, without facts being made of them; a
row that is odd in any way is made facts of, as all are where a frame holds something else than fields that the schema
knows. So every row gets the answer of the record evaluation."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl

from engine.columnar.choice import FEW_ROWS, Lengths
from engine.columnar.frame_form import FrameForm
from engine.columnar.frame_result import FrameResult
from engine.compiler import Compiled
from engine.evaluation import Evaluation, run_cycle
from engine.facts import FunctionWriter, ReadRows, Slots, compile_row_reader, is_only_bounded, spans_of
from engine.matching import ElementProbeLines
from engine.values import literal

#: Rows that are read at a time.
_ROWS = 4_096
#: Forms of rows that readers are kept for: who sends ever other ones shall not fill the memory.
_MAX_FORMS = 16

Evaluate = Callable[[Mapping[str, Any], datetime], Evaluation]
#: The facts of a frame, and names and dtypes of their fields.
_Form = tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]
#: Class of a dtype to the kind of its values, where they are as jobs send them.
_KINDS: dict[Any, str] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64), "number"),
    pl.Float64: "number",
    pl.String: "text",
    pl.Boolean: "boolean",
}


@dataclass(frozen=True, slots=True)
class FormOfRows:
    """What is known of the rows of a frame."""

    columns: FrameForm
    lengths: Lengths


class RowEvaluator:
    """Judges the rows of one program by themselves."""

    def __init__(self, compiled: Compiled, evaluate: Evaluate) -> None:
        """Prepare; readers are made when the first rows of a form come.

        Args:
            compiled: the program.
            evaluate: judges one record.
        """
        self._compiled = compiled
        self._evaluate = evaluate
        self._readers: dict[tuple[Any, ...], _FormReader | None] = {}
        #: The last form, whose fields its columns are, and what reads such rows.
        self._last: tuple[FrameForm, str | None, _FormReader | None] | None = None

    def judge(self, frame: pl.DataFrame, form: FormOfRows | None, fact: str | None, as_of: datetime) -> FrameResult:
        """Judge every row of a frame.

        Args:
            frame: one row per subject.
            form: of its rows; None: facts are to be made of each, for they need more than to be read, as where other
                names are known.
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.

        Returns:
            What the record evaluator would say about each row.
        """
        evaluations: list[Evaluation] = []
        for first in range(0, len(frame), _ROWS):
            part = frame if len(frame) <= _ROWS else frame[first : first + _ROWS]
            rows = self._slots(part, form, first, fact, as_of) if form is not None and len(frame) >= FEW_ROWS else None
            judged = self._by_facts(part, fact, as_of) if rows is None else self._judged(part, rows, fact, as_of)
            evaluations += judged
        return FrameResult.of(evaluations)

    def _by_facts(self, frame: pl.DataFrame, fact: str | None, as_of: datetime) -> Iterator[Evaluation]:
        names = frame.columns
        for values in frame.rows():
            row = dict(zip(names, values, strict=True))
            yield self._evaluate(row if fact is None else {fact: row}, as_of)

    def _judged(
        self, frame: pl.DataFrame, rows: Sequence[Slots | None], fact: str | None, as_of: datetime
    ) -> Iterator[Evaluation]:
        """Judge rows whose slots are filled.

        Args:
            frame: the rows.
            rows: the slots of each; None: facts have to be made of it.
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.
        """
        agenda, chains = self._compiled.agenda, self._compiled.chains
        for place, slots in enumerate(rows):
            evaluation = None
            if slots is not None:
                # Nobody asks a row of a frame for its facts.
                evaluation = run_cycle(agenda, slots, {}) if chains is None else chains.judge(slots, {})
            yield next(self._by_facts(frame[place], fact, as_of)) if evaluation is None else evaluation

    def _slots(
        self, frame: pl.DataFrame, of_rows: FormOfRows, first: int, fact: str | None, as_of: datetime
    ) -> list[Slots | None] | None:
        """The slots of each row; None where facts have to be made of all of them.

        Args:
            frame: the rows.
            of_rows: their form, and that of others.
            first: which of these is the first one.
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.
        """
        # Another thread may keep another one meanwhile.
        last = self._last
        if last is None or last[0] is not of_rows.columns or last[1] != fact:
            form = self._form(of_rows.columns, fact)
            reader = None if form is None else self._reader(form)
            self._last = of_rows.columns, fact, reader
        else:
            reader = last[2]
        if reader is None:
            return None
        if fact is not None:
            objects = reader.rows(frame, 0)
            return None if objects is None else reader.read(as_of, [objects], [])
        schema = self._compiled.layout.schema
        assert schema is not None
        facts = [(place, name) for place, name in enumerate(of_rows.columns.names) if name in schema.facts]
        rows, spans = [], []
        for number, (place, name) in enumerate(facts):
            column = frame.to_series(place)
            if schema.facts[name].is_list:
                begins, count, gaps = spans_of(of_rows.lengths[place][first : first + len(frame)])
                column = column.explode()
                if len(column) != count or column.null_count() != gaps:
                    return None
                spans.append(begins)
            elif name == schema.subject and column.null_count():
                return None
            fields = reader.rows(column.struct.unnest(), number)
            if fields is None:
                return None
            rows.append(fields)
        return reader.read(as_of, rows, spans)

    def _form(self, columns: FrameForm, fact: str | None) -> _Form | None:
        """The facts of a frame and their fields; None where facts have to be made of all rows."""
        schema = self._compiled.layout.schema
        if schema is None:
            return None
        if fact is not None:
            if fact not in schema.facts or schema.facts[fact].is_list:
                return None
            return ((fact, tuple(zip(columns.names, columns.dtypes, strict=True))),)
        form = []
        for place, (name, dtype) in enumerate(zip(columns.names, columns.dtypes, strict=True)):
            if name not in schema.facts:
                continue
            if schema.facts[name].is_list:
                if place not in columns.lists:
                    return None
                dtype = dtype.inner
            if not isinstance(dtype, pl.Struct):
                return None
            form.append((name, tuple([(field.name, field.dtype) for field in dtype.fields])))
        return tuple(form)

    def _reader(self, form: _Form) -> "_FormReader | None":
        """What reads rows of a form; None: facts have to be made of them."""
        # By fact: one without a field is there, too.
        key = tuple([(fact, tuple([(name, _class_of(dtype)) for name, dtype in fields])) for fact, fields in form])
        # Another thread may begin anew meanwhile: what is known by then stays in hand.
        readers = self._readers
        if key not in readers:
            if len(readers) >= _MAX_FORMS:
                readers = self._readers = {}
            readers[key] = self._made(form)
        return readers[key]

    def _made(self, form: _Form) -> "_FormReader | None":
        layout, use = self._compiled.layout, self._compiled.reader.use
        assert layout.schema is not None
        taken: list[_Taken] = []
        columns: dict[str, list[str]] = {}
        for fact, fields in form:
            known = layout.schema.facts[fact].fields
            kept, bounded = [], []
            for place, (name, dtype) in enumerate(fields):
                field = known.get(name)
                if field is None:
                    continue
                if _KINDS.get(_class_of(dtype)) != field.kind or not is_only_bounded(fact, field, use):
                    kept.append(place)
                elif field.minimum is not None or field.maximum is not None:
                    bounded.append((place, _bound(field.minimum, -math.inf), _bound(field.maximum, math.inf)))
            if not kept and bounded:
                # Of a fact without any field there would be no rows.
                kept.append(bounded.pop()[0])
            elif not kept:
                kept += [place for place, (name, _) in enumerate(fields) if name in known][:1]
            taken.append(_Taken(kept, bounded))
            columns[fact] = [fields[place][0] for place in kept]
        if layout.schema.subject not in columns or not all(columns.values()):
            return None
        lines: dict[str, Callable[[FunctionWriter], ElementProbeLines]] = {}
        elements = self._compiled.elements
        if any(not steps for each in elements for steps in each.layout.fields.values()):
            # An element by itself is no field, and is in no column.
            return None
        if len(elements) == 1 and elements[0].layout.fact not in self._compiled.walked:
            lines = {elements[0].layout.fact: partial(ElementProbeLines, elements[0])}
        lines = {fact: make for fact, make in lines.items() if fact in columns}
        read = compile_row_reader(layout, use, columns, lines)
        return None if read is None else _FormReader(read, taken, None if lines else self._compiled.reader.find_out)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The columns of one fact, by their places."""

    #: Those whose values are taken.
    kept: Sequence[int]
    #: Those that are only looked at: least and greatest number.
    bounded: Sequence[tuple[int, float, float]]


@dataclass(frozen=True, slots=True)
class _FormReader:
    """Reads rows of one form."""

    fill: ReadRows
    #: Of each fact.
    taken: Sequence[_Taken]
    #: Fills the slots of what is found out about lists; None: it is done, or there are none.
    find_out: Callable[[Slots], Slots] | None

    def rows(self, fields: pl.DataFrame, number: int) -> list[tuple[Any, ...]] | None:
        """What it takes of one fact; None where some number is out of its bounds.

        Args:
            fields: of the fact, all of them.
            number: of the fact.
        """
        columns, taken = fields.get_columns(), self.taken[number]
        for place, least, greatest in taken.bounded:
            low, high = columns[place].min(), columns[place].max()
            # What is null in all rows has neither.
            if low is not None and not least <= low <= high <= greatest:  # type: ignore[operator]
                return None
        return list(zip(*[columns[place].to_list() for place in taken.kept], strict=True))

    def read(
        self, as_of: datetime, rows: Sequence[list[tuple[Any, ...]]], spans: Sequence[list[tuple[int, int]]]
    ) -> list[Slots | None]:
        """The slots of each row; None: facts have to be made of it.

        Args:
            as_of: the moment they are judged at, in UTC.
            rows: of each fact.
            spans: of each list, where the elements of each row begin and end.
        """
        read, find_out = self.fill(as_of, *rows, *spans), self.find_out
        if find_out is not None:
            for slots in read:
                if slots is not None:
                    find_out(slots)
        return read


def _bound(bound: Any, otherwise: float) -> float:
    return otherwise if bound is None else float(literal(bound))


def _class_of(dtype: Any) -> Any:
    # A column's dtype is an instance; comparing instances takes longer than looking at their classes.
    return dtype if isinstance(dtype, type) else dtype.__class__
