"""Judge many rows at once.  passes -> [chunks] -> frame_result

The columnar pass finds for every row which rules match, and finishes the rows whose rules only decide. Rows whose rules
do more are finished by the cycle, from what matched; odd rows are judged by the record evaluator from the start. So the
answer is the record evaluator's for every row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from engine.columnar.frame_pass import FramePass, Places
from engine.columnar.frame_result import FrameResult
from engine.columnar.plan import FramePlan
from engine.compiler import Compiled
from engine.evaluation import Evaluation, run_cycle

Evaluate = Callable[[Mapping[str, Any], datetime], Evaluation]

#: Rows that go through one pass: their numbers fit the cache, and a longer frame takes no more memory.
_ROWS = 4_096


class FrameEvaluator:
    """The columnar pass of one program."""

    def __init__(self, compiled: Compiled, evaluate: Evaluate) -> None:
        """Prepare; tables are made when the first frame comes.

        Args:
            compiled: the program.
            evaluate: judges one job.
        """
        self._compiled = compiled
        self._evaluate = evaluate
        self._plans: dict[str, FramePlan] = {}
        agenda = compiled.agenda
        self._is_constant = np.array([reasons is not None for reasons in agenda.reasons.reasons], np.bool_)
        groups = {name: number for number, name in enumerate({one.rule.activation_group for one in agenda.rules})}
        #: The activation group of each rule; -1: it has none.
        self._groups = np.array(
            [-1 if one.rule.activation_group is None else groups[one.rule.activation_group] for one in agenda.rules],
            np.int64,
        )
        self._has_groups = bool((self._groups >= 0).any())

    def judge(self, frame: pl.DataFrame, fact: str, as_of: datetime) -> FrameResult:
        """Judge every row of a frame.

        Args:
            frame: one row per fact.
            fact: its name.
            as_of: the moment they are judged at, in UTC.

        Returns:
            What the record evaluator would say about each row.
        """
        plan = self._plans.get(fact)
        if plan is None:
            plan = self._plans[fact] = FramePlan(self._compiled, fact)
        starts, places = [np.zeros(1, np.int64)], []
        finished: dict[int, Evaluation] = {}
        before = hits = 0
        for slice_ in frame.iter_slices(_ROWS):
            # What is out of range is looked at by its result.
            with np.errstate(all="ignore"):
                own_starts, own_places, own_finished = self._judge(plan, slice_, fact, as_of)
            starts.append(own_starts[1:] + hits)
            places.append(own_places)
            finished |= {row + before: evaluation for row, evaluation in own_finished.items()}
            before += len(slice_)
            hits += len(own_places)
        return FrameResult(np.concatenate(starts), np.concatenate(places), self._compiled.agenda.reasons, finished)

    def _judge(
        self, plan: FramePlan, frame: pl.DataFrame, fact: str, as_of: datetime
    ) -> tuple[Places, Places, dict[int, Evaluation]]:
        """Where the rules that fire in each row start, those rules, and the rows with an evaluation of their own."""
        pass_ = FramePass(plan, frame, as_of)
        rows, places = pass_.match()
        finished: dict[int, Evaluation] = {}
        if pass_.odd.any():
            odd = np.flatnonzero(pass_.odd)
            for row, fields in zip(odd.tolist(), frame[odd].iter_rows(named=True), strict=True):
                finished[row] = self._evaluate({fact: fields}, as_of)
        is_constant = self._is_constant[places]
        if not is_constant.all():
            busy = np.unique(rows[~is_constant])
            edges = np.searchsorted(rows, [busy, busy + 1]).T.tolist()
            agenda = self._compiled.agenda
            for row, (start, end), slots in zip(busy.tolist(), edges, pass_.slots_of(busy), strict=True):
                # Nobody asks a row of a frame for its facts.
                finished[row] = run_cycle(agenda, slots, {}, None, places[start:end].tolist())
        if self._has_groups:
            rows, places = self._without_rivals(rows, places)
        return np.searchsorted(rows, np.arange(len(frame) + 1)), places, finished

    def _without_rivals(self, rows: Places, places: Places) -> tuple[Places, Places]:
        """Of the rules of an activation group, only the first that fires in a row."""
        groups = self._groups[places]
        members = np.flatnonzero(groups >= 0)
        firsts = np.unique(rows[members] * len(self._groups) + groups[members], return_index=True)[1]
        if len(firsts) == len(members):
            return rows, places
        fires = groups < 0
        fires[members[firsts]] = True
        return rows[fires], places[fires]


def unpacked(frame: pl.DataFrame) -> tuple[str | None, pl.DataFrame]:
    """A frame of whole facts that holds one object in each row, as columns of its fields.

    Args:
        frame: each column is a whole fact.

    Returns:
        The fact and its fields; None and the frame when it holds anything else.
    """
    if frame.width != 1:
        return None, frame
    objects = frame.to_series()
    # A row without the object is not one with an object without values.
    if not isinstance(objects.dtype, pl.Struct) or not objects.dtype.fields or objects.null_count():
        return None, frame
    return objects.name, objects.struct.unnest()
