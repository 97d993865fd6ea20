"""Verdicts are copied from region to region: all of them, none twice, whatever stops it meanwhile."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, text

from rulefarm.database import connect
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from store.migrate import alembic_config, is_current, migrate
from store.partitions import ensure_partitions
from store.region_tables import columns_changing
from store.region_verdicts import AllRegions, union_of
from store.replication import heal, set_up, take_down
from store.replication_state import ReplicationRefused, copies_of, held_for
from store.retention import prune
from store.schema_changes import LOCK_S, schema_change
from tests.processes import until
from tests.store.replicated_regions import NO_BROKER, OTHER, World, some, two_copies
from tests.store.test_region_verdicts import find, judge
from workers.monitoring.copy_checks import check_copies
from workers.monitoring.row_checks import check_partitions


@pytest.fixture(scope="module")
def world(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_copies(tmp_path_factory.mktemp) as found:
        yield found


def test_what_was_there_and_what_comes_is_in_both(world: World) -> None:
    assert min(len(world.rows(here, of)) for here in OTHER for of in OTHER) >= 5
    # What both judge is a row of each, and stops nobody.
    both = some()
    world.judge("sg", [*some(), *both])
    world.judge("us", [*some(), *both])
    until(world.are_level, 120)
    told = json.loads(world.run("us", "status", "--json"))
    [copy], [kept] = told["copies"], told["kept"]
    assert (told["region"], copy["region"], kept["region"], kept["active"]) == ("us", "sg", "sg", True)
    assert (copy["state"], copy["behind_s"]) == ("following", 0.0)
    assert "following" in world.run("us", "status")
    assert [(check.check, check.status, check.subject) for check in world.checks("us")] == [
        ("copies", "ok", "sg"),
        ("slots", "ok", "sg"),
    ]
    assert world.run("us", "heal") == "nothing to heal\n"


def _disabled(world: World) -> None:
    world.alone("us", "alter subscription rulefarm_sg disable")


def _slot_gone(world: World) -> None:
    _disabled(world)
    _drop_slots(world)


def _subscription_gone(world: World) -> None:
    _disabled(world)
    world.alone("us", "alter subscription rulefarm_sg set (slot_name = none)", "drop subscription rulefarm_sg")


def _rows_gone(world: World) -> None:
    _slot_gone(world)
    with world.engines["us"].begin() as connection:
        connection.execute(text("delete from verdicts_sg where id in (select id from verdicts_sg limit 3)"))


def _slot_of_nobody(world: World) -> None:
    _slot_gone(world)
    with world.engines["sg"].begin() as connection:
        farm = connection.execute(text("select left(uuid::text, 8) from farm")).scalar_one()
        connection.execute(text(f"select pg_create_logical_replication_slot('rulefarm_us_{farm}', 'pgoutput')"))
    _subscription_gone(world)


def _drop_slots(world: World) -> None:
    def dropped() -> bool:
        with world.engines["sg"].begin() as connection:
            slots = "select slot_name from pg_replication_slots where not active"
            for name in connection.execute(text(slots)).scalars().all():
                connection.execute(text("select pg_drop_replication_slot(:name)"), {"name": name})
            return not held_for(world.engines["sg"])

    until(dropped, 120)


def test_a_month_of_a_copy_that_is_not_there_is_named(world: World) -> None:
    with world.engines["us"].begin() as connection:
        [month] = connection.execute(text("select to_char(now() + interval '1 month', 'YYYY_MM')")).scalars()
        connection.execute(text(f"drop table verdicts_sg_{month}"))
    [check] = check_partitions(world.engines["us"])
    assert (check.status, f"verdicts_sg_{month}" in check.message) == ("warn", True)
    migrate(world.engines["us"])
    assert check_partitions(world.engines["us"])[0].status == "ok"


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (_disabled, "stopped"),
        (_slot_gone, "lost"),
        (_subscription_gone, "none"),
        (_rows_gone, "lost"),
        (_slot_of_nobody, "none"),
    ],
)
def test_a_copy_that_stopped_is_healed_and_nothing_is_missing_or_there_twice(
    world: World, fault: Callable[[World], None], seen: str
) -> None:
    until(world.are_level, 120)
    fault(world)
    world.judge("sg", some())
    until(lambda: world.state("us") == seen, 120)
    assert not world.are_level()
    [copy] = [check for check in world.checks("us") if check.check == "copies"]
    assert (copy.status, copy.subject, "rulefarm regions" in copy.hint) == ("warn", "sg", True)
    # Of what is kept for nobody the region that keeps it tells, if it still keeps it.
    expected = [] if fault in (_slot_gone, _rows_gone) else [("warn", True)]
    until(lambda: [(each.status, "nobody fetches" in each.message) for each in world.slots("sg")] == expected, 60)
    heal(world.engines["us"], "us", world.peers("us"))
    until(lambda: world.state("us") == "following" and world.are_level(), 120)
    world.judge("sg", some())
    until(world.are_level, 120)


def test_a_region_that_was_restored_judges_again_what_others_have_and_stops_nobody(world: World) -> None:
    lost = some()
    world.judge("sg", lost)
    until(world.are_level, 120)
    with world.engines["sg"].begin() as connection:
        connection.execute(text("delete from verdicts where id = any(:lost)"), {"lost": lost})
    assert not world.are_level()
    world.judge("sg", lost + some())
    until(world.are_level, 120)


def test_columns_change_in_one_region_after_the_other(world: World) -> None:
    def change(region: str, statement: str) -> None:
        with schema_change(world.engines[region], LOCK_S, "") as connection, columns_changing(connection):
            connection.exec_driver_sql(statement)

    for statement in (
        "alter table verdicts add column later text default 'x'",
        "create index ix_verdicts_later on verdicts (later)",
        "alter table verdicts drop column later",
    ):
        for region in OTHER:
            change(region, statement)
            world.judge(region, some())
        until(world.are_level, 120)
    with schema_change(world.engines["us"], LOCK_S, "") as connection, columns_changing(connection):
        command.downgrade(alembic_config(connection), "-1")
    assert not is_current(world.engines["us"])
    migrate(world.engines["us"])
    assert is_current(world.engines["us"])
    world.judge("us", some())
    until(world.are_level, 120)


def test_months_of_copies_are_made_and_dropped_as_those_of_the_own(world: World) -> None:
    old, rows = datetime(2021, 2, 1, tzinfo=UTC), "select count(*) from verdicts_all where enqueued_at < :old"
    with world.engines["us"].begin() as connection:
        made = ensure_partitions(connection, datetime(2021, 1, 1, tzinfo=UTC))
    assert {"verdicts_2021_01", "verdicts_sg_2021_01"} <= set(made)
    ids = some(2)
    world.judge("sg", ids)
    with world.engines["sg"].begin() as connection:
        for each, moment in zip(some(2), ("2021-01-15", "2020-12-15"), strict=True):
            # One has a month there, the other does not.
            connection.execute(
                text(
                    "insert into verdicts select (jsonb_populate_record(v, jsonb_build_object('id', cast(:id as text),"
                    " 'enqueued_at', cast(:moment as text)))).* from verdicts v where id = :of"
                ),
                {"id": str(each), "moment": moment, "of": ids[0]},
            )
    until(world.are_level, 120)
    pruned = prune(world.engines["us"], old)
    assert (pruned.partitions["verdicts_sg_2021_01"], pruned.verdicts) == (1, 1)
    left = {}
    for name, engine in world.engines.items():
        with engine.begin() as connection:
            left[name] = connection.execute(text(rows), {"old": old}).scalar_one()
            connection.execute(text("delete from verdicts where enqueued_at < :old"), {"old": old})
    # Each region drops when it is told to.
    assert left == {"us": 0, "sg": 2}


def test_one_region_lists_what_all_have_while_the_other_is_away(world: World) -> None:
    chance = random.Random(7)
    for region, ids in (("sg", some(150)), ("us", some(150))):
        both = some(3)
        for name in OTHER:
            each = [(one, chance.randrange(50), chance.randrange(60, 90)) for one in both]
            judge(world.engines[name], each, name)
        judge(world.engines[region], [(one, chance.randrange(50), chance.randrange(60, 90)) for one in ids], region)
    until(world.are_level, 120)
    whole = list(union_of(world.engines, find, limit=10_000))
    dead = RegionPlace(name="sg", broker_url=NO_BROKER, database_url="postgresql://nobody@127.0.0.1:1/none")
    everywhere = AllRegions(replace(world.settings["us"], regions=(dead, world.settings["us"].regions[1])))
    for limit in (1, 7, 10_000):
        found = everywhere.find(limit=limit)
        assert ([(name, each.id) for name, each in found.verdicts], found.without) == (
            [(name, each.id) for name, each in whole[:limit]], {},
        )  # fmt: skip
    after = (whole[9][1].evaluated_at, whole[9][1].id)
    [(_, behind)] = everywhere.find(limit=1, after=after, terms={"domain": "pricing", "outcome": None}).verdicts
    assert behind == whole[10][1]
    # Without an own region that answers, any that has all will do.
    everywhere.close()
    everywhere = AllRegions(replace(world.settings["us"], region=None, regions=(dead, world.settings["us"].regions[1])))
    assert len(list(everywhere.find(limit=10_000).verdicts)) == len(whole)
    everywhere.close()


def test_what_is_dropped_can_be_made_again(world: World) -> None:
    own = world.rows("us", "us")
    world.run("us", "drop", "--yes")
    with pytest.raises(ReplicationRefused, match="not copied"):
        world.state("us")
    assert held_for(world.engines["sg"]) == []
    with world.engines["us"].connect() as connection:
        assert sorted(connection.execute(text("select id from verdicts")).scalars()) == own
        names = connection.execute(
            text("select relname from pg_class where relname ~ '^verdicts_[a-z]' and relkind <> 'i'")
        )
        assert list(names.scalars()) == ["verdicts_default"]
    # The other sees that there is nothing to copy, and goes on by itself once there is.
    until(lambda: world.state("sg") == "unpublished", 120)
    take_down(world.engines["us"], world.peers("us"))
    set_up(world.engines["us"], "us", world.peers("us"))
    heal(world.engines["sg"], "sg", world.peers("sg"))
    world.judge("us", some())
    until(world.are_level, 120)
    with pytest.raises(ReplicationRefused, match="is region us, not eu"):
        set_up(world.engines["us"], "eu", {})


def test_a_region_that_is_away_is_told_apart_from_one_that_was_never_set_up(world: World, tmp_path: Path) -> None:
    nowhere = Settings(home=tmp_path, broker_url=NO_BROKER, database_url="postgresql://nobody@127.0.0.1:1/none")
    [copy] = copies_of(world.engines["us"], "us", {"sg": connect(nowhere)})
    assert (copy.state, copy.behind_bytes, copy.behind_s) == ("away", None, None)
    place = RegionPlace(name="sg", broker_url=NO_BROKER, database_url=nowhere.database_url)
    away = check_copies(world.engines["us"], replace(world.settings["us"], regions=(place,)))[0]
    assert (away.status, away.message) == ("warn", "the copy waits: sg does not answer")
    named = replace(world.settings["us"], region="eu")
    assert [check.status for check in check_copies(world.engines["us"], named)] == ["fail"]


def test_a_postgres_that_keeps_nothing_for_others_is_refused_and_left_as_it_is(database: Engine) -> None:
    with pytest.raises(ReplicationRefused, match="does not keep") as caught:
        set_up(database, "sg", {})
    assert caught.value.code == "replication-off"
    with pytest.raises(ReplicationRefused, match="not copied"):
        copies_of(database, "sg", {"us": database})
    places = (RegionPlace(name="us", broker_url=NO_BROKER, database_url="postgresql://nobody@127.0.0.1:1/none"),)
    assert check_copies(database, Settings(home=Path(), region="sg", regions=places)) == []
    assert check_copies(database, Settings(home=Path())) == []
