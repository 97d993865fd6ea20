"""Judge jobs that came together.  jobs -> [judge_together] -> judge, or one pass over columns -> verdicts

What a request of many subjects, or many requests at once, ask for. Jobs of one object each, whose fields have the same
kinds throughout, are judged by their columns; all others one after the other, with the same answers. Knows neither
database nor broker."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from tasks.answer_columns import frame_columns, in_rows
from tasks.judge import complete_jobs, job_verdict, judge_complete
from tasks.shared_facts import CompleteFacts, SharedFacts

#: For fewer jobs, judging each by itself is faster than to lay out columns.
_FEW_JOBS = 100
#: The kinds of values that one column holds, to its type: a whole number is the same value as a float.
_COLUMN_TYPES: dict[frozenset[type], Any] = {
    frozenset({str}): pl.String,
    frozenset({bool}): pl.Boolean,
    frozenset({int}): pl.Int64,
    frozenset({float}): pl.Float64,
    frozenset({int, float}): pl.Float64,
    frozenset(): pl.Null,
}


def judge_jobs(
    loaded: LoadedRuleset, messages: Sequence[JobMessage], worker: str, shared: SharedFacts | None = None
) -> list[Verdict]:
    """Judge jobs of one domain.

    Args:
        loaded: its ruleset.
        messages: the jobs.
        worker: who judges.
        shared: as for `tasks.judge.judge_job`.

    Returns:
        One verdict a job, in order.

    Raises:
        FactsUnreachable, SettingsError: as `tasks.judge.judge_job`.
    """
    facts = complete_jobs(loaded, messages, shared)
    started = time.perf_counter_ns()
    columns = _columns(loaded, messages, facts)
    if columns is None:
        return [judge_complete(loaded, message, each, worker) for message, each in zip(messages, facts, strict=True)]
    subject = loaded.schema.subject
    answers = in_rows(frame_columns(loaded.program.evaluate_frame(columns, fact=subject, as_of=messages[0].as_of)))
    micros = (time.perf_counter_ns() - started) // 1000 // len(messages)
    return [
        job_verdict(loaded, message, each, answer, worker=worker, micros=micros)
        for message, each, answer in zip(messages, facts, answers, strict=True)
    ]


def _columns(
    loaded: LoadedRuleset, messages: Sequence[JobMessage], facts: Sequence[CompleteFacts]
) -> pl.DataFrame | None:
    """The fields of the subjects as columns; None where that is not all that there is to say of the jobs."""
    schema = loaded.schema
    # A strict schema refuses a row for a name, which a column would lend to every row.
    if len(messages) < _FEW_JOBS or schema.is_shared or schema.strict:
        return None
    if len({message.as_of for message in messages}) > 1:
        return None
    subject = schema.subject
    rows: list[Mapping[str, Any]] = []
    for each in facts:
        row = each.document.get(subject)
        if len(each.document) != 1 or not isinstance(row, Mapping):
            return None
        rows.append(row)
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        kinds = frozenset(map(type, values)) - {type(None)}
        if kinds not in _COLUMN_TYPES:
            return None
        columns[name] = pl.Series(name, values, dtype=_COLUMN_TYPES[kinds])
    return pl.DataFrame(columns) if columns else None
