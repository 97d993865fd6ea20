"""What judges is one version or the other, changed by one at a time, and each change is on a trail that shows edits."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from rulefarm.database import active_digests
from rulefarm.errors import NotFound
from store.migrate import migrate
from store.publication_trail import history, verify_trail
from store.publications import activate, activate_due, publish, rollback
from store.ruleset_versions import RulesetSnapshot, find_digest
from store.schedules import PublicationRefused, cancel_schedule, pending_schedules
from tests.store.test_migrations import downgrade


def version(digest: str, domain: str = "shop") -> RulesetSnapshot:
    """A ruleset whose text is its digest."""
    return RulesetSnapshot(domain, digest, {"a.grl": digest.encode(), "b.xlsx": b"\xff" + digest.encode()})


def actions(database: Engine) -> list[tuple[str, str, str | None]]:
    """What was done, the oldest first."""
    return [(one.action, one.digest, one.parent) for one in reversed(history(database))]


def later(seconds: float = 3600) -> datetime:
    """A moment to come."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_what_somebody_else_published_meanwhile_is_not_replaced(database: Engine) -> None:
    publish(database, [version("one")], parents={"shop": None})
    publish(database, [version("two")], parents={"shop": "one"})
    with pytest.raises(PublicationRefused, match="two is active"):
        publish(database, [version("new", "other"), version("three")], parents={"shop": "one", "other": None})
    with pytest.raises(PublicationRefused, match="two is active"):
        publish(database, [version("three")], parents={"shop": None})
    assert active_digests(database) == {"shop": "two"}
    with pytest.raises(NotFound):
        find_digest(database, "new")


def test_of_many_who_publish_on_the_same_version_at_once_one_does(database: Engine) -> None:
    publish(database, [version("one")])

    def attempt(n: int) -> bool:
        try:
            return publish(database, [version(f"new{n}")], parents={"shop": "one"}) == ["shop"]
        except PublicationRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(attempt, range(8)))
    assert won.count(True) == 1
    assert active_digests(database) == {"shop": f"new{won.index(True)}"}
    assert verify_trail(database).problems == ()


def test_rolling_back_twice_goes_two_versions_back(database: Engine) -> None:
    for digest in ("one", "two", "three"):
        publish(database, [version(digest)])
    assert rollback(database, "shop", by="me", note="wrong").digest == "three"
    assert active_digests(database) == {"shop": "two"}
    assert rollback(database, "shop").digest == "two"
    assert active_digests(database) == {"shop": "one"}
    with pytest.raises(PublicationRefused) as refused:
        rollback(database, "shop")
    assert refused.value.code == "nothing-before"
    # What was rolled back may go live again, and be taken back again.
    assert activate(database, "shop", "three")
    assert not activate(database, "shop", "three")
    rollback(database, "shop")
    assert active_digests(database) == {"shop": "one"}
    assert actions(database)[3:] == [
        ("rollback", "two", "three"),
        ("rollback", "one", "two"),
        ("activate", "three", "one"),
        ("rollback", "one", "three"),
    ]
    assert verify_trail(database).problems == ()


def test_a_version_that_is_not_on_record_cannot_become_active(database: Engine) -> None:
    publish(database, [version("one"), version("two", "other")])
    with pytest.raises(NotFound):
        activate(database, "shop", "two")
    with pytest.raises(PublicationRefused):
        rollback(database, "nobody")


def test_a_schedule_is_carried_out_once_when_it_is_due_and_not_before(database: Engine) -> None:
    publish(database, [version("one")])
    at = later()
    assert publish(database, [version("two")], at=at, by="me", note="December") == ["shop"]
    assert active_digests(database) == {"shop": "one"}
    assert activate_due(database) == []
    assert [(one.digest, one.active_from) for one in pending_schedules(database)] == [("two", at)]
    with pytest.raises(PublicationRefused) as refused:
        publish(database, [version("three")], at=later())
    assert refused.value.code == "schedule-pending"
    cancel_schedule(database, "shop", by="you")
    assert activate(database, "shop", "two", at=later(-1), by="me", note="at once") is True
    with ThreadPoolExecutor(4) as pool:
        done = [one.digest for found in pool.map(lambda _: activate_due(database), range(4)) for one in found]
    assert done == ["two"]
    assert active_digests(database) == {"shop": "two"}
    [newest, *_] = history(database, "shop", limit=1)
    assert (newest.action, newest.published_by, newest.note) == ("activate", "me", "at once")
    assert verify_trail(database).problems == ()


