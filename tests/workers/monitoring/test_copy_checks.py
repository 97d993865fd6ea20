"""What the doctor says of verdicts that are copied between regions, whatever becomes of a copy."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from store.region_tables import columns_changing
from store.replication import heal, set_up, take_down
from store.replication_state import copies_of, held_for
from store.schema_changes import LOCK_S, schema_change
from tests.processes import until
from tests.store.replicated_regions import World, some, two_copies
from tests.store.test_region_verdicts import judge
from workers.monitoring import copy_checks
from workers.monitoring.health_check import HealthCheck


@pytest.fixture(scope="module")
def world(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_copies(tmp_path_factory.mktemp) as found:
        yield found


def copy_of(world: World, here: str) -> HealthCheck:
    [check] = [check for check in world.checks(here) if check.check == "copies"]
    return check


def change(world: World, region: str, statement: str) -> None:
    """Change the columns of a region's verdicts, as a migration does."""
    with schema_change(world.engines[region], LOCK_S, "") as connection, columns_changing(connection):
        connection.exec_driver_sql(statement)


def lose_the_place(world: World) -> None:
    """Stop what us copies, and have sg drop what it keeps for it."""
    world.alone("us", "alter subscription rulefarm_sg disable")

    def dropped() -> bool:
        with world.engines["sg"].begin() as connection:
            slots = connection.execute(text("select slot_name from pg_replication_slots where not active"))
            for name in slots.scalars().all():
                connection.execute(text("select pg_drop_replication_slot(:name)"), {"name": name})
        return not held_for(world.engines["sg"])

    until(dropped, 120)


def test_a_copy_that_is_late_and_log_that_is_kept_are_told_in_seconds_and_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(world.are_level, 120)
    for name in ("_LATE_S", "_LATE_BYTES", "_MUCH"):
        monkeypatch.setattr(copy_checks, name, -1)
    late, much = world.checks("us")
    assert (late.status, much.status) == ("warn", "warn")
    assert re.search(r"late, \d+ s and \d+\.\d MiB of log behind", late.message)
    assert re.search(r"\d+\.\d of 2,048 MiB of log are kept for sg", much.message)


def test_a_copy_is_behind_by_the_verdicts_that_are_to_come_and_not_by_how_long_none_came(world: World) -> None:
    def behind_s() -> float | None:
        [copy] = copies_of(world.engines["us"], "us", world.peers("us"))
        return copy.behind_s

    until(world.are_level, 120)
    world.alone("us", "alter subscription rulefarm_sg disable")
    assert (world.state("us"), behind_s()) == ("stopped", 0.0)
    # After a quiet hour one more; twenty seconds later the next.
    judge(world.engines["sg"], [(some(1)[0], 1, 3_600)], "sg")
    assert behind_s() == 0.0
    judge(world.engines["sg"], [(some(1)[0], 1, 3_620)], "sg")
    assert behind_s() == 20.0
    assert re.search(r"stopped: .*, 20 s and \d+\.\d MiB of log behind", copy_of(world, "us").message)
    assert heal(world.engines["us"], "us", world.peers("us")) == [("sg", "started")]
    until(lambda: world.state("us") == "following" and world.are_level(), 120)


def test_a_copy_that_can_not_take_what_comes_is_interrupted_until_it_can(world: World) -> None:
    change(world, "sg", "alter table verdicts add column later text default 'x'")
    world.judge("sg", some())
    until(lambda: world.state("us") == "interrupted", 120)
    check = copy_of(world, "us")
    assert (check.status, check.subject) == ("warn", "sg")
    assert check.message.startswith("the copy is interrupted")
    assert "'rulefarm migrate' in both regions" in check.hint
    assert not world.are_level()
    change(world, "us", "alter table verdicts add column later text default 'x'")
    until(lambda: world.state("us") == "following" and world.are_level(), 120)
    assert copy_of(world, "us").status == "ok"


def test_what_was_there_before_is_being_copied_and_where_that_fails_it_is_interrupted(world: World) -> None:
    lose_the_place(world)
    with world.engines["us"].begin() as connection:
        # Nobody writes to the copy meanwhile, though everybody may read.
        connection.execute(text("lock table verdicts_sg in share mode"))
        assert heal(world.engines["us"], "us", world.peers("us")) == [("sg", "begun anew")]
        # Somebody is at it, and waits.
        working = text("select count(*) from pg_stat_subscription where worker_type = 'table synchronization'")
        until(lambda: connection.execute(working).scalar_one() == 1, 120)
        assert world.state("us") == "copying"
        check = copy_of(world, "us")
        assert (check.status, check.message) == ("ok", "what was there before is being copied")
    until(lambda: world.state("us") == "following" and world.are_level(), 120)
    lose_the_place(world)
    change(world, "sg", "alter table verdicts add column even_later text default 'x'")
    world.judge("sg", some())
    heal(world.engines["us"], "us", world.peers("us"))
    until(lambda: world.state("us") == "interrupted", 120)
    assert copy_of(world, "us").status == "warn"
    change(world, "us", "alter table verdicts add column even_later text default 'x'")
    until(lambda: world.state("us") == "following" and world.are_level(), 120)


def test_what_was_kept_for_a_region_and_is_gone_is_told_on_both_sides(world: World) -> None:
    until(world.are_level, 120)
    world.alone("us", "alter subscription rulefarm_sg disable")
    until(lambda: [each.active for each in held_for(world.engines["sg"])] == [False], 60)
    # Where it is: Postgres gives up what nobody fetched for so long, when it next writes all to disk.
    world.administer("sg", "alter system set idle_replication_slot_timeout = '1s'", "select pg_reload_conf()")

    def given_up() -> bool:
        world.administer("sg", "checkpoint")
        return [each.kept_bytes for each in held_for(world.engines["sg"])] == [None]

    until(given_up, 60)
    world.administer("sg", "alter system reset idle_replication_slot_timeout", "select pg_reload_conf()")
    [kept] = world.slots("sg")
    assert (kept.status, kept.subject) == ("warn", "us")
    assert kept.message == "what was kept for us is gone: it was away for too long"
    assert "run 'rulefarm regions heal' in us, or, if us is given up" in kept.hint
    assert world.state("us") == "lost"
    assert "all is sent again" in copy_of(world, "us").hint
    assert "dropped: it has to begin anew" in world.run("sg", "status")
    world.judge("sg", some())
    world.run("us", "heal")
    until(lambda: world.state("us") == "following" and world.are_level(), 120)
    until(lambda: [check.status for check in world.slots("sg")] == ["ok"], 60)


def test_a_region_that_publishes_nothing_is_named_and_one_that_was_not_begun_is_begun_by_what_is_said(
    world: World,
) -> None:
    take_down(world.engines["us"], world.peers("us"))
    # Whose verdicts are not copied is told nothing.
    assert world.checks("us") == []
    check = copy_of(world, "sg")
    assert (check.status, check.subject) == ("warn", "us")
    assert check.message == "the copy has nothing to copy: us publishes nothing"
    assert check.hint == "run 'rulefarm regions init' in us"
    set_up(world.engines["us"], "us", {})
    check = copy_of(world, "us")
    # There is no place yet for what it would copy.
    assert (check.message, check.hint) == ("the copy was not begun", "run 'rulefarm regions init' here")
    world.run("us", "init")
    heal(world.engines["sg"], "sg", world.peers("sg"))
    until(lambda: [world.state(name) for name in ("sg", "us")] == ["following"] * 2 and world.are_level(), 120)
