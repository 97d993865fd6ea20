"""Check that every promise was kept.  expected verdicts, Postgres -> [checker] -> Finding

Independent on purpose: plain SQL, and nothing of the farm's code. What was accepted comes from the producers' records,
what is right from `workers.drill.reference`; no column that says `done` is trusted."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

#: Columns of a verdict that must equal those of the reference evaluation.
COMPARED = ("subject", "outcome", "fired", "reasons", "changes", "ruleset_digest", "facts_digest", "as_of")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a farm without faults would have stored for one accepted subject; ids are text."""

    #: The columns in `COMPARED`.
    verdict: Mapping[str, Any]
    #: Id of the batch that it came with; None for a job.
    batch: str | None = None
    #: Codes of which its dead letter must have one, because it is poison. Empty: it must have a verdict.
    expected_codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that was not kept."""

    #: lost, doubled, open, stray, fenced, different, wrongly-dead, poison-judged, misnamed, withdrawn.
    code: str
    #: Id of the job, of the row of a batch (that of its verdict), or of the batch.
    id: str
    #: What is wrong, in words.
    text: str


@dataclass(slots=True)
class _Stored:
    """What Postgres holds."""

    verdicts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dead: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    #: Batch to its chunks.
    chunks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def check(
    database_url: str,
    expected: Mapping[str, Expected],
    *,
    withdrawn: frozenset[str] = frozenset(),
    other_region: str | None = None,
) -> list[Finding]:
    """Every promise that was not kept.

    Args:
        database_url: where the farm's Postgres is.
        expected: accepted job, or row of an accepted batch, by id.
        withdrawn: ids of jobs whose producer's transaction was rolled back.
        other_region: where the Postgres of a second region is, in which jobs may have been judged instead, or, alike,
            as well. Default: there is none.

    Returns:
        One finding each; none if all were kept.
    """
    regions = [_stored(url) for url in (database_url, other_region) if url is not None]
    findings = list(_each_has_one(expected, _union(regions)))
    for stored in regions:
        findings += [*_none_is_open(stored), *_none_is_stray(expected, stored, withdrawn), *_none_was_fenced(stored)]
    return findings


def _stored(database_url: str) -> _Stored:
    with closing(psycopg2.connect(database_url)) as connection:
        # One snapshot of all tables: a worker that still writes must not look like a broken promise.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        return _read(connection)


def _union(regions: Sequence[_Stored]) -> _Stored:
    """The verdicts and dead letters of all regions: what two regions judged alike counts as one."""
    union = _Stored()
    for stored in regions:
        for identity, verdicts in stored.verdicts.items():
            known = union.verdicts.setdefault(identity, [])
            elsewhere = [{column: verdict[column] for column in COMPARED} for verdict in known]
            known += [each for each in verdicts if {column: each[column] for column in COMPARED} not in elsewhere]
        union.dead |= stored.dead
    return union


def open_work(database_url: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Jobs and chunks that are open: kind, id, and columns of the row."""
    state = "attempts, times_sent, resend_at, lease_until, worker, code, now() as now"
    with closing(psycopg2.connect(database_url)) as connection:
        jobs = list(_rows(connection, f"select id, {state} from jobs where state = 'open' order by enqueued_at"))
        chunks = list(_rows(connection, f"select batch, n, {state} from chunks where state = 'open' order by batch, n"))
    named = [("job", str(row.pop("id")), row) for row in jobs]
    return named + [("chunk", f"{row.pop('batch')} {row.pop('n')}", row) for row in chunks]


def _each_has_one(expected: Mapping[str, Expected], stored: _Stored) -> Iterator[Finding]:
    """Exactly one verdict, the right one; or exactly one dead letter, if it is poison."""
    for identity, subject in expected.items():
        verdicts, letter = stored.verdicts.get(identity, []), stored.dead.get(identity)
        name = subject.verdict["subject"]
        if len(verdicts) + (letter is not None) == 0:
            yield Finding("lost", identity, f"{name} was accepted, and has neither verdict nor dead letter")
        elif len(verdicts) + (letter is not None) > 1:
            letters = " and a dead letter" if letter else ""
            yield Finding("doubled", identity, f"{name} has {len(verdicts)} verdicts{letters}")
        elif letter is not None and not subject.expected_codes:
            yield Finding("wrongly-dead", identity, f"{name} is no poison: {letter['code']}: {letter['reason']}")
        elif letter is not None and (letter["code"] not in subject.expected_codes or not letter["reason"].strip()):
            why = f"{letter['code']}: {letter['reason'] or 'no reason'}"
            yield Finding(
                "misnamed", identity, f"{name} should have died of {' or '.join(sorted(subject.expected_codes))}: {why}"
            )
        elif verdicts and subject.expected_codes:
            yield Finding("poison-judged", identity, f"{name} is poison, and has a verdict")
        for verdict in verdicts:
            for column in COMPARED:
                if verdict[column] != subject.verdict[column] and not subject.expected_codes:
                    actual, right = repr(verdict[column])[:200], repr(subject.verdict[column])[:200]
                    yield Finding("different", identity, f"{name}: {column} is {actual}, without faults {right}")


