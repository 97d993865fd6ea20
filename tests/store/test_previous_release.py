"""A database of the release before, as its own programs left it, is migrated and serves; nothing in it is lost.

`release_0_1_0.sql` is a dump of a farm of 0.1.0 (revision 0003): workers of that release judged jobs and a batch; two
jobs and a batch wait, of which one job was begun by a worker that died; a job and a row of a batch are dead letters."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from rulefarm.database import metadata, verdicts
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.dead_letter_retry import LetterFilter, find_letters
from store.migrate import is_current
from store.migrations.filter import ours
from store.publication_trail import verify_trail
from tasks.verify_verdicts import VerdictVerifier
from tests.cli.conftest import OnFarm, on, run
from tests.inline_worker import take_what_is_due, working
from tests.rows import rows

DUMP = Path(__file__).parent / "release_0_1_0.sql"
#: What workers of 0.1.0 said.
JUDGED = {
    "accepted": "accept",
    "looked at": "review",
    "zoë": "reject",
    "no total": "error",
    "c1": "reject",
    "bad": "error",
}
JUDGED |= {f"p{n}": "reject" if n < 5 else "accept" for n in range(9)}
#: What is left for those of this release.
WAITING = {"waits": "reject", "was begun": "accept"} | {f"q{n}": "reject" if n < 5 else "accept" for n in range(6)}
DEAD = {"poison": "reject", "r0": "reject"}

__all__ = ["on", "run"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With queues that nobody else takes from."""
    return replace(settings, queue_prefix="previous")


@pytest.fixture
def say(settings: Settings, database: Engine, on: Callable[[Settings], OnFarm]) -> OnFarm:
    """Run `rulefarm` on the database of 0.1.0, migrated."""
    with database.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
        connection.exec_driver_sql(DUMP.read_text("utf-8").replace("%", "%%"))
    call = on(settings)
    call("migrate")
    return call


def on_record(database: Engine) -> dict[str, str]:
    return {row.subject: row.outcome for row in rows(database, verdicts)}


def test_it_is_migrated_and_what_it_holds_is_read_by_the_commands_of_this_release(
    say: OnFarm, database: Engine
) -> None:
    assert is_current(database)
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, metadata) == []
    assert on_record(database) == JUDGED
    listed = json.loads(say("verdicts", "--limit", "99", "--json"))
    assert {one["subject"]: one["outcome"] for one in listed} == JUDGED
    [credit] = [one for one in listed if one["subject"] == "c1"]
    assert credit["shared_facts"]["Customer"] == {"blocked": False, "household_id": "h1", "limit": 500}
    assert "Big" in say("explain", "zoë")
    assert "open" in say("jobs", "show", "waits")
    letters = json.loads(say("dead-letters", "list", "--json"))
    assert {(one["subject"], one["code"]) for one in letters} == {(subject, "worker-lost") for subject in DEAD}


def test_it_serves_what_waited_what_was_dead_and_what_comes(say: OnFarm, settings: Settings, database: Engine) -> None:
    with working(settings, database) as worker:
        take_what_is_due(worker)
        assert on_record(database) == JUDGED | WAITING
        say("dead-letters", "retry", "--all")
        take_what_is_due(worker)
        assert on_record(database) == JUDGED | WAITING | DEAD
        assert find_letters(database, LetterFilter()) == []
        with Farm(settings) as farm:
            farm.submit("payment", {"Order": {"total": 7}}, key="new")
        take_what_is_due(worker)
    assert on_record(database)["new"] == "accept"
    # Those of the release before follow from what is on record, too.
    found = VerdictVerifier(database).run()
    assert (found.judged, found.mismatches) == (len(JUDGED | WAITING | DEAD) + 1, [])
    assert verify_trail(database).problems == ()
