"""A batch is judged by the rules of when it was submitted, a job by those that it names, whatever is published."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine, text, update

from rulefarm import wire
from rulefarm.database import chunks, connect, jobs, message_of_row, rulesets, verdicts
from rulefarm.errors import JobRejected
from rulefarm.farm import Farm
from rulefarm.messaging import JobMessage, job_message
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from store.dead_letter_retry import LetterFilter, retry_letters
from store.operator_actions import Operator
from store.pending_work import claim_due
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks import program_versions, worker_context
from tasks.drain import drain
from tasks.evaluate import evaluate_chunk, evaluate_job
from tasks.program_versions import ProgramVersions, RulesetUnusable
from tasks.published_rulesets import PublishedRulesets
from tasks.worker_context import WorkerContext
from tests.rows import rows
from workers.celery_app import create_worker_app
from workers.monitoring.row_checks import check_batches

SCHEMA = 'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text" }\ntotal = { kind = "number" }\n'
RULE = 'rule Big { when Order.total > 10 then Reject("over 10"); }\n'
ME = "w@here"
Publish = Callable[[int], str]


def version(folder: Path, most: int) -> LoadedRuleset:
    """The version of `shop` that rejects orders over so much."""
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "domain.toml").write_text(SCHEMA)
    (folder / "shop" / "a.grl").write_text(f'rule Big {{ when Order.total > {most} then Reject("over {most}"); }}\n')
    return load_domain(folder, "shop")


@pytest.fixture
def publishing(database: Engine, tmp_path: Path) -> Publish:
    """Makes the version with this limit the active one; gives its digest."""

    def make_active(most: int) -> str:
        loaded = version(tmp_path, most)
        publish(database, [RulesetSnapshot.of(loaded)])
        return loaded.digest

    return make_active


@pytest.fixture
def worker(settings: Settings, publishing: Publish, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerContext]:
    """This process is a worker that began when orders over 10 were rejected."""
    monkeypatch.setattr("tasks.drain.SLICE_S", 60)
    publishing(10)
    engine = connect(settings)
    published = PublishedRulesets(engine, ["shop"], has_facts=False)
    context = WorkerContext(
        replace(settings, group_size=50), engine, published.by_domain, create_worker_app(settings), published=published
    )
    monkeypatch.setattr(worker_context, "_current", [context])
    yield context
    context.app.close()
    engine.dispose()


@pytest.fixture
def farm(worker: WorkerContext) -> Iterator[Farm]:
    with Farm(worker.settings) as producer:
        yield producer


def go_over(worker: WorkerContext) -> None:
    assert worker.published is not None
    worker.published.refresh()


def task() -> Any:
    request = SimpleNamespace(hostname=ME, delivery_info={"routing_key": "rules.shop"}, retries=0, kwargsrepr="")
    return SimpleNamespace(request=request, name="task", soft_time_limit=60)


def order(total: float) -> dict[str, Any]:
    return {"Order": {"id": "x", "total": total}}


def judged(database: Engine) -> dict[str, tuple[str, str]]:
    return {row.subject: (row.outcome, row.ruleset_digest) for row in rows(database, verdicts)}


def source(folder: Path) -> Path:
    (folder / "orders.csv").write_text("id,total\na,5\nb,15\nc,25\n")
    return folder / "orders.csv"


def test_a_batch_is_judged_to_its_end_by_the_rules_that_it_was_submitted_with(
    farm: Farm, worker: WorkerContext, database: Engine, publishing: Publish, tmp_path: Path
) -> None:
    first = publishing(10)
    batch = farm.submit_batch("shop", source(tmp_path), key="night")
    assert batch.digest == first == farm.batch(batch.id)["digest"]
    second = publishing(20)
    go_over(worker)
    # The same batch, however often it is submitted; another is of now.
    assert farm.submit_batch("shop", source(tmp_path), key="night").digest == first
    other = farm.submit_batch("shop", source(tmp_path))
    assert evaluate_chunk(task(), batch=str(batch.id), n=0) == 3
    assert judged(database) == {"a": ("accept", first), "b": ("reject", first), "c": ("reject", first)}
    assert evaluate_chunk(task(), batch=str(other.id), n=0) == 3
    assert {row.outcome for row in rows(database, verdicts) if row.subject == "b"} == {"accept", "reject"}
    # Submitted by a producer of the release before: by what is active when it is judged.
    old = farm.submit_batch("shop", source(tmp_path))
    with database.begin() as connection:
        connection.execute(text("update batches set digest = null where id = :id"), {"id": old.id})
    third = publishing(30)
    go_over(worker)
    assert evaluate_chunk(task(), batch=str(old.id), n=0) == 3
    assert {row.ruleset_digest for row in rows(database, verdicts) if row.batch == old.id} == {third}
    assert second == other.digest


def test_a_chunk_that_no_worker_here_can_judge_waits_and_the_doctor_says_so(
    farm: Farm, worker: WorkerContext, database: Engine, publishing: Publish, tmp_path: Path
) -> None:
    first = publishing(10)
    batch = farm.submit_batch("shop", source(tmp_path))
    publishing(20)
    go_over(worker)
    [found] = check_batches(database)
    assert found.status == "ok"
    with database.begin() as connection:
        [kept] = connection.execute(text("select source from rulesets where digest = :d"), {"d": first}).scalars()
    sharing = SCHEMA + '[lookup.C]\nkey = "Order.id"\n[facts.C.fields]\nlimit = { kind = "number" }\n'
    unusable = {
        "a word of a later release": {"a.grl": RULE.replace("when", "unless"), "domain.toml": SCHEMA},
        "a schema of a later release": {"a.grl": RULE, "domain.toml": "[later]\n"},
        "no schema": {"a.grl": RULE},
        "shared facts, and there are none": {"a.grl": RULE, "domain.toml": sharing},
    }
    for name, files in unusable.items():
        stored = {key: files[file] for key in kept if (file := key.rpartition("/")[2]) in files}
        with database.begin() as connection:
            connection.execute(update(rulesets).where(rulesets.c.digest == first).values(source=stored))
            connection.execute(update(chunks).values(lease_until=None))
        worker.published._versions._refused.clear()  # type: ignore[union-attr]
        # However often: it is not split, and no row of it dies.
        for _ in range(worker.settings.max_attempts + 1):
            assert evaluate_chunk(task(), batch=str(batch.id), n=0) is None, name
        [chunk] = rows(database, chunks)
        assert (chunk.state, chunk.attempts, chunk.code, chunk.lease_until) == ("open", 0, "ruleset-unusable", None)
        [found] = check_batches(database)
        assert (found.status, found.subject) == ("fail", "shop")
        assert first[:12] in found.message
    with database.begin() as connection:
        connection.execute(update(rulesets).where(rulesets.c.digest == first).values(source=kept))
    worker.published._versions._refused.clear()  # type: ignore[union-attr]
    assert evaluate_chunk(task(), batch=str(batch.id), n=0) == 3
    assert {digest for _, digest in judged(database).values()} == {first}
    assert [each.status for each in check_batches(database)] == ["ok"]


def test_jobs_that_are_pinned_are_judged_by_what_they_name_beside_their_neighbours(
    farm: Farm, worker: WorkerContext, database: Engine, publishing: Publish
) -> None:
    first, second, third = publishing(10), publishing(20), publishing(30)
    go_over(worker)
    pins = {"none": None, "first": first, "second": second, "active": third}
    with database.begin() as connection:
        for name, digest in pins.items():
            farm.submit("shop", order(25), key=name, digest=digest, connection=connection)
    bulk = farm.submit_many("shop", [("many", order(15))], digest=first)
    assert drain(worker, "shop", ME, bulk=False) == 4
    with database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.bulk).values(resend_at=text("now()")))
    assert drain(worker, "shop", ME, bulk=True) == 1
    assert judged(database) == {
        "none": ("accept", third), "first": ("reject", first), "second": ("reject", second),
        "active": ("accept", third), "many": ("reject", first),
    }  # fmt: skip
    assert bulk[0].digest == first

    # By its message: the first, one that is sent again, one whose producer wrote no row.
    def message(key: str, **other: Any) -> dict[str, Any]:
        facts = order(15)
        job = farm.submit("shop", facts, key=key, digest=first)
        return dict(
            replace(JobMessage.from_kwargs(job_message(job, wire.canonical(facts)).kwargs), **other).to_kwargs()
        )

    assert evaluate_job(task(), **message("alone"))["outcome"] == "reject"  # type: ignore[index]
    assert evaluate_job(task(), **message("again", times_sent=2))["outcome"] == "reject"  # type: ignore[index]
    lost = message("row lost", on_record=False, times_sent=2)
    with database.begin() as connection:
        connection.execute(text("delete from jobs where subject = 'row lost'"))
    assert evaluate_job(task(), **lost)["outcome"] == "reject"  # type: ignore[index]
    assert {row.digest for row in rows(database, jobs) if row.subject in ("alone", "again", "row lost")} == {first}


def test_the_pin_is_part_of_what_a_job_is_and_travels_with_it(
    farm: Farm, worker: WorkerContext, database: Engine, publishing: Publish
) -> None:
    first, second = publishing(10), publishing(20)
    same = [farm.submit("shop", order(15), key="k", digest=digest).id for digest in (None, first, second, first, None)]
    assert len(set(same)) == 3
    assert same[1] == same[3]
    assert same[0] == same[4]
    for refused, code in (
        ("f" * 64, "unknown-ruleset"),
        ("abc", "bad-digest"),
        (first.upper(), "bad-digest"),
        ("", "bad-digest"),
    ):
        with pytest.raises(JobRejected) as raised:
            farm.submit("shop", order(15), digest=refused)
        assert raised.value.code == code
        with pytest.raises(JobRejected) as raised:
            farm.submit_many("shop", [order(15)], digest=refused)
        assert raised.value.code == code
    kwargs = {row.id: message_of_row(row).kwargs for row in rows(database, jobs)}
    # Without a pin a message is as before: a worker of the release before takes it.
    assert {job_id: found.get("digest") for job_id, found in kwargs.items()} == {
        same[0]: None,
        same[1]: first,
        same[2]: second,
    }
    assert "digest" not in kwargs[same[0]]
    for digest in (7, "", "f" * 63, ["f"]):
        with pytest.raises(JobRejected):
            JobMessage.from_kwargs(json.loads(json.dumps(kwargs[same[0]])) | {"digest": digest})
    with database.begin() as connection:
        connection.execute(update(jobs).values(resend_at=text("now()")))
    with claim_due(database, "shop", bulk=False, grace_s=30, limit=10) as messages:
        assert {each.kwargs.get("digest") for each in messages} == {None, first, second}


def test_a_job_whose_pin_can_not_be_judged_by_fails_alone_and_is_tried_again_by_hand(
    farm: Farm, worker: WorkerContext, database: Engine, publishing: Publish
) -> None:
    first = publishing(10)
    publishing(20)
    go_over(worker)
    with database.begin() as connection:
        kept = connection.execute(text("select source from rulesets where digest = :d"), {"d": first}).scalar_one()
        connection.execute(update(rulesets).where(rulesets.c.digest == first).values(source={}))
        pinned = farm.submit("shop", order(15), key="pinned", digest=first, connection=connection)
        farm.submit("shop", order(15), key="free", connection=connection)
    assert drain(worker, "shop", ME, bulk=False) == 1
    for _ in range(worker.settings.max_attempts):
        [row] = [row for row in rows(database, jobs) if row.subject == "pinned"]
        evaluate_job(task(), **message_of_row(row).kwargs)
    [row] = [row for row in rows(database, jobs) if row.subject == "pinned"]
    assert (row.state, row.code) == ("dead", "ruleset-unusable")
    with database.begin() as connection:
        connection.execute(update(rulesets).where(rulesets.c.digest == first).values(source=kept))
    worker.published._versions._refused.clear()  # type: ignore[union-attr]
    [again] = retry_letters(database, LetterFilter(ids=[pinned.id]), Operator("ada@here"), grace_s=30).messages
    assert evaluate_job(task(), **again.kwargs)["outcome"] == "reject"  # type: ignore[index]
    assert judged(database)["pinned"] == ("reject", first)


def test_no_more_programs_are_kept_than_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def load(domain: str, digest: str) -> Any:
        compiled.append(digest)
        if digest == "late":
            raise SoftTimeLimitExceeded
        if digest == "broken":
            raise ZeroDivisionError("of ours")
        return SimpleNamespace(domain=domain, digest=digest)

    versions = ProgramVersions(load)
    for number in range(50):
        assert versions.get("shop", str(number)).digest == str(number)
        assert len(versions) <= program_versions.MOST
    # Those that were used last stay; the same digest of another domain is another program.
    versions.get("shop", "48")
    versions.get("shop", "50")
    assert versions.known("shop", "48")
    assert not versions.known("shop", "47")
    assert versions.get("other", "48").domain == "other"
    assert len(compiled) == 52
    for digest, tries in (("broken", 1), ("late", 3)):
        compiled.clear()
        for _ in range(3):
            with pytest.raises(RulesetUnusable):
                versions.get("shop", digest)
        assert len(compiled) == tries
    kept = len(versions)
    versions.drop_unused()
    assert len(versions) == kept > 0
    later = program_versions.time.monotonic() + program_versions.KEPT_S
    monkeypatch.setattr("tasks.program_versions.time.monotonic", lambda: later)
    versions.drop_unused()
    assert not len(versions)
