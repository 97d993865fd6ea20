"""Judge a job, or every row of a chunk.  job message, chunk row -> [judge] -> engine -> verdicts to store

Knows neither database nor broker; what a domain shares is added by `tasks.shared_facts.provider`, before the clock that
times the evaluation starts. Errors of single subjects become `error` verdicts; their neighbours are judged."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from engine import Evaluation, Schema, error_evaluation, json_value
from rulefarm import wire
from rulefarm.batch import JSON_COLUMN, SUBJECT_COLUMN, decode
from rulefarm.errors import JobRejected, SettingsError
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from tasks.csv_typing import typed_columns
from tasks.durable_rules import host_of
from tasks.shared_facts import CompleteFacts, SharedFacts, Subject


def judge_job(loaded: LoadedRuleset, message: JobMessage, worker: str, shared: SharedFacts | None = None) -> Verdict:
    """Judge one job.

    Args:
        loaded: the ruleset of its domain.
        message: the job.
        worker: who judges.
        shared: where the shared facts are; only a domain that shares none does without.

    Returns:
        Its verdict.

    Raises:
        FactsUnreachable: the shared facts can't be read.
        SettingsError: the domain shares facts, and nothing says where they are.
    """
    [facts] = _complete(loaded, [Subject(str(message.job_id), message.document, message.as_of)], shared)
    started = time.perf_counter_ns()
    evaluation = evaluate_complete(loaded, facts, message.as_of)
    micros = (time.perf_counter_ns() - started) // 1000
    return Verdict(
        id=message.job_id,
        enqueued_at=message.enqueued_at,
        domain=message.domain,
        subject=message.subject,
        batch=None,
        **evaluation.to_json(),
        ruleset_digest=loaded.digest,
        facts_digest=_digest(facts.document) if facts.shared else wire.digest(message.facts),
        as_of=message.as_of,
        worker=worker,
        evaluated_at=datetime.now(UTC),
        micros=micros,
        shared_facts=facts.shared or None,
    )


def judge_chunk(
    loaded: LoadedRuleset, chunk: Mapping[str, Any], worker: str, shared: SharedFacts | None = None
) -> list[Verdict]:
    """Judge every subject of a chunk.

    Args:
        loaded: the ruleset of its domain.
        chunk: the chunk's row with its batch's domain, as_of and enqueued_at.
        worker: who judges.
        shared: as for `judge_job`.

    Returns:
        One verdict a subject, in the order of the chunk.

    Raises:
        FactsUnreachable, SettingsError: as `judge_job`.
    """
    frame = decode(chunk["facts"])
    subjects = frame[SUBJECT_COLUMN].to_list()
    frame = frame.drop(SUBJECT_COLUMN)
    started = time.perf_counter_ns()
    if chunk["form"] == "json" or loaded.schema.is_shared:
        # A shared fact has a value of its own for every row: there is no column to judge it by.
        documents = _documents(frame, chunk["form"], loaded.schema)
        ids = (str(uuid.uuid5(chunk["batch"], subject)) for subject in subjects)
        facts = _complete(loaded, [Subject(*pair, chunk["as_of"]) for pair in zip(ids, documents, strict=True)], shared)
        started = time.perf_counter_ns()
        answers = [evaluate_complete(loaded, each, chunk["as_of"]).to_json() for each in facts]
    else:
        documents, answers = _judge_columns(loaded, frame, chunk["form"] == "text", chunk["as_of"])
        facts = [CompleteFacts(document, {}) for document in documents]
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
            facts_digest=_digest(each.document),
            as_of=chunk["as_of"],
            worker=worker,
            evaluated_at=now,
            micros=micros,
            shared_facts=each.shared or None,
        )
        for subject, each, answer in zip(subjects, facts, answers, strict=True)
    ]


def facts_of(chunk: Mapping[str, Any], subject: str, schema: Schema) -> dict[str, Any] | None:
    """The facts of one subject of a chunk, as `judge_chunk` reads them; without the shared ones.

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
    return _documents(frame, chunk["form"], schema)[0]


