"""A producer of several regions: whoever is near and well takes its jobs, the next does while that one is away."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rulefarm import (
    AsyncFarm,
    DatabaseUnreachable,
    Farm,
    Job,
    JobRejected,
    NotFound,
    QueueFull,
    SettingsError,
    VerdictPending,
)
from rulefarm.database import jobs
from rulefarm.settings import Settings
from rulefarm.testing import MemoryFarm
from tests.client.two_regions import Two, connected, two_regions
from tests.processes import until
from tests.rows import rows
from workers.drill.link import linked
from workers.embedded.services import Services

ORDER = {"Order": {"total": 12.5}}


@pytest.fixture
def two(services: Services, tmp_path: Path) -> Iterator[Two]:
    """sg is near, us is not."""
    with two_regions(services, tmp_path) as found:
        yield found


@pytest.fixture
def farm(two: Two) -> Iterator[Farm]:
    """A producer in sg."""
    with Farm(two.settings, region="sg", fallback=["us"]) as producer:
        yield connected(producer)


def taken_by(two: Two, farm: Farm, region: str, prefix: str) -> Job:
    """The first job that a region takes; those before it went elsewhere."""
    numbers = iter(range(10_000))

    def attempt() -> Job | None:
        job = farm.submit(two.domain, ORDER, key=f"{prefix}{next(numbers)}")
        return job if job.region == region else None

    return until(attempt)


def test_the_next_takes_what_the_own_does_not_and_it_comes_back(two: Two, farm: Farm) -> None:
    assert [farm.submit(two.domain, ORDER, key=f"before{n}").region for n in range(3)] == ["sg"] * 3
    two.lines["sg"].cut()
    # Nobody who calls is told of it.
    during = [farm.submit(two.domain, ORDER, key=f"during{n}") for n in range(20)]
    assert {job.region for job in during} == {"us"}
    assert all(job.on_record for job in during)
    [batch_like] = farm.submit_many(two.domain, [("many", ORDER)])
    assert batch_like.region == "us"
    two.lines["sg"].heal()
    after = taken_by(two, farm, "sg", "after")
    assert after.subject in two.subjects("sg")
    assert {*two.subjects("sg"), *two.subjects("us")} >= {f"during{n}" for n in range(20)}
    # Its home answers for a job, whichever is the producer's own.
    assert farm.verdict(during[0].id) is farm.verdict(after.id) is None
    with pytest.raises(NotFound):
        farm.verdict("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")


def test_a_job_that_two_regions_took_is_one_job(two: Two, farm: Farm) -> None:
    first = farm.submit(two.domain, ORDER, key="4711")
    with Farm(two.settings, region="us") as other:
        again = other.submit(two.domain, ORDER, key="4711")
        assert (first.region, again.region) == ("sg", "us")
        assert first.id == again.id
    two.lines["sg"].cut()
    # Without a key too: an attempt that was not answered may have been heard.
    unnamed = farm.submit(two.domain, ORDER)
    assert unnamed.region == "us"
    two.lines["sg"].heal()
    taken_by(two, farm, "sg", "healed")
    found = {row.id: row for row in rows(two.databases["sg"], jobs)}
    if unnamed.id in found:
        assert (found[unnamed.id].as_of, found[unnamed.id].enqueued_at) == (unnamed.as_of, unnamed.enqueued_at)


def test_a_region_without_room_is_passed_over(two: Two) -> None:
    with Farm(replace(two.settings, queue_limit=2), region="sg", fallback=["us"]) as farm:
        connected(farm)
        assert [farm.submit(two.domain, ORDER).region for _ in range(4)] == ["sg", "sg", "us", "us"]
        with pytest.raises(QueueFull):
            farm.submit(two.domain, ORDER, wait_for_room=0.1)


def test_a_region_that_is_behind_is_passed_over(two: Two, farm: Farm) -> None:
    farm.submit(two.domain, ORDER, key="old")
    with two.databases["sg"].begin() as connection:
        connection.execute(text("update jobs set resend_at = now() - interval '1 minute'"))
    assert taken_by(two, farm, "us", "behind").region == "us"
    with two.databases["sg"].begin() as connection:
        connection.execute(text("update jobs set state = 'done'"))
    assert taken_by(two, farm, "sg", "on time").region == "sg"


def test_a_region_whose_broker_is_away_is_passed_over(two: Two) -> None:
    places = [replace(place, broker_url="redis://127.0.0.1:1/0") if place.name == "sg" else place
              for place in two.settings.regions]  # fmt: skip
    with Farm(replace(two.settings, regions=tuple(places)), region="sg", fallback=["us"]) as farm:
        assert taken_by(two, farm, "us", "no broker").sent


def test_a_region_that_is_far_is_passed_over_however_it_is_named(two: Two) -> None:
    with Farm(replace(two.settings, region_budget_s=10.0), region="us", fallback=["sg"]) as farm:
        assert farm.submit(two.domain, ORDER, key="first").region == "us"
        assert taken_by(two, farm, "sg", "near").region == "sg"


def test_what_no_region_takes_is_refused_as_the_own_says(two: Two, farm: Farm) -> None:
    with pytest.raises(JobRejected) as caught:
        farm.submit("unheard-of", ORDER)
    assert caught.value.code == "unknown-domain"
    for line in two.lines.values():
        line.cut()
    with pytest.raises(DatabaseUnreachable):
        farm.submit(two.domain, ORDER, key="nobody")
    with pytest.raises(DatabaseUnreachable):
        farm.verdict("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")


def test_a_batch_names_its_region_and_is_one_wherever_it_is_sent(two: Two, farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\nB,2\n")
    here = farm.submit_batch(two.domain, tmp_path / "a.csv", key="tonight")
    two.lines["sg"].cut()
    there = farm.submit_batch(two.domain, tmp_path / "a.csv", key="tonight")
    assert (here.region, there.region, here.id) == ("sg", "us", there.id)
    assert there.progress()["region"] == "us"
    assert farm.batch(there.id)["region"] == "us"


def test_a_coroutine_and_a_child_have_the_same_regions(two: Two, farm: Farm) -> None:
    async def use() -> list[Any]:
        async with AsyncFarm(two.settings, region="sg", fallback=["us"]) as other:
            await asyncio.to_thread(connected, other.farm)
            here = await other.submit(two.domain, ORDER, key="here")
            two.lines["sg"].cut()
            return [here.region, (await other.submit(two.domain, ORDER, key="there")).region]

    farm.submit(two.domain, ORDER, key="parent")
    assert asyncio.run(use()) == ["sg", "us"]
    child = os.fork()
    if child == 0:
        os._exit(0 if farm.submit(two.domain, ORDER, key="child").region == "us" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_job_whose_broker_falls_silent_is_judged_by_the_next_region(two: Two) -> None:
    near, far = two.settings.regions
    with linked() as line:
        through = line.to(Settings(home=two.settings.home, broker_url=near.broker_url, database_url=near.database_url))
        silent = replace(near, broker_url=through["broker_url"])
        given = {"settings": replace(two.settings, regions=(silent, far)), "region": "sg", "fallback": ["us"]}

        async def evaluated(key: str) -> Any:
            async with AsyncFarm(**given) as farm:
                await asyncio.to_thread(connected, farm.farm)
                return await farm.evaluate(two.domain, ORDER, key=key, timeout=120)

        with Farm(**given) as farm, ThreadPoolExecutor(2) as threads:
            connected(farm)
            waiting = farm.submit(two.domain, ORDER, key="waiting")
            asked = [
                threads.submit(farm.evaluate, two.domain, ORDER, key="one", timeout=120),
                threads.submit(lambda: asyncio.run(evaluated("two"))),
            ]
            until(lambda: two.subjects("sg") == ["one", "two", "waiting"], 120)
            line.cut()
            until(lambda: two.subjects("us") == ["one", "two"], 120)
            with two.databases["us"].begin() as connection:
                connection.execute(
                    text(
                        "insert into verdicts (id, enqueued_at, domain, subject, outcome, fired, reasons, changes,"
                        " ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros) select id, enqueued_at,"
                        " domain, subject, 'accept', '{}', '[]', '{}', 'r', 'f', as_of, 'w', now(), 1 from jobs"
                    )
                )
            assert [each.result(120).subject for each in asked] == ["one", "two"]
            # Who waits for a job that stays where it is has its row looked at: its region goes on judging.
            with pytest.raises(VerdictPending):
                waiting.wait(0.1)
            line.heal()


def test_a_fallback_needs_a_region_and_a_region_needs_a_place(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    for how, code in (({"fallback": ["us"]}, "bad-region"), ({"region": "eu"}, "unknown-region")):
        with pytest.raises(SettingsError) as caught:
            Farm(two.settings, **how)  # type: ignore[arg-type]
        assert caught.value.code == code
    with Farm(replace(two.settings, region="us", region_fallback=" sg ,us,")) as farm:
        assert farm.settings.region == "us"
        assert [each.settings.region for each in farm._regions.farms] == ["us", "sg"]
    for place in two.settings.regions:
        monkeypatch.setenv(f"RULEFARM_REGION_{place.name.upper()}_BROKER_URL", str(place.broker_url))
        monkeypatch.setenv(f"RULEFARM_REGION_{place.name.upper()}_DATABASE_URL", str(place.database_url))
    monkeypatch.setenv("RULEFARM_REGION_BUDGET_S", "10")
    with Farm(region="us", fallback=["sg"]) as farm:
        assert farm.submit(two.domain, ORDER).region == "us"


def test_in_memory_the_next_takes_it_too(two: Two, farm: Farm) -> None:
    two.lines["sg"].cut()
    real = farm.submit(two.domain, ORDER, key="4711")
    with MemoryFarm(answers={two.domain: "accept"}, region="sg", fallback=["us"]) as memory:
        memory.fail(DatabaseUnreachable("database-unreachable", "sg is cut off"))
        away, back = (memory.submit(two.domain, ORDER, key="4711") for _ in range(2))
    assert (away.id, away.region, back.region) == (real.id, real.region, "sg")
    with pytest.raises(SettingsError):
        MemoryFarm(answers={}, fallback=["us"])
