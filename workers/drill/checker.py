"""Was every promise kept?  accepted ids, expected verdicts, Postgres -> [checker] -> findings

Independent on purpose: plain SQL, its own words for what must hold, nothing of the farm's own code but this package's
plain values. It is told what was accepted by those who submitted it, and what is right by an evaluation that nobody
disturbed; it believes no column that says `done`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2

#: What of a verdict must equal that of the undisturbed evaluation.
COMPARED = ("subject", "outcome", "fired", "reasons", "changes", "ruleset_digest", "facts_digest", "as_of")


@dataclass(frozen=True, slots=True)
class Expected:
    """What an undisturbed farm would have on record for one accepted subject; ids are text."""

    #: The columns in `COMPARED`.
    verdict: Mapping[str, Any]
    #: Of the batch that it came with; None for a job.
    batch: str | None = None
    #: Codes of which its dead letter must have one, because it is poison. Empty: it must have a verdict.
    deadly: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that was not kept."""

    #: lost, doubled, open, stray, fenced, different, wrongly-dead, poison-judged, misnamed, withdrawn.
    code: str
    #: Of the job, of the row of a batch (as its verdict's would be), or of the batch.
    id: str
    #: What is wrong, in words.
    text: str


@dataclass(slots=True)
class _Found:
    """What Postgres holds."""

    verdicts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dead: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    #: Batch to its chunks.
    chunks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def check(
    database_url: str, expected: Mapping[str, Expected], *, withdrawn: frozenset[str] = frozenset()
) -> list[Finding]:
    """Every promise that was not kept.

    Args:
        database_url: where the farm's Postgres is.
        expected: accepted job, or row of an accepted batch, by id.
        withdrawn: ids of jobs whose producer's transaction was undone.
    """
    with closing(psycopg2.connect(database_url)) as connection:
        # One view of all tables: whoever still writes must not look like two promises broken.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        found = _read(connection)
    return [
        *_each_has_one(expected, found),
        *_none_is_open(found),
        *_none_is_stray(expected, found, withdrawn),
        *_none_was_fenced(found),
    ]