def test_a_schedule_does_not_outlive_what_it_was_made_for(database: Engine) -> None:
    publish(database, [version("one")])
    publish(database, [version("two")], at=later())
    publish(database, [version("three")])
    assert pending_schedules(database) == []
    assert ("cancel", "two", "one") in actions(database)
    with pytest.raises(NotFound) as nothing:
        cancel_schedule(database, "shop")
    assert nothing.value.code == "no-schedule"


def test_a_schedule_is_skipped_if_a_release_that_knows_none_published_before(database: Engine) -> None:
    publish(database, [version("one"), version("two")][:1])
    publish(database, [version("two")], at=later(-1))
    with database.begin() as connection:
        connection.execute(text("update active_rulesets set digest = 'else'"))
    assert activate_due(database) == []
    assert active_digests(database) == {"shop": "else"}
    assert actions(database)[-1][:2] == ("skip", "two")


EDITS = {
    "a note": "update publications set note = 'x' where id = (select min(id) from publications)",
    "who": "update publications set published_by = 'x' where id = (select max(id) from publications)",
    "when": "update publications set published_at = published_at + interval '1 microsecond' where note = 'second'",
    "a rule": "update rulesets set source = jsonb_set(source, '{a.grl}', '\"x\"') where digest = 'one'",
    "a row that is gone": "delete from publications where note = 'second'",
    "the last row": "delete from publications where id = (select max(id) from publications)",
    "what is active": "update active_rulesets set digest = 'one'",
    "a domain that nobody published": "insert into active_rulesets (domain, digest) values ('ghost', 'one')",
    "a row without a hash": "insert into publications (domain, digest) values ('shop', 'three')",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_whoever_edits_the_trail_is_seen(database: Engine, edit: str) -> None:
    for digest, note in (("one", "first"), ("two", "second"), ("three", "third")):
        publish(database, [version(digest)], by="me", note=note)
    trail = verify_trail(database)
    assert (trail.length, trail.problems) == (3, ())
    with database.begin() as connection:
        connection.execute(text(edit))
    assert verify_trail(database).problems


def test_a_trail_of_before_is_chained_by_the_migration(database: Engine) -> None:
    downgrade(database, "0013")
    with database.begin() as connection:
        for digest in ("one", "two"):
            connection.execute(
                text("insert into rulesets (domain, digest, source) values ('shop', :digest, :source)"),
                {"digest": digest, "source": '{"b": "größe", "a": {"base64": "/w=="}}'},
            )
            connection.execute(
                text("insert into publications (domain, digest, note) values ('shop', :digest, :note)"),
                {"digest": digest, "note": uuid.uuid4().hex},
            )
        connection.execute(text("insert into active_rulesets (domain, digest) values ('shop', 'two')"))
    migrate(database)
    assert verify_trail(database).problems == ()
    assert rollback(database, "shop").digest == "two"
    assert verify_trail(database).problems == ()
    assert [one.hash is not None for one in history(database)] == [True] * 3


def test_a_digest_is_found_by_its_beginning(database: Engine) -> None:
    publish(database, [version("aa11"), version("aa22", "other")])
    assert find_digest(database, "aa1") == ("shop", "aa11")
    assert find_digest(database, "AA22") == ("other", "aa22")
    assert find_digest(database, "aa", "other") == ("other", "aa22")
    for beginning in ("aa", "bb", "%", "a_"):
        with pytest.raises(NotFound):
            find_digest(database, beginning)
