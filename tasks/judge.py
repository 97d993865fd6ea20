"""Judge a job, or every row of a chunk.  job message, chunk row -> [judge] -> engine -> verdicts to store

Knows neither database nor broker; what a domain shares is added by `tasks.shared_facts.provider`, before the clock that
times the evaluation starts. Errors of single subjects become `error` verdicts; their neighbours are judged."""

import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from engine import Evaluation, Schema, error_evaluation
from rulefarm import wire
from rulefarm.errors import SettingsError
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from store.verdict_columns import VerdictColumns
from tasks.answer_columns import AnswerColumns, columns_of, frame_columns, merged
from tasks.chunk_rows import ChunkRows, read_chunk
from tasks.durable_rules import host_of
from tasks.facts_digests import document_digest, facts_digests
from tasks.shared_facts import CompleteFacts, CompletesFacts, Subject

#: The digit of a uuid that has the variant in its upper two bits, by what a hash has there.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def judge_job(loaded: LoadedRuleset, message: JobMessage, worker: str, shared: CompletesFacts | None = None) -> Verdict:
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
    [facts] = complete_jobs(loaded, [message], shared)
    return judge_complete(loaded, message, facts, worker)


def complete_jobs(
    loaded: LoadedRuleset, messages: Sequence[JobMessage], shared: CompletesFacts | None = None
) -> list[CompleteFacts]:
    """The facts of jobs with the shared ones, which are read for all of them at once.

    Args:
        loaded: the ruleset of their domain.
        messages: the jobs.
        shared: as for `judge_job`.

    Raises:
        FactsUnreachable, SettingsError: as `judge_job`.
    """
    subjects = [Subject(str(message.job_id), message.document, message.as_of) for message in messages]
    return _complete(loaded, subjects, shared)


def judge_complete(loaded: LoadedRuleset, message: JobMessage, facts: CompleteFacts, worker: str) -> Verdict:
    """Judge one job whose facts are complete.

    Args:
        loaded: the ruleset of its domain.
        message: the job.
        facts: its facts, from `complete_jobs`.
        worker: who judges.
    """
    started = time.perf_counter_ns()
    answer = evaluate_complete(loaded, facts, message.as_of).to_json()
    micros = (time.perf_counter_ns() - started) // 1000
    return job_verdict(loaded, message, facts, answer, worker=worker, micros=micros)


def job_verdict(
    loaded: LoadedRuleset,
    message: JobMessage,
    facts: CompleteFacts,
    answer: Mapping[str, Any],
    *,
    worker: str,
    micros: int,
) -> Verdict:
    """The verdict of one job.

    Args:
        loaded: the ruleset that judged it.
        message: the job.
        facts: its facts, from `complete_jobs`.
        answer: the evaluation, as plain data.
        worker: who judged.
        micros: microseconds that it took.
    """
    return Verdict(
        id=message.job_id,
        enqueued_at=message.enqueued_at,
        domain=message.domain,
        subject=message.subject,
        batch=None,
        **answer,
        ruleset_digest=loaded.digest,
        facts_digest=digest_of_job(message, facts),
        as_of=message.as_of,
        worker=worker,
        evaluated_at=datetime.now(UTC),
        micros=micros,
        shared_facts=facts.shared or None,
        warnings=loaded.program.unknown_names(message.document),
    )


def digest_of_job(message: JobMessage, facts: CompleteFacts) -> str:
    """The digest of what a job was judged on.

    Args:
        message: the job.
        facts: its facts, from `complete_jobs`.
    """
    return document_digest(facts.document) if facts.shared else wire.digest(message.facts)


