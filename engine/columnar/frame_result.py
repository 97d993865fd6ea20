"""What the engine says about the rows of a frame.

Most rows fire rules with constant reasons only; names and reasons of those are put together for all rows at once, when
somebody asks. The other rows have an evaluation each."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.columnar.written_columns import WrittenColumns
from engine.evaluation import OUTCOMES, Evaluation, Reason, ReasonTable, RuleEvent, json_value

#: int64[hits] or int64[rows]: rows of a frame, or positions of rules on the agenda.
Indexes = npt.NDArray[np.int64]


class FrameResult:
    """What the rules say about each row of a frame."""

    def __init__(
        self,
        starts: Indexes,
        positions: Indexes,
        reasons: ReasonTable,
        evaluations: Mapping[int, Evaluation],
        written: Sequence[tuple[int, WrittenColumns]] = (),
    ) -> None:
        """Keep what was found.

        Args:
            starts: int64[rows + 1], where the fired rules of each row begin in `positions`.
            positions: int64[hits], the fired rules of all rows, by their position on the agenda.
            reasons: the constant reasons of all rules.
            evaluations: by row, of the rows that have one of their own.
            written: what was set in rows that have none, by stretches: the first row of each, rising; default: nothing.
        """
        self._written = written
        self._positions = positions
        self._reasons = reasons
        self._evaluations = evaluations
        self._starts: list[int] = starts.tolist()

    @classmethod
    def of(cls, evaluations: Sequence[Evaluation]) -> "FrameResult":
        """The result of rows that were judged one by one."""
        starts = np.zeros(len(evaluations) + 1, np.int64)
        return cls(starts, starts[:0], ReasonTable((), ()), dict(enumerate(evaluations)))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @cached_property
    def outcome(self) -> list[str]:
        """The outcome of each row."""
        worst = np.zeros(len(self), np.int64)
        starts = np.array(self._starts)
        fires = starts[1:] > starts[:-1]
        if fires.any():
            # Rows without rules have no stretch of their own, so the next one ends where it should.
            worst[fires] = np.maximum.reduceat(self._reasons.worst_outcomes[self._positions], starts[:-1][fires])
        outcomes: list[str] = _OUTCOMES[worst].tolist()
        for row, evaluation in self._evaluations.items():
            outcomes[row] = evaluation.outcome
        return outcomes

    @property
    def kinds(self) -> list[Hashable]:
        """What tells the answer of each row, its changes aside: those of rows of one kind are equal."""
        fired, starts, size = self._positions.tobytes(), self._starts, self._positions.itemsize
        kinds: list[Hashable] = [fired[begin * size : end * size] for begin, end in pairwise(starts)]
        for row in self._evaluations:
            kinds[row] = row
        return kinds

    @cached_property
    def _fired(self) -> list[list[str]]:
        """The names of the fired rules of all rows: mostly one row is asked for after the other."""
        names: list[str] = self._reasons.name_array[self._positions].tolist()
        fired = [names[begin:end] for begin, end in pairwise(self._starts)]
        for row, evaluation in self._evaluations.items():
            fired[row] = evaluation.fired
        return fired

    @cached_property
    def _constant_reasons(self) -> tuple[list[int], list[Reason]]:
        """Where the reasons of each row begin, and the reasons of all rows, one after the other."""
        starts, reasons = self._reasons.of_positions(self._positions)
        return starts[self._starts].tolist(), reasons

    def fired(self, row: int) -> list[str]:
        """Names of the rules that fired for a row, in that order."""
        return self._fired[row]

    def reasons(self, row: int) -> list[Reason]:
        """The reasons that rules gave for a row, in that order."""
        evaluation = self._evaluations.get(row)
        if evaluation is not None:
            return evaluation.reasons
        starts, reasons = self._constant_reasons
        return reasons[starts[row] : starts[row + 1]]

    def logs(self, row: int) -> list[str]:
        """Texts that rules logged for a row, in that order."""
        evaluation = self._evaluations.get(row)
        return [] if evaluation is None else evaluation.logs

    def events(self, row: int) -> list[RuleEvent]:
        """The calls that rules made for a row, in that order."""
        evaluation = self._evaluations.get(row)
        return [] if evaluation is None else evaluation.events

    def changes(self, row: int) -> dict[str, Any]:
        """`Fact.field` to its new value, for the fields of a row that rules changed."""
        return self._changes[row]

    @cached_property
    def _changes(self) -> list[dict[str, Any]]:
        """The changes of all rows."""
        changes: list[dict[str, Any]] = [{} for _ in range(len(self))]
        for first, written in self._written:
            changes[first : first + len(written)] = written.changes
        for row, evaluation in self._evaluations.items():
            changes[row] = evaluation.changes
        return changes

    @property
    def json_changes(self) -> list[dict[str, Any]]:
        """The changes of all rows as JSON has them; rows without any share theirs."""
        changes: list[dict[str, Any]] = [{}] * len(self)
        for first, written in self._written:
            changes[first : first + len(written)] = written.json_changes
        for row, evaluation in self._evaluations.items():
            if evaluation.changes:
                changes[row] = {name: json_value(value) for name, value in evaluation.changes.items()}
        return changes


_OUTCOMES = np.array(OUTCOMES, np.object_)
