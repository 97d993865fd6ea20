"""What whoever operates a farm types: dead letters, jobs, batches, retention, on a farm that runs."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.attempts import LeaseTerms, fail_job
from store.dead_letters import Failure, record_message
from store.partitions import ensure_partitions
from tests.cli.conftest import OnFarm
from tests.processes import until
from tests.store.dying import batch_of_rows, dead_job, kill_row
from workers.monitoring import worker_states

LAST = LeaseTerms(worker="w@here", lease_s=60, max_attempts=1)
NO_BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture
def quiet(on: Callable[[Settings], OnFarm], settings: Settings) -> OnFarm:
    """Commands on a farm of which nothing runs but its services."""
    return on(settings)


def test_a_dead_job_is_listed_shown_retried_and_judged(on_farm: OnFarm, farm: Farm, farm_database: Engine) -> None:
    key, code = uuid.uuid4().hex, f"code-{uuid.uuid4().hex[:8]}"
    # Written in a transaction of ours, so that no worker hears of it before it is dead.
    with farm_database.begin() as connection:
        job = farm.submit("payment", {"Order": {"total": 1}}, key=key, connection=connection)
        connection.execute(text("update jobs set resend_at = now() + interval '1 hour' where id = :id"), {"id": job.id})
    assert fail_job(farm_database, job.id, LAST, Failure(code, "it was killed"), attempt=1)
    [letter] = json.loads(on_farm("dead-letters", "list", "--code", code, "--json"))
    assert (letter["id"], letter["kind"], letter["subject"]) == (str(job.id), "job", key)
    assert key in on_farm("dead-letters", "list", "--domain", "payment", "--code", code)
    shown = on_farm("dead-letters", "show", job.id)
    assert f"[{code}] it was killed" in shown
    assert "after 1 attempt, the last by w@here" in shown
    assert on_farm("jobs", "show", key).startswith(f"dead payment {key}\n")
    assert on_farm("dead-letters", "retry", job.id) == "1 tried again\n"
    assert job.wait(30).outcome == "accept"
    shown = on_farm("jobs", "show", job.id)
    assert shown.startswith(f"done payment {key}\n")
    assert f"accept payment {key}" in shown
    document = json.loads(on_farm("jobs", "show", key, "--json"))
    assert document["verdict"]["outcome"] == "accept"
    # Programs of the release before read the old keys.
    assert document["job"]["times_sent"] == document["job"]["rings"] >= 1
    assert document["job"]["resend_in_s"] == document["job"]["ring_s"]
    assert "there is no dead letter" in on_farm("dead-letters", "retry", job.id, code=1)


def test_letters_are_retried_and_dropped_by_what_they_say(quiet: OnFarm, settings: Settings, database: Engine) -> None:
    for n in range(3):
        dead_job(settings, database, subject=str(n))
    record_message(database, Failure("unknown-task", "none such"), worker="w@here", domain="payment", content="{}")
    [message] = json.loads(quiet("dead-letters", "list", "--code", "unknown-task", "--json"))
    assert "refused message, which can't be tried again" in quiet("dead-letters", "retry", message["id"], code=1)
    assert "no domain 'pricing'" in quiet("dead-letters", "retry", "--domain", "pricing", code=1)
    assert quiet("dead-letters", "retry", "--domain", "payment", "--code", "none") == "0 tried again\n"
    assert quiet("dead-letters", "retry", "--all") == (
        "3 tried again, 1 left: refused messages, or no longer on record\n"
    )
    assert json.loads(quiet("dead-letters", "drop", "--code", "unknown-task", "--yes", "--json")) == {"dropped": 1}
    assert quiet("dead-letters", "list", "--json") == "[]\n"
    [done] = json.loads(quiet("dead-letters", "history", message["id"], "--json"))
    assert (done["action"], done["asked"], done["letters"]) == ("drop", {"code": "unknown-task"}, [message["id"]])
    assert f"drop\t1\tcode unknown-task\t{done['operator']}" in quiet("dead-letters", "history")


def test_what_can_not_be_undone_is_asked_about_first(quiet: OnFarm, settings: Settings, database: Engine) -> None:
    ids = [dead_job(settings, database, subject=str(n)) for n in range(3)]
    assert "drop 3 dead letters for good?" in quiet("dead-letters", "drop", "--all", stdin="n\n", code=1)
    assert "Aborted" in quiet("dead-letters", "drop", "--all", code=1)
    assert quiet("dead-letters", "drop", ids[0]) == "1 dropped\n"
    assert quiet("dead-letters", "drop", "--all", stdin="y\n").endswith("2 dropped\n")


def test_without_a_broker_what_is_retried_is_due_and_whoever_did_it_knows(
    on: Callable[[Settings], OnFarm], settings: Settings, database: Engine
) -> None:
    dead_job(settings, database)
    batch = batch_of_rows(database, "a")
    away = on(settings)
    said = away("dead-letters", "retry", "--all", code=3, RULEFARM_BROKER_URL=NO_BROKER)
    assert "1 tried again" in said
    assert "on record, but the broker does not answer" in said
    said = away("batch", "resume", batch, code=3, RULEFARM_BROKER_URL=NO_BROKER)
    assert "1 chunk resumed" in said
    assert "on record, but the broker does not answer" in said
    assert [job["state"] for job in json.loads(away("jobs", "list", "--json"))] == ["open"]


def test_a_batch_is_resumed_and_its_dead_rows_are_counted(quiet: OnFarm, database: Engine, settings: Settings) -> None:
    batch = batch_of_rows(database, *"abc")
    kill_row(database, batch, 1)
    assert json.loads(quiet("batch", "resume", batch, "--json")) == {
        "batch": str(batch), "state": "open", "resumed": 2, "dead": 1
    }  # fmt: skip
    shown = quiet("batch", "show", batch)
    assert "open, 1 of 3" in shown
    assert "dead" in shown
    assert f"rulefarm dead-letters list --batch {batch}" in shown
    assert "no batch" in quiet("batch", "resume", uuid.uuid4(), code=1)


def test_a_resumed_batch_is_judged(on_farm: OnFarm, farm: Farm, farm_database: Engine, tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("sku,price,cost\na,1,5\n")
    batch = on_farm("batch", "pricing", "products.csv", "--no-wait").strip()
    on_farm("batch", "resume", batch)
    until(lambda: farm.batch(batch)["state"] == "done")
    assert "0 chunks resumed" in on_farm("batch", "resume", batch)
    [row] = json.loads(on_farm("verdicts", "--batch", batch, "--json"))
    told = on_farm("jobs", "show", row["id"])
    assert "row of batch" in told
    assert "1 counted attempt, sent 1 time" in told


def test_open_jobs_are_listed(quiet: OnFarm, settings: Settings, database: Engine) -> None:
    dead_job(settings, database, subject="gone")
    assert "gone" not in quiet("jobs", "list")
    assert "gone" in quiet("jobs", "list", "--state", "dead")
    assert "worker-lost" in quiet("jobs", "list", "--state", "dead", "--domain", "payment")
    assert json.loads(quiet("jobs", "list", "--json")) == []
    assert "no job 4711 is on record" in quiet("jobs", "show", "4711", code=1)


def test_old_months_are_pruned_and_what_was_dropped_is_said(
    quiet: OnFarm, settings: Settings, database: Engine
) -> None:
    with database.begin() as connection:
        ensure_partitions(connection, datetime(2024, 1, 1, tzinfo=UTC))
    dead_job(settings, database)
    with database.begin() as connection:
        for table, column in (("jobs", "enqueued_at"), ("dead_letters", "died_at")):
            connection.execute(text(f"update {table} set {column} = '2024-01-05T00:00:00Z'"))
    would = json.loads(quiet("prune", "--older-than", "52w", "--dry-run", "--json"))
    did = json.loads(quiet("prune", "--older-than", "52w", "--json"))
    assert (would.pop("dry_run"), did.pop("dry_run")) == (True, False)
    assert would == did
    assert did["partitions"] == {f"verdicts_2024_0{month}": 0 for month in range(1, 5)}
    assert (did["jobs"], did["dead_letters"]) == (1, 1)
    assert quiet("prune", "--older-than", "90d").startswith("dropped what was submitted before ")
    assert "views of facts by people" in quiet("prune", "--older-than", "90d", "--trails-older-than", "90d")


def test_nobody_waits_for_more_answers_than_workers_were_asked(running_farm: Settings) -> None:
    began = time.monotonic()
    assert len(worker_states(running_farm, timeout_s=200)) == 2
    assert time.monotonic() - began < 100


def test_status_tells_of_dead_letters_limits_and_the_reconciler(on_farm: OnFarm) -> None:
    until(lambda: json.loads(on_farm("status", "--json"))["reconciler"])
    state = json.loads(on_farm("status", "--json"))
    assert state["queue_limit"] == 10_000
    assert state["reconciler"]["sent"] == state["reconciler"]["rung"] >= 0
    assert all(told["dead_letters"] >= 0 for told in state["domains"].values())
    assert "the reconciler ran " in on_farm("status")
