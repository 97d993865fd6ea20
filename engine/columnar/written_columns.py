"""What rules set in many rows, by columns.  [written_columns] -> chain_columns, frame_result

Takes what was set, rule after rule; gives the changes of a row, as its evaluation would have them, to whoever asks."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.columnar.columns import Floats, Mask
from engine.evaluation import json_value

#: Whole numbers below it are integers to the caller.
_MOST = 1e15
#: Kinds of rows are told by numbers up to it.
_MOST_KINDS = 2**62

#: int64[some rows]: rows.
_Rows = npt.NDArray[np.int64]


class _Written:
    """One field that rules set."""

    def __init__(self, count: int, numbers: Floats | None, nulls: Mask) -> None:
        #: float64[rows], or object[rows]; and bool[rows], where there is none.
        self.values: Any = np.empty(count, np.object_) if numbers is None else numbers.copy()
        self.nulls = nulls.copy()
        #: The same before any rule.
        self.first: Any = None if numbers is None else numbers.copy()
        self.no_first = nulls.copy()
        #: int64[rows]: when it was first set to another value; -1: never.
        self.times = np.full(count, -1, np.int64)


class WrittenColumns:
    """What was set in some rows."""

    def __init__(self, count: int, labels: Mapping[int, str]) -> None:
        """Begin.

        Args:
            count: rows.
            labels: slot to the name of the field.
        """
        self._count = count
        self._labels = labels
        self._fields: dict[int, _Written] = {}
        self._time = 0

    def __len__(self) -> int:
        return self._count

    def set_numbers(self, slot: int, rows: _Rows, numbers: Floats, nulls: Mask, before: tuple[Floats, Mask]) -> None:
        """A number is set.

        Args:
            slot: of the field.
            rows: int64[some rows], none twice.
            numbers: float64[some rows], zero where there is none.
            nulls: bool[some rows], where that is.
            before: the field of all rows, as it was.
        """
        field = self._fields.get(slot)
        if field is None:
            field = self._fields[slot] = _Written(self._count, *before)
        differs = (field.values[rows] != numbers) | (field.nulls[rows] != nulls)
        self._note(field, rows[differs])
        field.values[rows], field.nulls[rows] = numbers, nulls

    def set_values(self, slot: int, rows: _Rows, values: npt.NDArray[np.object_]) -> None:
        """A constant is set, in a field that was null before all rules.

        Args:
            slot: of the field.
            rows: int64[some rows], none twice.
            values: object[some rows], none of them null.
        """
        field = self._fields.get(slot)
        if field is None:
            field = self._fields[slot] = _Written(self._count, None, np.ones(self._count, np.bool_))
        differs = field.nulls[rows] | (field.values[rows] != values)
        self._note(field, rows[differs])
        field.values[rows], field.nulls[rows] = values, False

    def _note(self, field: _Written, rows: _Rows) -> None:
        times = field.times[rows]
        field.times[rows] = np.where(times < 0, self._time, times)
        self._time += 1

    @cached_property
    def _times(self) -> npt.NDArray[np.int64]:
        """int64[rows, fields]: when each field was first set to another value; -1: it is as it was."""
        times = np.full((self._count, len(self._fields)), -1, np.int64)
        for place, field in enumerate(self._fields.values()):
            same = field.nulls & field.no_first
            if field.first is not None:
                same |= ~field.nulls & ~field.no_first & (field.values == field.first)
            times[:, place] = np.where(same, -1, field.times)
        return times

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What is another value than before in each row, in the order in which it was first set."""
        return self._changed([{} for _ in range(self._count)], _plain)

    @property
    def json_changes(self) -> list[dict[str, Any]]:
        """The same as JSON has it: dates, times and durations are ISO 8601 text. Rows without any share theirs."""
        return self._changed([{}] * self._count, _json)

    def _changed(
        self, changes: list[dict[str, Any]], values_of: Callable[[_Written], npt.NDArray[np.object_]]
    ) -> list[dict[str, Any]]:
        """Fill in the changes of all rows: at once, of those in which the same fields were set in the same order."""
        if not self._fields:
            return changes
        names = [self._labels[slot] for slot in self._fields]
        columns = [values_of(field) for field in self._fields.values()]
        kind_of = _kinds(self._times)
        order = np.argsort(kind_of, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(kind_of[order])) + 1):
            times = self._times[rows[0]].tolist()
            places = sorted((place for place, time in enumerate(times) if time >= 0), key=times.__getitem__)
            if not places:
                continue
            own = [names[place] for place in places]
            values = zip(*(columns[place][rows].tolist() for place in places), strict=True)
            for row, each in zip(rows.tolist(), values, strict=True):
                changes[row] = dict(zip(own, each, strict=True))
        return changes


def _kinds(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """int64[rows], zero or more: rows with the same times have the same number."""
    kinds = np.zeros(len(times), np.int64)
    base = int(times.max(initial=-1)) + 2
    most = 1
    for column in times.T:
        if most * base > _MOST_KINDS:
            # Numbered anew, there are no more of them than rows.
            kinds = np.unique(kinds, return_inverse=True)[1]
            most = len(times)
        kinds = kinds * base + (column + 1)
        most *= base
    return kinds


def _plain(field: _Written) -> npt.NDArray[np.object_]:
    """object[rows]: the values as the caller gets them, as `to_python` gives them one by one."""
    values: npt.NDArray[np.object_] = field.values.astype(np.object_)
    if field.first is not None:
        whole = (field.values == np.rint(field.values)) & (np.abs(field.values) < _MOST)
        values[whole] = field.values[whole].astype(np.int64).astype(np.object_)
    values[field.nulls] = None
    return values


def _json(field: _Written) -> npt.NDArray[np.object_]:
    """object[rows]: the values as JSON has them."""
    values = _plain(field)
    if field.first is None:
        values[:] = list(map(json_value, values.tolist()))
    return values
