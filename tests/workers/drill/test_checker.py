"""The checker on hand-made databases: silent about a healthy one, and one finding for each way to break a promise."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from tests.conftest import TEMPLATE
from tests.shape.product import MODULES, imported
from workers.drill import checker
from workers.drill.checker import Expected, check, open_work
from workers.embedded.services import Services

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENQUEUED = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOB, OTHER, POISON, BATCH = (str(uuid.UUID(int=n)) for n in (1, 2, 3, 9))
ROW = str(uuid.UUID(int=4))
RIGHT = {
    "outcome": "review",
    "fired": ["Big"],
    "reasons": [{"rule": "Big", "outcome": "review", "text": "over 1000", "code": None}],
    "changes": {"Order.flag": "big"},
    "ruleset_digest": "r",
    "facts_digest": "f",
    "as_of": AS_OF,
}
EXPECTED = {
    JOB: Expected({**RIGHT, "subject": "a"}),
    OTHER: Expected({**RIGHT, "subject": "b"}),
    POISON: Expected({**RIGHT, "subject": "p"}, expected_codes=frozenset({"worker-lost"})),
    ROW: Expected({**RIGHT, "subject": "r"}, batch=BATCH),
}

Write = Callable[..., None]


@pytest.fixture(scope="module")
def url(services: Services) -> Iterator[str]:
    """One migrated database for all these tests; each empties it."""
    with closing(psycopg2.connect(services.database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"create database test_checker template {TEMPLATE}")
        yield make_url(services.database_url).set(database="test_checker").render_as_string(hide_password=False)
        with connection.cursor() as cursor:
            cursor.execute("drop database test_checker with (force)")


@pytest.fixture
def write(url: str) -> Iterator[Write]:
    """One statement on the database."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True

        def run(statement: str, *values: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)

        run("truncate jobs, batches, chunks, verdicts, dead_letters")
        yield run


def job(write: Write, identity: str, subject: str, **columns: Any) -> None:
    row = {"id": identity, "domain": "payment", "subject": subject, "facts": "{}", "as_of": AS_OF, "state": "done"}
    insert(write, "jobs", row | columns)


def verdict(write: Write, identity: str, subject: str, **columns: Any) -> None:
    row = {"id": identity, "enqueued_at": ENQUEUED, "domain": "payment", "subject": subject, "worker": "w@h"}
    row |= RIGHT | {"evaluated_at": ENQUEUED, "micros": 1} | columns
    insert(write, "verdicts", row | {name: json.dumps(row[name]) for name in ("reasons", "changes")})


def letter(write: Write, identity: str, subject: str, **columns: Any) -> None:
    row = {
        "id": identity,
        "kind": "job",
        "subject": subject,
        "code": "worker-lost",
        "reason": "signal 9",
        "attempts": 4,
    }
    insert(write, "dead_letters", row | columns)


def insert(write: Write, table: str, row: dict[str, Any]) -> None:
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    write(f"insert into {table} ({names}) values ({places})", *row.values())


@pytest.fixture
def healthy(write: Write) -> Write:
    """Two jobs and a row of a batch with their verdicts, and a poison job with its dead letter."""
    job(write, JOB, "a")
    verdict(write, JOB, "a")
    # Judged by its second attempt.
    job(write, OTHER, "b", attempts=2, worker="w@h")
    verdict(write, OTHER, "b")
    job(write, POISON, "p", state="dead", attempts=4)
    letter(write, POISON, "p")
    batch = {"id": BATCH, "domain": "pricing", "source": "s", "rows": 1, "chunks": 1, "as_of": AS_OF, "state": "done"}
    insert(write, "batches", batch)
    chunk = {"batch": BATCH, "n": 0, "rows": 1, "form": "json", "facts": b"", "state": "done", "worker": "w@h"}
    insert(write, "chunks", chunk)
    verdict(write, ROW, "r", batch=BATCH)
    # A message that was refused is nobody's loss.
    letter(write, str(uuid.UUID(int=8)), "?", kind="message")
    return write


def findings(url: str, **more: Any) -> list[tuple[str, str]]:
    found = check(url, EXPECTED, **more)
    assert all(finding.text for finding in found)
    return [(finding.code, finding.id) for finding in found]


def test_it_shares_no_code_with_the_farm() -> None:
    assert not imported(Path(checker.__file__)) & MODULES.keys()


def test_nothing_is_found_in_a_healthy_database(url: str, healthy: Write) -> None:
    assert findings(url, withdrawn=frozenset({str(uuid.UUID(int=77))})) == []
    assert open_work(url) == []


def test_a_verdict_that_is_missing(url: str, healthy: Write) -> None:
    healthy("delete from verdicts where id = %s", JOB)
    assert findings(url) == [("lost", JOB)]


def test_a_row_of_a_batch_that_is_missing(url: str, healthy: Write) -> None:
    healthy("delete from verdicts where id = %s", ROW)
    assert findings(url) == [("lost", ROW)]


def test_a_job_that_is_not_even_on_record(url: str, healthy: Write) -> None:
    healthy("delete from verdicts where id = %s", JOB)
    healthy("delete from jobs where id = %s", JOB)
    assert findings(url) == [("lost", JOB)]


def test_two_verdicts(url: str, healthy: Write) -> None:
    verdict(healthy, JOB, "a", enqueued_at=ENQUEUED + timedelta(seconds=1))
    assert findings(url) == [("doubled", JOB)]


