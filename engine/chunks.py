"""Judge many rows at once.  columns, codings, blocks -> [chunks] -> evaluation

The columnar pass finds for every row which rules match, and finishes the rows whose rules only decide. Rows whose rules
do more are finished by the cycle, from what matched; odd rows are judged by the record evaluator from the start. So the
answer is the record evaluator's for every row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from engine.compiler import Compiler
from engine.cycle import run_cycle
from engine.evaluation import Evaluation, FrameResult
from engine.layout import Slots
from engine.passes import Pass
from engine.plans import Plan

Evaluate = Callable[[Mapping[str, Any], datetime], Evaluation]


class Chunks:
    """The columnar pass of one program."""

    def __init__(self, compiled: Compiler, take: Callable[[Any, datetime], Slots], evaluate: Evaluate) -> None:
        """Prepare; tables are made when the first frame comes.

        Args:
            compiled: the program.
            take: fills the slots of one job whose facts are right.
            evaluate: judges one job.
        """
        self._compiled = compiled
        self._take = take
        self._evaluate = evaluate
        self._plans: dict[str, Plan] = {}
        self._speaks = np.array([said is not None for said in compiled.agenda.said], np.bool_)

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
            plan = self._plans[fact] = Plan(self._compiled, fact)
        pass_ = Pass(plan, frame, as_of)
        starts, places = pass_.match()
        agenda = self._compiled.agenda
        busy = pass_.odd.copy()
        busy[np.repeat(np.arange(len(frame)), np.diff(starts))[~self._speaks[places]]] = True
        finished: dict[int, Evaluation] = {}
        rows = np.flatnonzero(busy).tolist()
        if rows:
            for row, fields in zip(rows, frame[rows].iter_rows(named=True), strict=True):
                given = {fact: fields}
                if pass_.odd[row]:
                    finished[row] = self._evaluate(given, as_of)
                else:
                    matched = places[starts[row] : starts[row + 1]].tolist()
                    finished[row] = run_cycle(agenda, self._take(given, as_of), given, None, matched)
        return FrameResult(starts.tolist(), places.tolist(), agenda.names, agenda.said, finished)
