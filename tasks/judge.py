"""From facts to verdicts.  job message or chunk row -> [judge] -> engine -> verdicts to store

Pure but for the clock that times it: no database, no broker. Errors of single subjects become `error` verdicts; their
neighbours are judged."""

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from engine import Evaluation, Schema
from rulefarm import wire
from rulefarm.chunk_facts import JSON_COLUMN, SUBJECT_COLUMN, decode
from rulefarm.errors import JobRejected
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from tasks.message import JobMessage

#: What text columns say for a boolean.
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
#: A number in text: as in JSON, of at most 15 digits, leading zeros aside.
_NUMBER = r"^[+-]?0*(?:\d\.?){0,15}(?:[eE][+-]?\d{1,3})?$"


def judge_job(loaded: LoadedRuleset, message: JobMessage, worker: str) -> Verdict:
    """Judge one job.

    Args:
        loaded: the ruleset of its domain.
        message: the job.
        worker: who judges.

    Returns:
        Its verdict.
    """
    started = time.perf_counter_ns()
    evaluation = loaded.program.evaluate(message.document, as_of=message.as_of)
    micros = (time.perf_counter_ns() - started) // 1000
    return Verdict(
        id=message.job_id,
        enqueued_at=message.enqueued_at,
        domain=message.domain,
        subject=message.subject,
        batch=None,
        **_answer(evaluation),
        ruleset_digest=loaded.digest,
        facts_digest=wire.digest(message.facts),
        as_of=message.as_of,
        worker=worker,
        evaluated_at=datetime.now(UTC),
        micros=micros,
    )


def judge_chunk(loaded: LoadedRuleset, chunk: Mapping[str, Any], worker: str) -> list[Verdict]:
    """Judge every subject of a chunk.

    Args:
        loaded: the ruleset of its domain.
        chunk: the chunk's row with its batch's domain, as_of and enqueued_at.
        worker: who judges.

    Returns:
        One verdict a subject, in the order of the chunk.
    """
    frame = decode(chunk["facts"])
    subjects = frame[SUBJECT_COLUMN].to_list()
    frame = frame.drop(SUBJECT_COLUMN)
    started = time.perf_counter_ns()
    if chunk["form"] == "json":
        documents = [_whole(json.loads(text), loaded.schema) for text in frame[JSON_COLUMN]]
        answers = [_answer(loaded.program.evaluate(facts, as_of=chunk["as_of"])) for facts in documents]
    else:
        documents, answers = _judge_columns(loaded, frame, chunk["form"] == "text", chunk["as_of"])
    micros = (time.perf_counter_ns() - started) // 1000 // max(1, len(subjects))
    now = datetime.now(UTC)
    return [
        Verdict(
            id=uuid.uuid5(chunk["batch"], subject),
            enqueued_at=chunk["enqueued_at"],
            domain=chunk["domain"],
            subject=subject,
            batch=chunk["batch"],
            **answer,
            ruleset_digest=loaded.digest,
            facts_digest=_digest(facts),
            as_of=chunk["as_of"],
            worker=worker,
            evaluated_at=now,
            micros=micros,
        )
        for subject, facts, answer in zip(subjects, documents, answers, strict=True)
    ]


def facts_of(chunk: Mapping[str, Any], subject: str, schema: Schema) -> dict[str, Any] | None:
    """The facts of one subject of a chunk, as `judge_chunk` judges them.

    Args:
        chunk: form and facts of the chunk's row.
        subject: which.
        schema: of its domain.

    Returns:
        Its facts; None when the chunk has no such subject.
    """
    frame = decode(chunk["facts"]).filter(pl.col(SUBJECT_COLUMN) == subject).drop(SUBJECT_COLUMN)
    if frame.is_empty():
        return None
    if chunk["form"] == "json":
        return _whole(json.loads(frame[JSON_COLUMN][0]), schema)
    typed, odd = _typed(frame, schema) if chunk["form"] == "text" else (frame, [False])
    if odd[0]:
        return {schema.subject: frame.row(0, named=True)}
    row = typed.row(0, named=True)
    return row if _holds_whole_facts(typed, schema) else {schema.subject: row}


def _holds_whole_facts(frame: pl.DataFrame, schema: Schema) -> bool:
    return bool(frame.columns) and all(column in schema.facts for column in frame.columns)


def _judge_columns(
    loaded: LoadedRuleset, frame: pl.DataFrame, is_text: bool, as_of: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    schema = loaded.schema
    typed, odd = _typed(frame, schema) if is_text else (frame, pl.repeat(False, len(frame), eager=True))
    whole = _holds_whole_facts(frame, schema)
    result = loaded.program.evaluate_frame(typed, fact=None if whole else schema.subject, as_of=as_of)
    documents = [row if whole else {schema.subject: row} for row in typed.iter_rows(named=True)]
    answers: list[dict[str, Any]] = []
    for i, outcome in enumerate(result.outcome):
        if odd[i]:
            # Text where the domain declares a number or a boolean: judged as it stands, so that the verdict names it.
            documents[i] = {schema.subject: frame.row(i, named=True)}
            answers.append(_answer(loaded.program.evaluate(documents[i], as_of=as_of)))
        else:
            reasons = [reason.to_json() for reason in result.reasons(i)]
            answers.append(
                {"outcome": outcome, "fired": result.fired(i), "reasons": reasons, "changes": result.changes(i)}
            )
    return documents, answers


def _typed(frame: pl.DataFrame, schema: Schema) -> tuple[pl.DataFrame, pl.Series]:
    """Text columns read by the kinds that the domain declares, and which rows hold text that can't be."""
    odd = pl.repeat(False, len(frame), eager=True)
    columns = []
    for name, field in schema.facts[schema.subject].fields.items():
        if name not in frame.columns or field.kind not in ("number", "boolean"):
            continue
        raw = frame[name].str.strip_chars()
        if field.kind == "number":
            read = raw.cast(pl.Float64, strict=False).set(~raw.str.contains(_NUMBER).fill_null(True), None)
        else:
            read = raw.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
        odd = odd | (read.is_null() & raw.is_not_null())
        columns.append(read.alias(name))
    return frame.with_columns(columns), odd


def _whole(document: dict[str, Any], schema: Schema) -> dict[str, Any]:
    return document if all(name in schema.facts for name in document) else {schema.subject: document}


def _answer(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "outcome": evaluation.outcome,
        "fired": evaluation.fired,
        "reasons": [reason.to_json() for reason in evaluation.reasons],
        "changes": evaluation.changes,
    }


def _digest(facts: dict[str, Any]) -> str:
    try:
        return wire.digest(wire.canonical(facts))
    except JobRejected:
        # A column can hold what JSON can't, such as NaN. What that is worth is the engine's say; a digest it must have.
        return wire.digest(json.dumps(facts, default=repr, sort_keys=True))
