"""Judge many rows at once by rules that read what rules write.  frame_pass -> [chain_columns] -> frame_evaluator

First a pass finds which rules may fire in each row, by all that no rule changes. Then the rules take their turns in
agenda order, each for all rows in which it may fire; neighbours on the agenda that differ in constants alone take one
turn together. Sums and products are counts of ten-thousandths, as in records; what is none is settled by itself. What
was set stays columns until somebody asks for a row. A row with anything odd, or in which a rule may fire that takes no
such turn, is given back: records judge it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.chains import ChainMaterial, Families, RuleForm
from engine.columnar.columns import Floats, Mask
from engine.columnar.frame_pass import FramePass
from engine.columnar.frame_result import Indexes
from engine.columnar.frame_shape import FrameShape
from engine.columnar.plan import FramePlan
from engine.columnar.written_columns import WrittenColumns
from engine.compiler import Compiled
from engine.evaluation import operation
from engine.values import ROUNDER, is_ordinary

#: One row in so many may be left to records: with more, a pass for the others is not worth it.
_LEFT = 4
#: Rows that the turn of a family has to be worth: for fewer, judging each row by itself is faster.
_ROWS_A_TURN = 16
#: A count of ten-thousandths that float64 holds, and its neighbours.
_MOST = 1e15

_COMPARED: dict[str, Callable[..., Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_COMPUTED: dict[str, Callable[..., Any]] = {"+": np.add, "-": np.subtract, "*": np.multiply}

#: float64[some rows], zero where there is none; and bool[some rows], where that is.
_Numbers = tuple[Floats, Mask]


@dataclass(frozen=True, slots=True)
class ChainedRows:
    """What the rules of a chain come to."""

    #: int64[hits], rising, and int64[hits], the position on the agenda of the rule that fires, rising within a row.
    rows: Indexes
    positions: Indexes
    written: WrittenColumns
    #: bool[rows]: the rows that were read, and that are to be judged by themselves.
    left: Mask


@dataclass(frozen=True, slots=True)
class _Family:
    """Rules that stand next to each other on the agenda and have one shape."""

    form: RuleForm
    #: float64[constants, rules].
    constants: Floats
    #: object[values, rules].
    values: npt.NDArray[np.object_]


class ChainColumns:
    """The chains of one program, for frames of one shape."""

    def __init__(self, compiled: Compiled, families: Families, material: ChainMaterial, shape: FrameShape) -> None:
        """Prepare.

        Args:
            compiled: the program.
            families: its rules.
            material: its chains.
            shape: the columns.
        """
        rules = len(material.rules)
        self.plan = FramePlan(replace(compiled, entries=families.entries), shape, rules)
        self._labels = material.agenda.labels
        #: bool[rules]: those that take no turn.
        self._is_stray = np.zeros(rules, np.bool_)
        self._is_stray[sorted(families.strays)] = True
        self._has_strays = bool(families.strays)
        #: int64[rules]: the family of each rule, -1 where what was found beforehand is all; and its place in it.
        self._family_of = np.full(rules, -1, np.int64)
        self._place_of = np.zeros(rules, np.int64)
        self._families: list[_Family] = []
        together: list[int] = []
        for position in sorted(families.forms):
            form = families.forms[position]
            if together and _shape(families.forms[together[-1]]) != _shape(form):
                self._add(together, families)
                together = []
            together.append(position)
        if together:
            self._add(together, families)

    def _add(self, positions: Sequence[int], families: Families) -> None:
        forms = [families.forms[position] for position in positions]
        self._family_of[positions] = len(self._families)
        self._place_of[positions] = np.arange(len(positions))
        constants = np.array([form.constants for form in forms], np.float64).T
        values = np.empty((len(forms[0].values), len(forms)), np.object_)
        for place, form in enumerate(forms):
            values[:, place] = form.values
        self._families.append(_Family(forms[0], constants, values))

    def judge(self, frame_pass: FramePass) -> ChainedRows | None:
        """Judge rows.

        Args:
            frame_pass: has read them, by the plan.

        Returns:
            What the rules come to; None where there are too few rows for so many turns, or too many are left.
        """
        rows, positions = frame_pass.match()
        count = len(frame_pass.fallback_rows)
        left: Mask = np.zeros(count, np.bool_)
        if self._has_strays:
            left[rows[self._is_stray[positions]]] = True
            if np.count_nonzero(left) * _LEFT > count:
                return None
            taken = ~left[rows]
            rows, positions = rows[taken], positions[taken]
        families = self._family_of[positions]
        active = np.flatnonzero(families >= 0)
        own_rows, own = rows[active], families[active]
        # Two rules of a family that may fire in one row take turns: the second has what the first one set.
        begins = np.ones(len(active), np.bool_)
        begins[1:] = (own_rows[1:] != own_rows[:-1]) | (own[1:] != own[:-1])
        starts = np.flatnonzero(begins)
        ranks = np.arange(len(active)) - starts[np.cumsum(begins) - 1] if len(active) else starts
        order = np.lexsort((ranks, own))
        own, ranks = own[order], ranks[order]
        changes = np.flatnonzero((own[1:] != own[:-1]) | (ranks[1:] != ranks[:-1])) + 1
        if len(changes) * _ROWS_A_TURN > count:
            return None
        run = _Run(frame_pass, count, self._labels)
        fires = np.ones(len(rows), np.bool_)
        for hits in np.split(active[order], changes):
            if len(hits):
                family = self._families[int(families[hits[0]])]
                fires[hits] = run.turn(family, rows[hits], self._place_of[positions[hits]])
        return ChainedRows(rows[fires], positions[fires], run.written, left | run.odd)


class _Run:
    """The fields of some rows, as rules leave them."""

    def __init__(self, frame_pass: FramePass, count: int, labels: Any) -> None:
        self._pass = frame_pass
        self._count = count
        self._fields: dict[int, _Numbers] = {}
        #: bool[rows]: those with a value that is not of ordinary size.
        self.odd: Mask = np.zeros(count, np.bool_)
        self.written = WrittenColumns(count, labels)

    def turn(self, family: _Family, rows: Indexes, places: Indexes) -> Mask:
        """The turn of a family.

        Args:
            family: the rules.
            rows: int64[some rows], none twice, in which one of them may fire.
            places: int64[some rows], which one.

        Returns:
            bool[some rows]: where it fires.
        """
        constants = family.constants[:, places]
        fires: Mask = np.ones(len(rows), np.bool_)
        for test in family.form.tests:
            fires &= self._holds(test, rows, constants)
        rows, places, constants = rows[fires], places[fires], constants[:, fires]
        for kind, slot, what in family.form.sets:
            if kind == "value":
                self.written.set_values(slot, rows, family.values[what, places])
                continue
            numbers, nulls = self._computed(what, rows, constants)
            first = self._field(slot)
            self.written.set_numbers(slot, rows, numbers, nulls, first)
            first[0][rows], first[1][rows] = numbers, nulls
        return fires

    def _field(self, slot: int) -> _Numbers:
        """A field of all rows, as rules left it."""
        field = self._fields.get(slot)
        if field is None:
            found = self._pass.numbers_of(slot)
            if found is None:
                # Another fact, or a column without a number: all else is left to records.
                field = np.zeros(self._count), np.ones(self._count, np.bool_)
            else:
                # Zero has no sign.
                field = found[0] + 0.0, found[1].copy()
            self._fields[slot] = field
        return field

    def _holds(self, test: tuple[Any, ...], rows: Indexes, constants: Floats) -> Mask:
        if test[0] == "compare":
            (left, no_left), (right, no_right) = (self._computed(side, rows, constants) for side in test[2:])
            holds: Mask = _COMPARED[test[1]](left, right)
            holds &= ~(no_left | no_right)
            return holds
        _, slot, least, above, null = test
        every, gaps = self._field(slot)
        numbers = every[rows]
        within: Mask = (numbers >= constants[least]) & (numbers < constants[above])
        return np.where(gaps[rows], null, within)

    def _computed(self, number: tuple[Any, ...], rows: Indexes, constants: Floats) -> _Numbers:
        kind = number[0]
        if kind == "constant":
            return constants[number[1]], np.zeros(len(rows), np.bool_)
        if kind in ("field", "started"):
            every, gaps = self._field(number[1])
            numbers, nulls = every[rows], gaps[rows]
            if kind == "field":
                return numbers, nulls
            return np.where(nulls, constants[number[2]], numbers), np.zeros(len(rows), np.bool_)
        (left, no_left), (right, no_right) = (self._computed(side, rows, constants) for side in number[1:])
        nulls = no_left | no_right
        one, other = (side * 1e4 + ROUNDER - ROUNDER for side in (left, right))
        result = _COMPUTED[kind](one, other)
        exact = (one / 1e4 == left) & (other / 1e4 == right) & (np.abs(result) < _MOST)
        if kind != "*":
            exact &= (np.abs(one) < _MOST) & (np.abs(other) < _MOST)
        result = result / 1e8 + 0.0 if kind == "*" else result / 1e4
        unsure = np.flatnonzero(~exact & ~nulls)
        if len(unsure):
            settle = operation(kind)
            for place, a, b in zip(unsure.tolist(), left[unsure].tolist(), right[unsure].tolist(), strict=True):
                value = settle(a, b)
                if value is None:
                    nulls[place] = True
                elif not is_ordinary(value):
                    self.odd[rows[place]] = True
                else:
                    result[place] = value
        return np.where(nulls, 0.0, result), nulls


def _shape(form: RuleForm) -> tuple[Any, ...]:
    return form.tests, form.sets