def _none_is_open(stored: _Stored) -> Iterator[Finding]:
    for identity, job in stored.jobs.items():
        if job["state"] == "open":
            yield Finding("open", identity, f"{job['subject']} is open after {job['attempts']} attempts")
    for batch, state in stored.batches.items():
        chunks = Counter(chunk["state"] for chunk in stored.chunks.get(batch, []))
        if state != "done" or chunks["open"]:
            yield Finding("open", batch, f"the batch is {state}, {chunks['open']} of its chunks are open")


def _none_is_stray(expected: Mapping[str, Expected], stored: _Stored, withdrawn: frozenset[str]) -> Iterator[Finding]:
    """No verdict and no dead letter of nothing; nothing on record of what was withdrawn."""
    for identity, verdicts in stored.verdicts.items():
        for verdict in verdicts:
            batch = verdict["batch"]
            if batch is None and identity not in stored.jobs:
                yield Finding("stray", identity, f"{verdict['subject']} has a verdict and no job")
            elif batch is not None and identity not in expected:
                yield Finding("stray", identity, f"{verdict['subject']} has a verdict, and no row of a batch is it")
    for identity, letter in stored.dead.items():
        if letter["kind"] == "job" and identity not in stored.jobs:
            yield Finding("stray", identity, f"{letter['subject']} has a dead letter and no job")
        elif letter["kind"] == "row" and identity not in expected:
            yield Finding("stray", identity, f"{letter['subject']} has a dead letter, and no row of a batch is it")
    for identity in sorted(withdrawn & (stored.jobs.keys() | stored.verdicts.keys())):
        yield Finding("withdrawn", identity, "its producer's transaction was rolled back, and it is on record")


def _none_was_fenced(stored: _Stored) -> Iterator[Finding]:
    """The verdict is that of the last attempt: of the worker that made it."""
    for identity, job in stored.jobs.items():
        # The first delivery claims nothing, so only a claim can fence somebody.
        if job["attempts"] < 2 or job["state"] != "done":
            continue
        for verdict in stored.verdicts.get(identity, []):
            if verdict["worker"] != job["worker"]:
                text = (
                    f"{job['subject']} was judged by {verdict['worker']}, the last attempt is that of {job['worker']}"
                )
                yield Finding("fenced", identity, text)
    workers = {batch: {chunk["worker"] for chunk in chunks} for batch, chunks in stored.chunks.items()}
    for identity, verdicts in stored.verdicts.items():
        for verdict in verdicts:
            batch = verdict["batch"]
            if batch in workers and verdict["worker"] not in workers[batch]:
                text = f"{verdict['subject']} was judged by {verdict['worker']}, who holds no chunk of its batch"
                yield Finding("fenced", identity, text)


def _read(connection: Any) -> _Stored:
    stored = _Stored()
    columns = ", ".join(COMPARED)
    for row in _rows(connection, f"select id, batch, worker, evaluated_at, {columns} from verdicts"):
        stored.verdicts.setdefault(row["id"], []).append(row)
    for row in _rows(connection, "select id, kind, subject, code, reason from dead_letters where kind <> 'message'"):
        stored.dead[row["id"]] = row
    for row in _rows(connection, "select id, subject, state, attempts, worker from jobs"):
        stored.jobs[row["id"]] = row
    for row in _rows(connection, "select id, state from batches"):
        stored.batches[row["id"]] = row["state"]
    for row in _rows(connection, "select batch, n, state, worker from chunks"):
        stored.chunks.setdefault(row["batch"], []).append(row)
    return stored


def _rows(connection: Any, statement: str) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))