def test_a_verdict_and_a_dead_letter(url: str, healthy: Write) -> None:
    letter(healthy, JOB, "a")
    assert findings(url) == [("doubled", JOB)]


def test_a_dead_letter_of_what_is_no_poison(url: str, healthy: Write) -> None:
    healthy("delete from verdicts where id = %s", JOB)
    letter(healthy, JOB, "a")
    assert findings(url) == [("wrongly-dead", JOB)]


@pytest.mark.parametrize("flaw", [{"code": "time-limit"}, {"reason": " "}])
def test_a_dead_letter_that_names_another_poison(url: str, healthy: Write, flaw: dict[str, str]) -> None:
    [(name, value)] = flaw.items()
    healthy(f"update dead_letters set {name} = %s where id = %s", value, POISON)
    assert findings(url) == [("misnamed", POISON)]


def test_poison_with_a_verdict(url: str, healthy: Write) -> None:
    healthy("delete from dead_letters where id = %s", POISON)
    verdict(healthy, POISON, "p")
    assert findings(url) == [("poison-judged", POISON)]


def test_a_job_that_is_open(url: str, healthy: Write) -> None:
    job(healthy, str(uuid.UUID(int=5)), "o", state="open", times_sent=3)
    assert findings(url) == [("open", str(uuid.UUID(int=5)))]
    [(kind, identity, row)] = open_work(url)
    assert (kind, identity, row["times_sent"], row["attempts"]) == ("job", str(uuid.UUID(int=5)), 3, 0)


def test_a_chunk_that_is_open(url: str, healthy: Write) -> None:
    healthy("update chunks set state = 'open'")
    assert findings(url) == [("open", BATCH)]
    assert [(kind, identity) for kind, identity, _ in open_work(url)] == [("chunk", f"{BATCH} 0")]


def test_a_batch_that_was_not_closed(url: str, healthy: Write) -> None:
    healthy("update batches set state = 'open'")
    assert findings(url) == [("open", BATCH)]


def test_verdicts_of_nothing(url: str, healthy: Write) -> None:
    stray, row = str(uuid.UUID(int=5)), str(uuid.UUID(int=6))
    verdict(healthy, stray, "s")
    verdict(healthy, row, "t", batch=BATCH)
    assert findings(url) == [("stray", stray), ("stray", row)]


def test_dead_letters_of_nothing(url: str, healthy: Write) -> None:
    stray, row = str(uuid.UUID(int=5)), str(uuid.UUID(int=6))
    letter(healthy, stray, "s")
    letter(healthy, row, "t", kind="row", batch=BATCH, chunk=0)
    assert findings(url) == [("stray", stray), ("stray", row)]


def test_what_was_withdrawn_and_is_on_record(url: str, healthy: Write) -> None:
    assert findings(url, withdrawn=frozenset({JOB})) == [("withdrawn", JOB)]


def test_a_verdict_by_the_worker_of_an_older_attempt(url: str, healthy: Write) -> None:
    healthy("update verdicts set worker = 'older@h' where id = %s", OTHER)
    assert findings(url) == [("fenced", OTHER)]


def test_a_verdict_of_a_row_by_a_worker_that_holds_no_chunk(url: str, healthy: Write) -> None:
    healthy("update verdicts set worker = 'older@h' where id = %s", ROW)
    assert findings(url) == [("fenced", ROW)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("subject", "z"),
        ("outcome", "accept"),
        ("fired", ["Big", "Big"]),
        ("reasons", "[]"),
        ("changes", '{"Order.flag": "Big"}'),
        ("ruleset_digest", "other"),
        ("facts_digest", "other"),
        ("as_of", AS_OF + timedelta(microseconds=1)),
    ],
)
def test_a_verdict_that_differs(url: str, healthy: Write, column: str, value: Any) -> None:
    healthy(f"update verdicts set {column} = %s where id = %s", value, JOB)
    assert findings(url) == [("different", JOB)]


def test_what_two_regions_judged_alike_counts_once_and_what_differs_is_doubled(healthy: Write, url: str) -> None:
    def found(other: str) -> list[tuple[str, str]]:
        return [(finding.code, finding.id) for finding in check(url, EXPECTED, other_region=other)]

    # The same rows stand for what a second region judged as well.
    assert found(url) == []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        name = "test_checker_other"
        connection.rollback()
        connection.autocommit = True
        cursor.execute(f"drop database if exists {name}")
        cursor.execute(f"create database {name} template {TEMPLATE}")
    other = make_url(url).set(database=name).render_as_string(hide_password=False)

    def there(statement: str, *values: Any) -> None:
        with closing(psycopg2.connect(other)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)

    # What only the other judged is not lost.
    healthy("delete from verdicts where id = %s", JOB)
    healthy("delete from jobs where id = %s", JOB)
    assert found(other) == [("lost", JOB)]
    job(there, JOB, "a")
    verdict(there, JOB, "a")
    assert found(other) == []
    job(there, OTHER, "b")
    verdict(there, OTHER, "b", outcome="accept")
    assert found(other) == [("doubled", OTHER), ("different", OTHER)]
    there("update jobs set state = 'open' where id = %s", JOB)
    assert found(other)[-1] == ("open", JOB)
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"drop database {name} with (force)")
