"""Whatever is put on a queue, no worker dies of it: what is no message is refused, on record, and gone."""

import base64
import gzip
import json
import pickle
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine, select

from rulefarm.database import dead_letters, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.messaging import job_message
from tests.processes import until
from tests.rows import key

QUEUE = "rules.payment"
BIG = {"Order": {"total": 2000, "country": "FR"}}

BOMB = base64.b64encode(gzip.compress(b"0" * 10_000_000)).decode()
OPTIONS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def arguments(mark: str, **changes: Any) -> dict[str, Any]:
    """What a message says, for a producer without a database, so that nothing but the message speaks for the job."""
    now = datetime.now(UTC)
    job = Job(id=uuid.uuid4(), domain="payment", subject=mark, as_of=now, enqueued_at=now, on_record=False)
    return {**job_message(job, '{"Order":{"total":1}}').kwargs, **changes}


def publish(farm: Farm, body: bytes, *, content_type: str = "application/json", **headers: Any) -> None:
    # By the name of the queue, as the farm sends: the bindings of an exchange are gone when the broker was emptied.
    with farm.app.producer_or_acquire() as producer:
        producer.publish(
            body,
            exchange="",
            routing_key=QUEUE,
            content_type=content_type,
            content_encoding="utf-8",
            headers={"task": "rules.evaluate", "id": str(uuid.uuid4()), **headers},
        )


def push(farm: Farm, item: bytes) -> None:
    """Straight into the list that Redis keeps for the queue."""
    with farm.app.connection_for_write() as connection:
        connection.default_channel.client.lpush(QUEUE, item)


def envelope(mark: str = "x", **changes: Any) -> dict[str, Any]:
    """What kombu pushes for a message."""
    body = json.dumps([[], arguments(mark), OPTIONS]).encode()
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "rules.evaluate", "id": key()},
        "properties": {
            "body_encoding": "base64",
            "delivery_info": {"exchange": "rules", "routing_key": QUEUE},
            "delivery_tag": key(),
        },
        **changes,
    }


def workers() -> set[int]:
    """Ids of the processes that take messages."""
    return {process.pid for process in psutil.Process().children() if "worker" in process.cmdline()}