def open_work(database_url: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What is still open: kind, id, and the state of its row."""
    state = "attempts, times_sent, resend_at, lease_until, worker, code, now() as now"
    with closing(psycopg2.connect(database_url)) as connection:
        jobs = list(_rows(connection, f"select id, {state} from jobs where state = 'open' order by enqueued_at"))
        chunks = list(_rows(connection, f"select batch, n, {state} from chunks where state = 'open' order by batch, n"))
    named = [("job", str(row.pop("id")), row) for row in jobs]
    return named + [("chunk", f"{row.pop('batch')} {row.pop('n')}", row) for row in chunks]


def _each_has_one(expected: Mapping[str, Expected], found: _Found) -> Iterator[Finding]:
    """Exactly one verdict, the right one; or exactly one dead letter, if it is poison."""
    for identity, wanted in expected.items():
        verdicts, letter = found.verdicts.get(identity, []), found.dead.get(identity)
        name = wanted.verdict["subject"]
        if len(verdicts) + (letter is not None) == 0:
            yield Finding("lost", identity, f"{name} was accepted, and has neither verdict nor dead letter")
        elif len(verdicts) + (letter is not None) > 1:
            letters = " and a dead letter" if letter else ""
            yield Finding("doubled", identity, f"{name} has {len(verdicts)} verdicts{letters}")
        elif letter is not None and not wanted.deadly:
            yield Finding("wrongly-dead", identity, f"{name} is no poison: {letter['code']}: {letter['reason']}")
        elif letter is not None and (letter["code"] not in wanted.deadly or not letter["reason"].strip()):
            why = f"{letter['code']}: {letter['reason'] or 'no reason'}"
            yield Finding(
                "misnamed", identity, f"{name} should have died of {' or '.join(sorted(wanted.deadly))}: {why}"
            )
        elif verdicts and wanted.deadly:
            yield Finding("poison-judged", identity, f"{name} is poison, and has a verdict")
        for verdict in verdicts:
            for column in COMPARED:
                if verdict[column] != wanted.verdict[column] and not wanted.deadly:
                    there, right = repr(verdict[column])[:200], repr(wanted.verdict[column])[:200]
                    yield Finding("different", identity, f"{name}: {column} is {there}, undisturbed {right}")


def _none_is_open(found: _Found) -> Iterator[Finding]:
    for identity, job in found.jobs.items():
        if job["state"] == "open":
            yield Finding("open", identity, f"{job['subject']} is open after {job['attempts']} attempts")
    for batch, state in found.batches.items():
        chunks = Counter(chunk["state"] for chunk in found.chunks.get(batch, []))
        if state != "done" or chunks["open"]:
            yield Finding("open", batch, f"the batch is {state}, {chunks['open']} of its chunks are open")


def _none_is_stray(expected: Mapping[str, Expected], found: _Found, withdrawn: frozenset[str]) -> Iterator[Finding]:
    """No verdict and no dead letter of nothing; nothing on record of what was withdrawn."""
    for identity, verdicts in found.verdicts.items():
        for verdict in verdicts:
            batch = verdict["batch"]
            if batch is None and identity not in found.jobs:
                yield Finding("stray", identity, f"{verdict['subject']} has a verdict and no job")
            elif batch is not None and identity not in expected:
                yield Finding("stray", identity, f"{verdict['subject']} has a verdict, and no row of a batch is it")
    for identity, letter in found.dead.items():
        if letter["kind"] == "job" and identity not in found.jobs:
            yield Finding("stray", identity, f"{letter['subject']} has a dead letter and no job")
        elif letter["kind"] == "row" and identity not in expected:
            yield Finding("stray", identity, f"{letter['subject']} has a dead letter, and no row of a batch is it")
    for identity in sorted(withdrawn & (found.jobs.keys() | found.verdicts.keys())):
        yield Finding("withdrawn", identity, "its producer's transaction was undone, and it is on record")


def _none_was_fenced(found: _Found) -> Iterator[Finding]:
    """The verdict is that of the last attempt: of the worker that made it."""
    for identity, job in found.jobs.items():
        # The first delivery claims nothing, so only a claim can fence somebody.
        if job["attempts"] < 2 or job["state"] != "done":
            continue
        for verdict in found.verdicts.get(identity, []):
            if verdict["worker"] != job["worker"]:
                text = (
                    f"{job['subject']} was judged by {verdict['worker']}, the last attempt is that of {job['worker']}"
                )
                yield Finding("fenced", identity, text)
    workers = {batch: {chunk["worker"] for chunk in chunks} for batch, chunks in found.chunks.items()}
    for identity, verdicts in found.verdicts.items():
        for verdict in verdicts:
            batch = verdict["batch"]
            if batch in workers and verdict["worker"] not in workers[batch]:
                text = f"{verdict['subject']} was judged by {verdict['worker']}, who holds no chunk of its batch"
                yield Finding("fenced", identity, text)


def _read(connection: Any) -> _Found:
    found = _Found()
    columns = ", ".join(COMPARED)
    for row in _rows(connection, f"select id, batch, worker, evaluated_at, {columns} from verdicts"):
        found.verdicts.setdefault(row["id"], []).append(row)
    for row in _rows(connection, "select id, kind, subject, code, reason from dead_letters where kind <> 'message'"):
        found.dead[row["id"]] = row
    for row in _rows(connection, "select id, subject, state, attempts, worker from jobs"):
        found.jobs[row["id"]] = row
    for row in _rows(connection, "select id, state from batches"):
        found.batches[row["id"]] = row["state"]
    for row in _rows(connection, "select batch, n, state, worker from chunks"):
        found.chunks.setdefault(row["batch"], []).append(row)
    return found


def _rows(connection: Any, statement: str) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))
