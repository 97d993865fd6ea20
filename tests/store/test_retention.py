"""Old months go as a whole; what is open, and what stands with it, stays."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from rulefarm.database import batches, fact_views, operator_actions
from rulefarm.settings import Settings
from store.fact_views import record_fact_view
from store.operator_actions import Operator, record_action
from store.partitions import ensure_partitions
from store.publications import publish
from store.region_tables import add_copy
from store.retention import PartitionBusy, Pruned, first_kept, prune
from store.ruleset_versions import RulesetSnapshot, record_ruleset
from store.shadows import Shadow, start_shadow
from store.verdicts import store_chunk, store_verdict
from tests.rows import add_job, rows, verdict
from tests.store.dying import batch_of_rows, dead_job, kill_row

BEFORE = datetime(2026, 3, 1, tzinfo=UTC)
OLD, YOUNG = datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def past(database: Engine) -> Engine:
    """A database that has partitions for January to April 2026."""
    with database.begin() as connection:
        ensure_partitions(connection, OLD)
    return database


def age(engine: Engine, table: str, moment: datetime, **where: object) -> None:
    """Let a row have been submitted, or have died, at another time."""
    column = "died_at" if table == "dead_letters" else "enqueued_at"
    conditions = " and ".join(f"{name} = :{name}" for name in where) or "true"
    with engine.begin() as connection:
        connection.execute(
            text(f"update {table} set {column} = :moment where {conditions}"), {"moment": moment, **where}
        )


def judged_job(settings: Settings, engine: Engine, moment: datetime) -> uuid.UUID:
    job = add_job(settings)
    age(engine, "jobs", moment, id=job.id)
    assert store_verdict(engine, verdict(job.id, moment))
    return job.id


def open_batch(engine: Engine, moment: datetime) -> uuid.UUID:
    """A batch of two rows, of which the first is judged."""
    batch = batch_of_rows(engine, "a", "b")
    age(engine, "batches", moment, id=batch)
    judge_row(engine, batch, 0, moment)
    return batch


def judge_row(engine: Engine, batch: uuid.UUID, n: int, moment: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(text("update chunks set attempts = 1 where batch = :b and n = :n"), {"b": batch, "n": n})
    row = verdict(uuid.uuid5(batch, "ab"[n]), moment, batch=batch, subject="ab"[n], domain="pricing")
    assert store_chunk(engine, batch, n, [row], attempt=1) == 1


def counts(engine: Engine) -> dict[str, int]:
    tables = ("jobs", "batches", "chunks", "dead_letters", "verdicts")
    with engine.connect() as connection:
        return {name: connection.execute(text(f"select count(*) from {name}")).scalar_one() for name in tables}


def partitions(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        names = text("select inhrelid::regclass::text from pg_inherits where inhparent = 'verdicts'::regclass")
        return {name for name in connection.execute(names).scalars() if name < "verdicts_2026_05"}


def dropped(pruned: Pruned) -> tuple[int, ...]:
    return (sum(pruned.partitions.values()), pruned.verdicts, pruned.jobs, pruned.batches, pruned.dead_letters)


def test_what_is_closed_and_old_goes_and_nothing_else(settings: Settings, past: Engine) -> None:
    judged_job(settings, past, OLD)
    judged_job(settings, past, YOUNG)
    batch = open_batch(past, datetime(2026, 2, 3, tzinfo=UTC))
    judge_row(past, batch, 1, datetime(2026, 2, 3, tzinfo=UTC))
    dead_job(settings, past, subject="dead")
    age(past, "jobs", OLD, subject="dead")
    age(past, "dead_letters", OLD)
    waiting = add_job(settings, subject="waiting")
    age(past, "jobs", OLD, id=waiting.id)
    would = prune(past, BEFORE, dry_run=True)
    assert counts(past) == {"jobs": 4, "batches": 1, "chunks": 2, "dead_letters": 1, "verdicts": 4}
    did = prune(past, BEFORE)
    assert did == would
    assert did.partitions == {"verdicts_2026_01": 1, "verdicts_2026_02": 2}
    assert dropped(did) == (3, 0, 2, 1, 1)
    assert counts(past) == {"jobs": 2, "batches": 0, "chunks": 0, "dead_letters": 0, "verdicts": 1}
    assert partitions(past) == {"verdicts_2026_03", "verdicts_2026_04"}
    assert dropped(prune(past, BEFORE)) == (0, 0, 0, 0, 0)
    assert store_verdict(past, verdict(waiting.id, OLD))


def test_trails_of_what_people_did_go_by_an_age_of_their_own(past: Engine) -> None:
    for _ in range(3):
        record_fact_view(past, viewer="ada", address="::1", domain="x", subject_id=uuid.uuid4(), unmasked=False)
        with past.begin() as connection:
            record_action(connection, Operator("ada", "::1"), "drop", {}, [uuid.uuid4()])
    with past.begin() as connection:
        connection.execute(text("update fact_views set viewed_at = :old where id < 3"), {"old": OLD})
        connection.execute(text("update operator_actions set acted_at = :old where id = 1"), {"old": OLD})

    def left() -> tuple[int, int]:
        return len(rows(past, fact_views)), len(rows(past, operator_actions))

    # Nobody asked for it: they outlive what they are about.
    assert prune(past, BEFORE).trails == {}
    assert prune(past, BEFORE, trails_before=OLD).trails == {"fact_views": 0, "operator_actions": 0}
    would = prune(past, BEFORE, trails_before=BEFORE, dry_run=True)
    assert left() == (3, 3)
    assert would == prune(past, BEFORE, trails_before=BEFORE)
    assert would.to_json()["trails"] == {"fact_views": 2, "operator_actions": 1}
    assert left() == (1, 2)


def test_the_month_of_an_open_batch_stays_with_its_verdicts(past: Engine) -> None:
    batch = open_batch(past, OLD)
    done = prune(past, BEFORE)
    assert (done.kept, done.partitions) == (["verdicts_2026_01"], {"verdicts_2026_02": 0})
    assert counts(past)["verdicts"] == 1
    judge_row(past, batch, 1, OLD)
    assert prune(past, BEFORE).partitions == {"verdicts_2026_01": 2}
    assert counts(past) == dict.fromkeys(counts(past), 0)


def test_what_a_young_dead_letter_is_about_stays_until_that_is_old_too(settings: Settings, past: Engine) -> None:
    dead_job(settings, past)
    age(past, "jobs", OLD)
    batch = open_batch(past, OLD)
    kill_row(past, batch, 1)
    assert dropped(prune(past, BEFORE)) == (0, 0, 0, 0, 0)
    age(past, "dead_letters", OLD, kind="row")
    assert dropped(prune(past, BEFORE)) == (1, 0, 0, 1, 1)
    age(past, "dead_letters", OLD)
    assert dropped(prune(past, BEFORE)) == (0, 0, 1, 0, 1)


def test_the_letter_of_a_batch_that_is_open_stays(past: Engine) -> None:
    batch = batch_of_rows(past, "a", "b")
    kill_row(past, batch, 0)
    age(past, "batches", OLD)
    age(past, "dead_letters", OLD)
    assert dropped(prune(past, BEFORE)) == (0, 0, 0, 0, 0)


def test_verdicts_that_fell_into_no_month_go_by_age(settings: Settings, past: Engine) -> None:
    nowhere = datetime(2025, 6, 1, tzinfo=UTC)
    judged_job(settings, past, nowhere)
    open_batch(past, nowhere)
    assert dropped(prune(past, BEFORE)) == (0, 1, 1, 0, 0)
    assert counts(past)["verdicts"] == 1


def test_many_rows_go_in_portions(settings: Settings, past: Engine) -> None:
    with past.begin() as connection:
        about = {"domain": "pricing", "source": "x", "rows": 0, "chunks": 0, "as_of": OLD, "state": "done"}
        many = [{"id": uuid.uuid4(), "enqueued_at": OLD, **about} for _ in range(50)]
        connection.execute(batches.insert(), many)
    assert prune(past, BEFORE).batches == 50


def test_who_reads_a_partition_is_not_waited_for_for_ever(past: Engine) -> None:
    with past.connect() as reader:
        reader.execute(text("select count(*) from verdicts"))
        with pytest.raises(PartitionBusy, match="verdicts_2026_01 was in use"):
            prune(past, BEFORE, lock_s=0.1)
    assert "verdicts_2026_01" in prune(past, BEFORE).partitions


def test_it_can_run_twice_at_once(settings: Settings, past: Engine) -> None:
    for _ in range(20):
        judged_job(settings, past, OLD)
    threads = [threading.Thread(target=prune, args=(past, BEFORE)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(past) == dict.fromkeys(counts(past), 0)
    assert partitions(past) == {"verdicts_2026_03", "verdicts_2026_04"}


@pytest.mark.parametrize(
    ("days", "kept"),
    [(1, "2026-11-01"), (22, "2026-11-01"), (23, "2026-10-01"), (90, "2026-08-01"), (365, "2025-11-01")],
)
def test_whole_months_are_kept(days: int, kept: str) -> None:
    assert f"{first_kept(datetime(2026, 11, 23, 12, tzinfo=UTC), timedelta(days=days)):%Y-%m-%d}" == kept


def test_a_draft_goes_when_it_is_old_and_nothing_names_it(settings: Settings, past: Engine) -> None:
    names = ["active", "parent", "scheduled", "shadow", "over", "job", "batch", "verdict", "copied", "again", "young"]
    names += ["unused", "other"]
    # A digest is one domain's: what names it in another names another.
    drafts = {name: RulesetSnapshot("pricing" if name == "other" else "payment", name, {}) for name in names}
    job, batch = add_job(settings), batch_of_rows(past, "a")
    with past.begin() as connection:
        for draft in drafts.values():
            record_ruleset(connection, draft)
        connection.execute(text("update rulesets set published_at = :then where digest <> 'young'"), {"then": OLD})
        add_copy(connection, "eu")
        record_ruleset(connection, drafts["again"])
        connection.execute(text("update jobs set digest = 'job' where id = :id"), {"id": job.id})
        connection.execute(
            text("update batches set domain = 'payment', digest = 'batch' where id = :id"), {"id": batch}
        )
    publish(past, [drafts["parent"]])
    publish(past, [drafts["active"]])
    publish(past, [drafts["scheduled"]], at=datetime(2099, 1, 1, tzinfo=UTC))
    start_shadow(past, Shadow("payment", "shadow", 0.1))
    start_shadow(past, Shadow("pricing", "over", 0.1))
    assert store_verdict(past, verdict(job.id, YOUNG, ruleset_digest="verdict"))
    with past.begin() as connection:
        connection.execute(text("insert into verdicts_eu select * from verdicts"))
        connection.execute(text("update verdicts_eu set ruleset_digest = 'copied'"))
    would = prune(past, BEFORE, dry_run=True)
    assert prune(past, BEFORE).drafts == would.drafts
    with past.connect() as connection:
        left = set(connection.execute(text("select digest from rulesets")).scalars())
    assert set(names) - left == {"over", "unused", "other"}
