"""Verdicts of two regions are one list: newest first, each job once, as it was submitted first."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from rulefarm.database import connect, verdicts
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from store.region_verdicts import union_of
from store.verdict_list import find_verdicts
from tests.cli.forked import run_forked
from tests.commands import environment
from tests.conftest import fresh_database
from workers.embedded.services import Services

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def other(services: Services, settings: Settings) -> Iterator[Settings]:
    """The farm of another region."""
    with fresh_database(services) as url:
        yield replace(settings, database_url=url)


def judge(engine: Engine, rows: list[tuple[uuid.UUID, int, int]], region: str) -> None:
    """Put verdicts on record: id, and seconds after noon when it was submitted and judged."""
    values = {"domain": "pricing", "outcome": "accept", "fired": [], "reasons": [], "changes": {}, "worker": region}
    values |= {"ruleset_digest": "0" * 64, "facts_digest": "0" * 64, "as_of": NOON, "micros": 1}
    at = [
        {"id": each, "subject": str(each), "enqueued_at": NOON + timedelta(seconds=submitted),
         "evaluated_at": NOON + timedelta(seconds=judged)} | values
        for each, submitted, judged in rows
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(verdicts), at)


def find(engine: Engine, limit: int, after: tuple[datetime, uuid.UUID] | None) -> Iterator[Verdict]:
    return find_verdicts(engine, limit=limit, after=after)


def test_a_job_that_both_judged_is_listed_once_as_it_was_submitted_first(
    database: Engine, settings: Settings, other: Settings
) -> None:
    there = connect(other)
    chance = random.Random(7)
    ids = [uuid.UUID(int=chance.getrandbits(128)) for _ in range(600)]
    # Some in one, some in both, many at the same instant; whoever was submitted later may be judged sooner.
    here = [(each, chance.randrange(50), chance.randrange(60, 90)) for each in ids if chance.random() < 0.7]
    away = [(each, chance.randrange(50), chance.randrange(60, 90)) for each in ids if chance.random() < 0.7]
    judge(database, here, "sg")
    judge(there, away, "us")
    counted: dict[uuid.UUID, tuple[int, str, int]] = {}
    for region, rows in (("sg", here), ("us", away)):
        for each, submitted, judged in rows:
            counted[each] = min(counted.get(each, (99, "", 0)), (submitted, region, judged))
    expected = sorted(counted, key=lambda each: (-counted[each][2], each.int))
    regions = {"us": there, "sg": database}
    for limit in (1, 7, 150, 10_000):
        found = list(union_of(regions, find, limit=limit))
        assert [verdict.id for _, verdict in found] == expected[:limit]
        assert [region for region, _ in found] == [counted[each][1] for each in expected[:limit]]
        assert all(verdict.worker == region for region, verdict in found)
    assert list(union_of({"sg": database}, find, limit=9_999)) != []
    there.dispose()
    _the_command_lists_them(settings, other, len(counted), len(away))


def _the_command_lists_them(settings: Settings, other: Settings, together: int, away: int) -> None:
    places = (
        RegionPlace(name="us", broker_url=settings.broker_url, database_url=other.database_url),
        RegionPlace(name="eu", broker_url=settings.broker_url, database_url="postgresql://nobody@127.0.0.1:1/none"),
    )
    environ = environment(replace(settings, region="sg", regions=places))

    def lines(*arguments: str) -> tuple[int, list[str], str]:
        done = run_forked(
            ["verdicts", "--csv", "--limit", "5000", *arguments], cwd=settings.home, env=environ, stdin="", timeout_s=60
        )
        return done.returncode, done.stdout.splitlines(), done.stderr

    code, found, said = lines("--region", "all")
    assert (code, len(found)) == (0, 1 + together)
    assert found[0].endswith(",region")
    assert {line.rpartition(",")[2] for line in found[1:]} == {"sg", "us"}
    assert "without region eu" in said
    assert len(lines("--region", "us")[1]) == 1 + away
    code, found, said = lines("--region", "mars")
    assert code != 0
    assert (found, "unknown-region" in said) == ([], True)
