"""The engine, used as the farm uses it.  workload -> [ours] -> suites

Records go in as facts, chunks as frames; out come the names of the rules that fired, row by row, as from everyone else.
What the engine finds besides (outcomes, reasons, changes) it finds in the same time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from bench.workload import Workload
from engine import Program, compile_ruleset

#: When everything is judged.
AS_OF = datetime(2026, 1, 15, tzinfo=UTC)


def compiled(workload: Workload) -> Program:
    """The program of a workload."""
    return compile_ruleset({"workload.grl": workload.grl}, workload.schema)


def by_record(program: Program, facts: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The rules that fire, one record at a time.

    Args:
        program: the rules.
        facts: for each record, its facts.
    """
    evaluate = program.evaluate
    return [evaluate(each, as_of=AS_OF).fired for each in facts]


def by_chunk(program: Program, chunks: Sequence[pl.DataFrame], fact: str | None) -> list[list[str]]:
    """The rules that fire, one chunk at a time.

    Args:
        program: the rules.
        chunks: frames of rows.
        fact: whose fields the columns are; None: each is a whole fact.
    """
    hits: list[list[str]] = []
    for chunk in chunks:
        result = program.evaluate_frame(chunk, fact=fact, as_of=AS_OF)
        hits += [result.fired(row) for row in range(len(result))]
    return hits


def answers_by_chunk(program: Program, chunks: Sequence[pl.DataFrame], fact: str | None) -> list[tuple[Any, ...]]:
    """All that is said of each row, one chunk at a time: outcome, fired rules, reasons and changes.

    Args:
        program: the rules.
        chunks: frames of rows.
        fact: whose fields the columns are; None: each is a whole fact.
    """
    answers: list[tuple[Any, ...]] = []
    for chunk in chunks:
        result = program.evaluate_frame(chunk, fact=fact, as_of=AS_OF)
        answers += [
            (outcome, result.fired(row), result.reasons(row), result.changes(row))
            for row, outcome in enumerate(result.outcome)
        ]
    return answers


def by_row(program: Program, chunks: Sequence[pl.DataFrame], fact: str | None) -> list[list[str]]:
    """The rules that fire, one row of a chunk at a time.

    Args:
        program: the rules.
        chunks: frames of rows.
        fact: whose fields the columns are; None: each is a whole fact.
    """
    rows = (row for chunk in chunks for row in chunk.iter_rows(named=True))
    return [program.evaluate(row if fact is None else {fact: row}, as_of=AS_OF).fired for row in rows]


def chunks_of(frame: pl.DataFrame, size: int) -> list[pl.DataFrame]:
    """A frame in slices.

    Args:
        frame: any.
        size: rows of a slice; the last one may have fewer.
    """
    return list(frame.iter_slices(size))
