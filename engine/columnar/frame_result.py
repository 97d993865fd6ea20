"""What the engine says about the rows of a frame.  chunks -> [frame_result] -> caller, verdict

Most rows fire rules whose words are known beforehand; what they say is put together for all rows at once, when
somebody asks. The others have an evaluation of their own."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.evaluation import OUTCOMES, Evaluation, Reason

Places = npt.NDArray[np.int64]


class Words:
    """What the rules of a program say, by their place on the agenda."""

    def __init__(self, names: Sequence[str], said: Sequence[tuple[Reason, ...] | None]) -> None:
        """Keep it, in a form that can be asked for many places at once.

        Args:
            names: of the rules.
            said: the reasons of each; None: they are not known beforehand.
        """
        spoken = [() if reasons is None else reasons for reasons in said]
        worst = [max((OUTCOMES.index(reason.outcome) for reason in reasons), default=0) for reasons in spoken]
        self.names = _objects(names)
        #: The reasons of all rules, one after the other.
        self.reasons = _objects([reason for reasons in spoken for reason in reasons])
        #: How many of them each rule has, and where they begin.
        self.counts = np.array([len(reasons) for reasons in spoken], np.int64)
        self.starts = np.cumsum(self.counts) - self.counts
        #: The place among `OUTCOMES` of the worst outcome that each asks for.
        self.outcomes = np.array(worst, np.int64)


class FrameResult:
    """What the rules say about each row of a frame."""

    def __init__(self, starts: Places, places: Places, words: Words, finished: Mapping[int, Evaluation]) -> None:
        """Keep what was found.

        Args:
            starts: where the fired rules of each row begin in `places`; one more than rows.
            places: of the fired rules, on the agenda.
            words: what they say.
            finished: the evaluations of the rows that have one of their own.
        """
        self._places = places
        self._words = words
        self._finished = finished
        self._starts: list[int] = starts.tolist()

    @classmethod
    def of(cls, evaluations: Sequence[Evaluation]) -> "FrameResult":
        """The result of rows that were judged one by one."""
        starts = np.zeros(len(evaluations) + 1, np.int64)
        return cls(starts, starts[:0], Words((), ()), dict(enumerate(evaluations)))

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
            worst[fires] = np.maximum.reduceat(self._words.outcomes[self._places], starts[:-1][fires])
        found: list[str] = _OUTCOMES[worst].tolist()
        for row, evaluation in self._finished.items():
            found[row] = evaluation.outcome
        return found

    @cached_property
    def _names(self) -> list[str]:
        """The rules of all rows, one after the other."""
        names: list[str] = self._words.names[self._places].tolist()
        return names

    @cached_property
    def _said(self) -> tuple[list[int], list[Reason]]:
        """Where the reasons of each row begin, and the reasons of all rows, one after the other."""
        counts = self._words.counts[self._places]
        ends = np.concatenate([[0], np.cumsum(counts)])
        own = np.repeat(self._words.starts[self._places] - ends[:-1], counts) + np.arange(ends[-1])
        return ends[self._starts].tolist(), self._words.reasons[own].tolist()

    def fired(self, row: int) -> list[str]:
        """Names of the rules that fired for a row, in that order."""
        evaluation = self._finished.get(row)
        return self._names[self._starts[row] : self._starts[row + 1]] if evaluation is None else evaluation.fired

    def reasons(self, row: int) -> list[Reason]:
        """The reasons that rules gave for a row, in that order."""
        evaluation = self._finished.get(row)
        if evaluation is not None:
            return evaluation.reasons
        starts, reasons = self._said
        return reasons[starts[row] : starts[row + 1]]

    def changes(self, row: int) -> dict[str, Any]:
        """`Fact.field` to its new value, for the fields of a row that rules changed."""
        evaluation = self._finished.get(row)
        return {} if evaluation is None else evaluation.changes


def _objects(items: Sequence[Any]) -> npt.NDArray[np.object_]:
    found = np.empty(len(items), np.object_)
    found[:] = items
    return found


_OUTCOMES = _objects(OUTCOMES)
