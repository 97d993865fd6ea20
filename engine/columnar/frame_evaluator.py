"""Judge the rows of a frame: the columnar pass, and the record evaluation for what it can't finish.

The columnar pass finds for every row which rules match, and finishes the rows whose rules have constant reasons. Rows
whose rules do more are finished by the cycle, from what matched, or by the chains, where rules bear on each other; rows
that the pass can't read are judged by the record evaluation from the start. So every row gets the answer of the record
evaluation."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from engine.chains import Families, families_of
from engine.collector import no_collector
from engine.columnar.chain_columns import ChainColumns
from engine.columnar.columns import Mask
from engine.columnar.frame_form import FrameForm
from engine.columnar.frame_pass import FramePass
from engine.columnar.frame_result import FrameResult, Indexes
from engine.columnar.frame_shape import FrameShape, shape_of_fact
from engine.columnar.plan import FramePlan
from engine.columnar.whole_facts import WholeFacts
from engine.columnar.written_columns import WrittenColumns
from engine.compiler import Compiled
from engine.evaluation import Evaluation, run_cycle

Evaluate = Callable[[Mapping[str, Any], datetime], Evaluation]

#: int64[rows + 1], where the rules that fire in each row begin; int64[hits], the positions of those rules; and the
#: evaluations of the rows that have one of their own. And what was set in the other ones; None: nothing.
_Part = tuple[Indexes, Indexes, dict[int, Evaluation], WrittenColumns | None]

#: Rows that go through one pass: their numbers fit the cache, and a longer frame takes no more memory.
_ROWS = 4_096


class FrameEvaluator:
    """The columnar pass of one program."""

    def __init__(self, compiled: Compiled, evaluate: Evaluate) -> None:
        """Prepare; tables are made when the first frame comes.

        Args:
            compiled: the program.
            evaluate: judges one record.
        """
        self._compiled = compiled
        self._evaluate = evaluate
        self._plans: dict[str, FramePlan] = {}
        #: By the name of the fact; None: not all rules can take their turns for many rows.
        self._chained: dict[str, ChainColumns | None] = {}
        #: By the names of the facts.
        self._wholes: dict[frozenset[str], WholeFacts] = {}
        self._chained_wholes: dict[frozenset[str], ChainColumns | None] = {}
        agenda = compiled.agenda
        #: bool[rules]: whether a rule has constant reasons.
        self._is_constant = np.array([reasons is not None for reasons in agenda.reasons.reasons], np.bool_)
        #: bool[rules]: whether a rule bears on others.
        self._steers = np.array([each.steers for each in agenda.rules], np.bool_)
        groups = {name: number for number, name in enumerate({each.rule.activation_group for each in agenda.rules})}
        #: int64[rules]: the activation group of each rule; -1: it has none.
        self._groups = np.array(
            [-1 if each.rule.activation_group is None else groups[each.rule.activation_group] for each in agenda.rules],
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
        if fact not in self._chained:
            self._chained[fact] = self._chain_of(self._shape_of(fact))
        chain = self._chained[fact]

        def judge_part(part: pl.DataFrame) -> _Part:
            judged = None
            if chain is not None:
                judged = self._judge_chained(chain, FramePass(chain.plan, part, as_of), part, fact, as_of)
            return judged or self._judge_part(FramePass(self._plan_of(fact), part, as_of), part, fact, as_of)

        return self._judge_parts(frame, judge_part)

    def _plan_of(self, fact: str) -> FramePlan:
        plan = self._plans.get(fact)
        if plan is None:
            compiled = self._compiled
            plan = FramePlan(compiled, self._shape_of(fact), len(compiled.agenda.rules))
            self._plans[fact] = plan
        return plan

    def _shape_of(self, fact: str) -> FrameShape:
        return shape_of_fact(self._compiled.layout, self._compiled.reader.use, fact)

    @cached_property
    def _families(self) -> Families | None:
        chains = self._compiled.chains
        return None if chains is None else families_of(chains.material)

    def _chain_of(self, shape: FrameShape) -> ChainColumns | None:
        chains = self._compiled.chains
        with no_collector():
            if chains is None or self._families is None:
                return None
            return ChainColumns(self._compiled, self._families, chains.material, shape)

    def _chain_of_whole(self, names: frozenset[str], whole: WholeFacts) -> ChainColumns | None:
        """The same for whole facts, where rules write the subject alone: another object may be missing in a row."""
        if names not in self._chained_wholes:
            written = {fact for fact, _ in self._compiled.agenda.places.values()}
            is_fit = written <= {whole.subject}
            self._chained_wholes[names] = self._chain_of(whole.shape) if is_fit else None
        return self._chained_wholes[names]

    def _judge_chained(
        self, chain: ChainColumns, frame_pass: FramePass, frame: pl.DataFrame, fact: str | None, as_of: datetime
    ) -> _Part | None:
        """Judge rows by rules that take their turns for all of them; None where there are too few.

        Args:
            chain: the rules.
            frame_pass: has read the rows.
            frame: the rows.
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.
        """
        judged, chains = chain.judge(frame_pass), self._compiled.chains
        if judged is None or chains is None:
            return None
        evaluations = self._by_records(frame, frame_pass.fallback_rows, fact, as_of)
        left = np.flatnonzero(judged.left & ~frame_pass.fallback_rows)
        for row, slots in zip(left.tolist(), frame_pass.slots_of(left), strict=True):
            evaluation = chains.judge(slots, {})
            if evaluation is None:
                (slots,) = frame_pass.slots_of(np.array([row]))
                evaluation = run_cycle(self._compiled.agenda, slots, {})
            evaluations[row] = evaluation
        starts = np.searchsorted(judged.rows, np.arange(len(frame) + 1))
        return starts, judged.positions, evaluations, judged.written

    def _by_records(self, frame: pl.DataFrame, which: Mask, fact: str | None, as_of: datetime) -> dict[int, Evaluation]:
        """The evaluations of some rows.

        Args:
            frame: the rows.
            which: bool[rows].
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.
        """
        if not which.any():
            return {}
        rows = np.flatnonzero(which)
        facts = frame[rows].iter_rows(named=True)
        return {
            row: self._evaluate(fields if fact is None else {fact: fields}, as_of)
            for row, fields in zip(rows.tolist(), facts, strict=True)
        }

    def judge_whole(self, frame: pl.DataFrame, dtypes: Sequence[Any], as_of: datetime) -> FrameResult | None:
        """Judge every row of a frame of whole facts.

        Args:
            frame: each column is a fact, an object or a list of them.
            dtypes: of its columns.
            as_of: the moment they are judged at, in UTC.

        Returns:
            As of `judge`; None where columns do not hold all that rules read.
        """
        schema = self._compiled.layout.schema
        if schema is None:
            return None
        names = frozenset(name for name in frame.columns if name in schema.facts)
        whole = self._wholes.get(names)
        if whole is None:
            whole = self._wholes[names] = WholeFacts(self._compiled, schema, names)
        if not whole.fits or not whole.takes(frame.columns, dtypes):
            return None

        chain = self._chain_of_whole(names, whole)

        def judge_part(part: pl.DataFrame) -> _Part:
            rows = whole.rows_of(part, as_of)

            def passed(plan: FramePlan) -> FramePass:
                return FramePass(plan, rows.frame, as_of, rows.fallback_rows, rows.found, rows.more)

            judged = None if chain is None else self._judge_chained(chain, passed(chain.plan), part, None, as_of)
            return judged or self._judge_part(passed(whole.plan), part, None, as_of)

        return self._judge_parts(frame, judge_part)

    def _judge_parts(self, frame: pl.DataFrame, judge_part: Callable[[pl.DataFrame], _Part]) -> FrameResult:
        """Judge a frame, some rows at a time."""
        starts, positions = [np.zeros(1, np.int64)], []
        evaluations: dict[int, Evaluation] = {}
        set_in: list[tuple[int, WrittenColumns]] = []
        rows = hits = 0
        for part in frame.iter_slices(_ROWS):
            # A number out of range gives infinity or NaN, and both are looked for.
            with np.errstate(all="ignore"):
                part_starts, part_positions, part_evaluations, written = judge_part(part)
            starts.append(part_starts[1:] + hits)
            positions.append(part_positions)
            evaluations |= {row + rows: evaluation for row, evaluation in part_evaluations.items()}
            if written is not None:
                set_in.append((rows, written))
            rows += len(part)
            hits += len(part_positions)
        # Only rows of which something was set have rules whose reasons are not those of the agenda.
        families = self._families if set_in else None
        reasons = self._compiled.agenda.reasons if families is None else families.reasons
        return FrameResult(np.concatenate(starts), np.concatenate(positions), reasons, evaluations, set_in)

    def _judge_part(self, frame_pass: FramePass, frame: pl.DataFrame, fact: str | None, as_of: datetime) -> _Part:
        """Judge rows that go through one pass.

        Args:
            frame_pass: has read them.
            frame: the rows.
            fact: whose fields the columns are; None: each is a whole fact.
            as_of: the moment they are judged at, in UTC.

        Returns:
            What they come to; nothing is set but in rows with an evaluation.
        """
        rows, positions = frame_pass.match()
        evaluations = self._by_records(frame, frame_pass.fallback_rows, fact, as_of)
        is_constant = self._is_constant[positions]
        if not is_constant.all():
            acting_rows = np.unique(rows[~is_constant])
            edges = np.searchsorted(rows, [acting_rows, acting_rows + 1]).T.tolist()
            chained = set(rows[self._steers[positions]].tolist()) if self._compiled.chains is not None else set()
            for row, (start, end), slots in zip(
                acting_rows.tolist(), edges, frame_pass.slots_of(acting_rows), strict=True
            ):
                # Nobody asks a row of a frame for its facts.
                evaluation = None
                matched = positions[start:end].tolist()
                if row in chained and self._compiled.chains is not None:
                    evaluation = self._compiled.chains.judge_matched(slots, matched)
                    if evaluation is None:
                        (slots,) = frame_pass.slots_of(np.array([row]))
                if evaluation is None:
                    evaluation = run_cycle(self._compiled.agenda, slots, {}, None, matched)
                evaluations[row] = evaluation
        if self._has_groups:
            rows, positions = self._without_rivals(rows, positions)
        return np.searchsorted(rows, np.arange(len(frame) + 1)), positions, evaluations, None

    def _without_rivals(self, rows: Indexes, positions: Indexes) -> tuple[Indexes, Indexes]:
        """Of the rules of an activation group, only the first that fires in a row.

        Args:
            rows: int64[hits], rising.
            positions: int64[hits], of the rules that match; rising within a row.

        Returns:
            The same of the hits that are left.
        """
        groups = self._groups[positions]
        members = np.flatnonzero(groups >= 0)
        firsts = np.unique(rows[members] * len(self._groups) + groups[members], return_index=True)[1]
        if len(firsts) == len(members):
            return rows, positions
        fires = groups < 0
        fires[members[firsts]] = True
        return rows[fires], positions[fires]


def unpacked(frame: pl.DataFrame, form: FrameForm) -> tuple[str | None, pl.DataFrame, FrameForm]:
    """A frame of whole facts that holds one object in each row, as columns of its fields.

    Args:
        frame: each column is a whole fact.
        form: of the frame.

    Returns:
        The fact, its fields, and their form; None, the frame and its form when it holds anything else.
    """
    fields = form.of_object
    # A row without the object is not one with an object without values.
    if fields is None or (objects := frame.to_series()).null_count():
        return None, frame, form
    return objects.name, objects.struct.unnest(), fields