def judge_chunk(
    loaded: LoadedRuleset, chunk: Mapping[str, Any], worker: str, shared: CompletesFacts | None = None
) -> VerdictColumns:
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
    rows = read_chunk(chunk, loaded.schema)
    shares: list[dict[str, Any] | None] = [None] * len(rows.subjects)
    started = time.perf_counter_ns()
    if rows.columns is None or loaded.schema.is_shared:
        # A shared fact has a value of its own for every row: there is no column to judge it by.
        facts = _complete_rows(loaded, chunk, rows, shared)
        started = time.perf_counter_ns()
        answers = columns_of(evaluate_complete(loaded, each, chunk["as_of"]) for each in facts)
        ended = time.perf_counter_ns()
        digests = [document_digest(each.document) for each in facts]
        shares = [each.shared or None for each in facts]
    else:
        answers = judge_columns(loaded, rows, rows.columns, chunk["as_of"])
        ended = time.perf_counter_ns()
        digests = facts_digests(rows, loaded.schema.subject)
    common = {
        **{name: chunk[name] for name in ("enqueued_at", "domain", "batch", "as_of")},
        "ruleset_digest": loaded.digest,
        "worker": worker,
        "evaluated_at": datetime.now(UTC),
        "micros": (ended - started) // 1000 // max(1, len(rows.subjects)),
    }
    columns: dict[str, Sequence[Any]] = {
        "id": row_ids(chunk["batch"], rows.subjects),
        "subject": rows.subjects,
        "facts_digest": digests,
        "shared_facts": shares,
        "warnings": _warnings(loaded, rows),
        **answers,
    }
    return VerdictColumns(len(rows.subjects), columns, common)


def row_ids(batch: uuid.UUID, subjects: Iterable[str]) -> list[str]:
    """The ids of rows of a batch: `uuid.uuid5(batch, subject)` as text, in a fifth of the time: a chunk has thousands.

    Args:
        batch: its id.
        subjects: keys of rows.
    """
    begun = hashlib.sha1(batch.bytes, usedforsecurity=False)
    ids = []
    for subject in subjects:
        hashed = begun.copy()
        hashed.update(subject.encode())
        text = hashed.hexdigest()
        # What RFC 9562 sets: version 5, and the variant in two bits.
        ids.append(f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}")
    return ids


def _warnings(loaded: LoadedRuleset, rows: ChunkRows) -> list[list[str]]:
    """The warnings of each row: of a table of fields they are known by its columns."""
    if rows.columns is None or rows.is_whole:
        return list(map(loaded.program.unknown_names, rows.documents))
    return [loaded.program.unknown_columns(rows.columns.columns, loaded.schema.subject)] * len(rows.subjects)


def facts_of(chunk: Mapping[str, Any], subject: str, schema: Schema) -> dict[str, Any] | None:
    """The facts of one subject of a chunk, as `judge_chunk` reads them; without the shared ones.

    Args:
        chunk: form and facts of the chunk's row.
        subject: which.
        schema: of its domain.

    Returns:
        Its facts; None when the chunk has no such subject.
    """
    found = read_chunk(chunk, schema, only=subject).documents
    return found[0] if found else None


def _complete_rows(
    loaded: LoadedRuleset, chunk: Mapping[str, Any], rows: ChunkRows, shared: CompletesFacts | None
) -> list[CompleteFacts]:
    """The facts of all rows with the shared ones; a row that can't be judged asks for none, and is no event."""
    fit = [row for row in range(len(rows.subjects)) if row not in rows.refused]
    ids = row_ids(chunk["batch"], rows.subjects)
    subjects = [Subject(ids[row], rows.documents[row], chunk["as_of"]) for row in fit]
    seen = dict(zip(fit, _complete(loaded, subjects, shared), strict=True))
    return [
        seen[row] if row in seen else CompleteFacts(document, {}, rows.refused[row])
        for row, document in enumerate(rows.documents)
    ]


def _complete(loaded: LoadedRuleset, subjects: Sequence[Subject], shared: CompletesFacts | None) -> list[CompleteFacts]:
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


def judge_columns(loaded: LoadedRuleset, rows: ChunkRows, columns: pl.DataFrame, as_of: datetime) -> AnswerColumns:
    """The answers for all rows: most by their columns, the others each by itself.

    Args:
        loaded: the ruleset of their domain, which shares no facts.
        rows: of a chunk.
        columns: theirs.
        as_of: the instant to judge at.
    """
    fact = None if rows.is_whole else loaded.schema.subject
    if not rows.apart:
        return frame_columns(loaded.program.evaluate_frame(columns, fact=fact, as_of=as_of))
    apart = sorted(rows.apart)
    in_columns = columns[[row for row in range(len(columns)) if row not in rows.apart]]
    return merged(
        frame_columns(loaded.program.evaluate_frame(in_columns, fact=fact, as_of=as_of)),
        columns_of(
            error_evaluation(*rows.refused[row], rows.documents[row])
            if row in rows.refused
            else loaded.program.evaluate(rows.documents[row], as_of=as_of)
            for row in apart
        ),
        {row: place for place, row in enumerate(apart)},
    )