def _complete(loaded: LoadedRuleset, subjects: Sequence[Subject], shared: SharedFacts | None) -> list[CompleteFacts]:
    if not loaded.schema.is_shared:
        return [CompleteFacts(subject.document, {}) for subject in subjects]
    if shared is None:
        raise SettingsError(
            "no-facts", f"domain {loaded.domain!r} shares facts, and nothing says where", "set RULEFARM_FACTS_URL"
        )
    return shared.complete(loaded, subjects)


def evaluate_complete(loaded: LoadedRuleset, facts: CompleteFacts, as_of: datetime) -> Evaluation:
    """Judge facts that are complete.

    Args:
        loaded: the ruleset of their domain.
        facts: with the shared ones among them.
        as_of: the instant to judge at.
    """
    if facts.refusal is not None:
        return error_evaluation(*facts.refusal, facts.document)
    return loaded.program.evaluate(facts.document, as_of=as_of, candidates=host_of(loaded.program))


def _documents(frame: pl.DataFrame, form: str, schema: Schema) -> list[dict[str, Any]]:
    """The facts of every row as they were sent, one document a row."""
    if form == "json":
        return [_whole(json.loads(text), schema) for text in frame[JSON_COLUMN]]
    typed, untyped = _typed(frame, form == "text", schema)
    # Text where the domain declares a number or a boolean: judged as it stands, so that the verdict names it.
    whole = _holds_whole_facts(frame, schema)
    return [
        {schema.subject: frame.row(i, named=True)} if untyped[i] else row if whole else {schema.subject: row}
        for i, row in enumerate(typed.iter_rows(named=True))
    ]


def _holds_whole_facts(frame: pl.DataFrame, schema: Schema) -> bool:
    return bool(frame.columns) and all(column in schema.facts for column in frame.columns)


def _judge_columns(
    loaded: LoadedRuleset, frame: pl.DataFrame, is_text: bool, as_of: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    schema = loaded.schema
    typed, untyped = _typed(frame, is_text, schema)
    whole = _holds_whole_facts(frame, schema)
    result = loaded.program.evaluate_frame(typed, fact=None if whole else schema.subject, as_of=as_of)
    documents = [row if whole else {schema.subject: row} for row in typed.iter_rows(named=True)]
    answers: list[dict[str, Any]] = []
    for i, outcome in enumerate(result.outcome):
        if untyped[i]:
            # Text where the domain declares a number or a boolean: judged as it stands, so that the verdict names it.
            documents[i] = {schema.subject: frame.row(i, named=True)}
            answers.append(loaded.program.evaluate(documents[i], as_of=as_of).to_json())
        else:
            answers.append(
                {
                    "outcome": outcome,
                    "fired": result.fired(i),
                    "reasons": [reason.to_json() for reason in result.reasons(i)],
                    "changes": {name: json_value(value) for name, value in result.changes(i).items()},
                    "logs": result.logs(i),
                    "events": [event.to_json() for event in result.events(i)],
                }
            )
    return documents, answers


def _typed(frame: pl.DataFrame, is_text: bool, schema: Schema) -> tuple[pl.DataFrame, pl.Series]:
    if is_text:
        return typed_columns(frame, schema.facts[schema.subject].fields)
    return frame, pl.repeat(False, len(frame), eager=True)


def _whole(document: dict[str, Any], schema: Schema) -> dict[str, Any]:
    return document if all(name in schema.facts for name in document) else {schema.subject: document}


def _digest(facts: Mapping[str, Any]) -> str:
    try:
        return wire.digest(wire.canonical(facts))
    except JobRejected:
        # A column can hold what JSON can't, such as NaN. The engine decides what that is worth; a digest it must have.
        return wire.digest(json.dumps(facts, default=repr, sort_keys=True))