def letters(engine: Engine) -> dict[uuid.UUID, dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(select(dead_letters).where(dead_letters.c.kind == "message")).mappings()
        return {row["id"]: dict(row) for row in found}


def held_messages(farm: Farm) -> int:
    """Messages that a worker holds, or one that was killed has left behind."""
    with farm.app.connection_for_read() as connection:
        return int(connection.default_channel.client.hlen("unacked"))


def jobs_on_record(engine: Engine) -> set[uuid.UUID]:
    """Every job, and not its verdict: another test may have left it open."""
    with engine.connect() as connection:
        return set(connection.scalars(select(jobs.c.id).union(select(verdicts.c.id).where(verdicts.c.batch.is_(None)))))


@contextmanager
def refused(farm: Farm, engine: Engine, code: str) -> Iterator[dict[str, Any]]:
    """What is sent in this block is on record by a name, and nothing else comes of it."""
    before, alive, held = letters(engine), workers(), held_messages(farm)
    on_record = jobs_on_record(engine)
    row: dict[str, Any] = {}
    yield row
    until(lambda: letters(engine).keys() - before.keys())
    [new] = letters(engine).keys() - before.keys()
    row |= letters(engine)[new]
    assert (row["code"], row["attempts"]) == (code, 1), row
    assert row["reason"]
    assert row["worker"].startswith("payment-pricing@")
    assert len(row["content"]) <= 1000
    assert jobs_on_record(engine) == on_record
    # Acknowledged: nobody holds it, and nobody gets it again.
    until(lambda: held_messages(farm) <= held)
    assert farm.evaluate("payment", BIG, key=key()).outcome == "reject"
    assert workers() == alive


class Intruder:
    """What a pickle can do to whoever loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


CONTENTS = {
    "pickle": "application/x-python-serialize",
    "yaml": "application/x-yaml",
    "msgpack": "application/x-msgpack",
    "plain text": "text/plain",
    "bytes": "application/data",
    "of no kind": "x",
    "broken JSON": "application/json",
    "deep JSON": "application/json",
    "an endless number": "application/json",
    "a class of kombu's": "application/json",
}


@pytest.mark.parametrize("what", CONTENTS)
def test_anything_but_json_is_refused_unread(farm: Farm, farm_database: Engine, tmp_path: Path, what: str) -> None:
    touched = tmp_path / "touched"
    body = {
        "pickle": pickle.dumps(Intruder(touched)),
        "yaml": f"!!python/object/apply:os.system ['touch {touched}']".encode(),
        "deep JSON": b"[" * 100_000 + b"]" * 100_000,
        "an endless number": b"[[],{},{}," + b"9" * 5000 + b"]",
        "a class of kombu's": b'[[],{"job_id":{"__type__":"uuid","__value__":7}},{}]',
    }.get(what, b"{")
    with refused(farm, farm_database, "bad-content") as letter:
        publish(farm, body, content_type=CONTENTS[what])
    assert letter["domain"] == "payment"
    assert not touched.exists()


NOT_OURS: list[tuple[str, Any, dict[str, Any], str]] = [
    ("another task", [[], {}, OPTIONS], {"task": "os.system"}, "unknown-task"),
    ("a task that is a list", [[], {}, OPTIONS], {"task": ["rules.evaluate"]}, "unknown-task"),
    ("no task", [[], {}, OPTIONS], {"task": None}, "unknown-task"),
    ("the old form", {"task": "rules.evaluate", "id": "1", "args": [], "kwargs": {}}, {"task": None}, "unknown-task"),
    ("no id", [[], {}, OPTIONS], {"id": None}, "bad-message"),
    ("an id that is an object", [[], {}, OPTIONS], {"id": {"a": 1}}, "bad-message"),
    ("an endless id", [[], {}, OPTIONS], {"id": "x" * 201}, "bad-message"),
    ("half a surrogate pair for an id", [[], {}, OPTIONS], {"id": "\ud800"}, "bad-text"),
    ("a time that is none", [[], {}, OPTIONS], {"eta": "soon"}, "bad-message"),
    ("a time that is a number", [[], {}, OPTIONS], {"eta": 7}, "bad-message"),
    ("an end that is a list", [[], {}, OPTIONS], {"expires": [1]}, "bad-message"),
    ("retries that are text", [[], {}, OPTIONS], {"retries": "many"}, "bad-message"),
    ("a body that is a number", 7, {}, "bad-message"),
    ("a body that is nothing", None, {}, "bad-message"),
    ("a body that is an object", {"args": [], "kwargs": {}}, {}, "bad-message"),
    ("arguments without names", [["x"], {}, OPTIONS], {}, "bad-message"),
    ("arguments that are text", ["x", "y", OPTIONS], {}, "bad-message"),
    ("an argument too many", [[], {"task": "x"}, OPTIONS], {}, "bad-message"),
    ("no options", [[], {}], {}, "bad-message"),
    ("a task to start after it", [[], {}, {"callbacks": [{"task": "rules.nightly"}]}], {}, "bad-message"),
    ("a chain", [[], {}, {"chain": [{"task": "rules.nightly"}]}], {}, "bad-message"),
    ("arguments for a task without", [[], {"x": 1}, OPTIONS], {"task": "rules.reconcile"}, "bad-message"),
    ("less than a message says", [[], {}, OPTIONS], {}, "bad-message"),
    ("more than a message says", [[], {**arguments("x"), "rules": "x"}, OPTIONS], {}, "bad-message"),
    ("half of a chunk", [[], {"batch": "x"}, OPTIONS], {"task": "rules.evaluate_chunk"}, "bad-message"),
    ("a chunk of no batch", [[], {"batch": "x", "n": 0}, OPTIONS], {"task": "rules.evaluate_chunk"}, "bad-message"),
    ("a subject of two pages", [[], arguments("x" * 201), OPTIONS], {}, "bad-key"),
    ("a domain that is a path", [[], {**arguments("x"), "domain": "../payment"}, OPTIONS], {}, "unknown-domain"),
]


@pytest.mark.parametrize(
    ("body", "headers", "code"), [case[1:] for case in NOT_OURS], ids=[case[0] for case in NOT_OURS]
)
def test_a_message_that_no_producer_sent_is_refused(
    farm: Farm, farm_database: Engine, body: Any, headers: dict[str, Any], code: str
) -> None:
    with refused(farm, farm_database, code):
        publish(farm, json.dumps(body).encode(), **headers)


FACTS: list[tuple[str, str, str]] = [
    ("NaN", '{"Order":{"total":NaN}}', "bad-number"),
    ("1e400", '{"Order":{"total":1e400}}', "bad-number"),
    ("half a surrogate pair", '{"Order":{"country":"\\ud800"}}', "bad-text"),
    ("NUL", '{"Order":{"country":"\\u0000"}}', "bad-text"),
    ("a name twice", '{"Order":{"total":1,"total":2}}', "duplicate-name"),
    ("spaces", '{"Order": {"total":1}}', "not-canonical"),
    ("too deep", "[" * 100_000 + "]" * 100_000, "too-deep"),
    ("fields", json.dumps({"Order": {f"{n:04}": n for n in range(1001)}}, separators=(",", ":")), "too-many-fields"),
    ("a list too long", '{"Line":[' + ",".join(["1"] * 10_001) + "]}", "list-too-long"),
    ("a text too long", '{"Order":{"country":"' + "x" * 100_001 + '"}}', "text-too-long"),
    ("too large", '{"Order":{"country":"' + "x" * 1_000_000 + '"}}', "facts-too-large"),
    ("no object", "[]", "bad-facts"),
    ("no JSON", "{", "bad-json"),
]


@pytest.mark.parametrize(("facts", "code"), [case[1:] for case in FACTS], ids=[case[0] for case in FACTS])
def test_facts_that_no_producer_lets_through_are_refused_by_the_worker_too(
    farm: Farm, farm_database: Engine, facts: str, code: str
) -> None:
    with refused(farm, farm_database, code):
        publish(farm, json.dumps([[], {**arguments("x"), "facts": facts}, OPTIONS]).encode())


GARBAGE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no-envelope"),
    "text": (b"\x00hello'; drop table jobs; --", "no-envelope"),
    "half a character": (b"\xff\xfe\x00", "no-envelope"),
    "a pickle": (pickle.dumps({"task": "rules.evaluate"}), "no-envelope"),
    "a number": (b"7", "no-envelope"),
    "null": (b"null", "no-envelope"),
    "a list": (b"[1, 2]", "no-envelope"),
    "deep JSON": (b"[" * 100_000, "no-envelope"),
    "an empty object": (b"{}", "no-envelope"),
    "a class of kombu's": (b'{"__type__": "uuid", "__value__": 7}', "no-envelope"),
    "a class of nobody's": (b'{"__type__": "os.system", "__value__": "true"}', "no-envelope"),
    "no properties": (json.dumps(envelope(properties=None)).encode(), "no-envelope"),
    "no tag": (json.dumps(envelope(properties={"delivery_info": {}})).encode(), "no-envelope"),
    "headers that are a list": (json.dumps(envelope(headers=[1])).encode(), "no-envelope"),
    "a content that is a number": (json.dumps(envelope(**{"content-type": 7})).encode(), "no-envelope"),
    "an encoding of nobody's": (json.dumps(envelope(**{"content-encoding": ["x"]})).encode(), "no-envelope"),
    "a body that is no base64": (json.dumps(envelope(body="abc")).encode(), "no-envelope"),
    "a body that is a list": (json.dumps(envelope(body=[1])).encode(), "no-envelope"),
    "a compressed bomb": (
        json.dumps(envelope(headers={"compression": "application/x-gzip"}, body=BOMB)).encode(),
        "message-compressed",
    ),
    "too much": (json.dumps(envelope(body="A" * 16_000_000)).encode(), "message-too-large"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_in_the_list_of_a_queue_ends_no_worker_and_is_read_once(
    farm: Farm, farm_database: Engine, what: str
) -> None:
    item, code = GARBAGE[what]
    with refused(farm, farm_database, code) as letter:
        push(farm, item)
    assert letter["domain"] == "payment"


def test_an_envelope_as_kombu_makes_it_is_taken_from_the_list(farm: Farm) -> None:
    subject = key()
    push(farm, json.dumps(envelope(subject)).encode())
    engine = farm.require_ledger().engine

    def judged() -> bool:
        with engine.connect() as connection:
            found = connection.execute(select(verdicts.c.outcome).where(verdicts.c.subject == subject))
            return found.scalars().all() == ["accept"]

    until(judged)


def test_garbage_between_jobs_delays_none(farm: Farm, farm_database: Engine) -> None:
    before, alive, accepted = letters(farm_database), workers(), []
    for n in range(60):
        push(farm, f"garbage {n}".encode())
        publish(farm, json.dumps([[], {"n": n}, OPTIONS]).encode(), task=f"no.task.{n}")
        accepted.append(farm.submit("payment", BIG, key=key()))
    assert {job.wait(timeout=60).outcome for job in accepted} == {"reject"}
    until(lambda: len(letters(farm_database)) == len(before) + 120)
    assert workers() == alive


def test_a_message_does_not_set_its_own_time_limit(farm: Farm) -> None:
    # Celery would kill the pool's process after a thousandth of a second.
    subject = key()
    publish(farm, json.dumps([[], arguments(subject), OPTIONS]).encode(), timelimit=[0.001, None])
    engine = farm.require_ledger().engine

    def judged() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(select(verdicts.c.id).where(verdicts.c.subject == subject)).first())

    until(judged)


HARMLESS = [
    "'; drop table jobs; --",
    '"; select pg_sleep(60); --',
    "$(reboot) `id` | rm -rf / ; &",
    "%s %(x)s :id {0} {x}",
    "../../etc/passwd",
    "\r\nSET x 1\r\n*1",
    "\u202e\U0001f600\x7f\x1b[2J",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_text_in_keys_names_and_values_is_text(farm: Farm, farm_database: Engine, text: str) -> None:
    subject = f"{text} {key()}"
    facts = {"Order": {"total": 2000, "country": text, text: text}}
    job = farm.submit("payment", facts, key=subject)
    verdict = job.wait(timeout=30)
    assert (verdict.subject, verdict.outcome) == (subject, "reject")
    with farm_database.connect() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == job.id)).mappings().one()
    assert (row["subject"], row["facts"], row["state"]) == (subject, facts, "done")
