"""What a call pays that the cut of a region meets: one budget, and one call of the next."""

import asyncio
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rulefarm import AsyncFarm, DatabaseUnreachable, Farm, RulefarmError
from rulefarm.region import Region
from tests.client.two_regions import Two, connected, two_regions
from workers.embedded.services import Services

ORDER = {"Order": {"total": 12.5}}


@pytest.fixture
def two(services: Services, tmp_path: Path) -> Iterator[Two]:
    """sg is near, us is not."""
    with two_regions(services, tmp_path) as found:
        yield found


@pytest.fixture
def silences(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often who (the name of a thread) waited in vain until a region was given up for its silence."""
    found: Counter[tuple[str, str]] = Counter()
    call = Region.call

    def counted(self: Region[Any], question: Callable[[], Any]) -> Any:
        try:
            return call(self, question)
        except DatabaseUnreachable as error:
            found[threading.current_thread().name, self.name] += error.code == "region-silent"
            raise

    monkeypatch.setattr(Region, "call", counted)
    return found


def test_who_submits_when_the_line_is_cut_waits_for_one_region_once(
    two: Two, silences: Counter[tuple[str, str]]
) -> None:
    with Farm(replace(two.settings, region_budget_s=4.0), region="sg", fallback=["us"]) as farm:
        connected(farm)
        assert farm.submit(two.domain, ORDER, key="before").region == "sg"
        # As far off as it can be, so that a measurement is under way whenever the job comes.
        two.lines["us"].delay_s = 0.3
        two.lines["sg"].cut()
        before = two.lines["us"].connections
        assert farm.submit(two.domain, ORDER, key="during").region == "us"
        # To connect takes many round trips, which from afar is longer than the budget.
        assert two.lines["us"].connections == before
    assert silences == {(threading.current_thread().name, "sg"): 1}


@pytest.mark.parametrize("call", ["submit", "submit_many", "submit_batch", "evaluate", "verdict"])
def test_the_first_call_of_a_producer_whose_region_is_silent_waits_for_it_once(
    two: Two, tmp_path: Path, silences: Counter[tuple[str, str]], call: str
) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\n")
    two.lines["sg"].cut()
    # It has no connection yet, and has measured nobody. Whoever connects to sg hears nothing, which libpq itself
    # finds out no sooner than after two of these budgets.
    with Farm(replace(two.settings, region_budget_s=1.0), region="sg", fallback=["us"]) as farm:
        calls: dict[str, Callable[[], Any]] = {
            "submit": lambda: farm.submit(two.domain, ORDER, key="one").region,
            "submit_many": lambda: farm.submit_many(two.domain, [("many", ORDER)])[0].region,
            "submit_batch": lambda: farm.submit_batch(two.domain, tmp_path / "a.csv", key="tonight").region,
            "evaluate": lambda: farm.evaluate(two.domain, ORDER, key="two", timeout=0.1),
            "verdict": lambda: farm.verdict(uuid.UUID(int=1)),
        }
        try:
            answer = calls[call]()
        except RulefarmError as error:
            answer = error.code
    # One region knows of no such job, and the other does not say.
    assert answer == {"evaluate": "verdict-pending", "verdict": "region-silent"}.get(call, "us")
    assert silences[threading.current_thread().name, "sg"] == 1


def test_every_call_that_the_cut_meets_waits_for_one_region_once(
    two: Two, tmp_path: Path, silences: Counter[tuple[str, str]]
) -> None:
    (tmp_path / "a.csv").write_text("sku,price\nA,1\n")
    # So long that a busy machine is not taken for a silent region.
    given = {"settings": replace(two.settings, region_budget_s=4.0), "region": "sg", "fallback": ["us"]}

    with Farm(**given) as farm, ExitStack() as stack:
        theirs = [stack.enter_context(Farm(**given)) for _ in range(3)]
        far = stack.enter_context(Farm(**given | {"region": "us", "fallback": []}))
        here, there = farm.submit(two.domain, ORDER, key="here"), far.submit(two.domain, ORDER, key="there")
        calls: dict[str, Callable[[], Any]] = {
            "submit": lambda: farm.submit(two.domain, ORDER, key="one").region,
            "submit_many": lambda: farm.submit_many(two.domain, [("many", ORDER)])[0].region,
            "submit_batch": lambda: farm.submit_batch(two.domain, tmp_path / "a.csv", key="tonight").region,
            "evaluate": lambda: theirs[0].evaluate(two.domain, ORDER, key="two", timeout=0.1),
            "verdict": lambda: theirs[1].verdict(there.id),
            "wait": lambda: farm.wait(here, 60),
            "wait of a job": lambda: here.wait(60),
            "batch": lambda: theirs[2].batch(uuid.UUID(int=1)),
        }
        for each in (farm, *theirs):
            connected(each)
        two.lines["sg"].cut()

        def called(name: str) -> Any:
            threading.current_thread().name = name
            try:
                return calls[name]()
            except RulefarmError as error:
                return error.code

        with ThreadPoolExecutor(len(calls)) as threads:
            answers = dict(zip(calls, threads.map(called, calls), strict=True))
    assert answers == {
        **dict.fromkeys(("submit", "submit_many", "submit_batch"), "us"),
        "evaluate": "verdict-pending",
        "verdict": None,
        # A job stays where it is, and its home is away.
        **dict.fromkeys(("wait", "wait of a job"), "region-silent"),
        "batch": "region-silent",
    }
    assert {region for _, region in silences} == {"sg"}
    assert {name: count for (name, _), count in silences.items() if count} == dict.fromkeys(calls, 1)


def test_coroutines_that_the_cut_meets_wait_for_one_region_once(two: Two, silences: Counter[tuple[str, str]]) -> None:
    async def use() -> list[Any]:
        settings = replace(two.settings, region_budget_s=4.0)
        async with AsyncFarm(settings, region="sg", fallback=["us"]) as other:
            await asyncio.to_thread(connected, other.farm)
            here = await other.submit(two.domain, ORDER, key="here")
            two.lines["sg"].cut()
            calls = (
                other.submit(two.domain, ORDER, key="one"),
                other.evaluate(two.domain, ORDER, key="two", timeout=0.1),
                other.submit_many(two.domain, [("three", ORDER)]),
                other.wait(here, 60),
            )
            return await asyncio.gather(*calls, return_exceptions=True)

    one, two_, [three], four = asyncio.run(use())
    assert (one.region, three.region) == ("us", "us")
    assert (two_.code, four.code) == ("verdict-pending", "region-silent")
    assert sorted(count for count in silences.values() if count) == [1] * 4
