"""A wait ends: what is no number of seconds is refused, for nothing compared with it would ever be late."""

import asyncio
import math
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from rulefarm import AsyncFarm, SettingsError
from rulefarm.jobs import Batch
from rulefarm.seconds import wait_seconds
from rulefarm.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
#: Servers that nobody asks.
NOWHERE = Settings(broker_url="redis://127.0.0.1:1/0", database_url="postgresql://u@127.0.0.1:1/d")


@pytest.mark.parametrize("seconds", [math.nan, "30", "", [30], datetime(2026, 1, 1)], ids=str)
def test_what_is_no_number_of_seconds_is_refused_by_its_name(seconds: Any) -> None:
    with pytest.raises(SettingsError, match="wait_for_room is a number of seconds, not ") as caught:
        wait_seconds(seconds, "wait_for_room")
    assert caught.value.code == "bad-timeout"


@pytest.mark.parametrize(("seconds", "waited"), [(None, None), (0, 0.0), (2.5, 2.5), (-1, 0.0), (-math.inf, 0.0)])
def test_none_waits_for_ever_and_less_than_nothing_not_at_all(seconds: float | None, waited: float | None) -> None:
    assert wait_seconds(seconds) == waited


@pytest.mark.parametrize("seconds", [math.inf, 10**400], ids=["inf", "large"])
def test_more_seconds_than_a_clock_can_add_are_as_many_as_it_can(seconds: float) -> None:
    waited = wait_seconds(seconds)
    assert waited is not None
    assert waited >= 1e9
    assert math.isfinite(waited)


def test_whoever_waits_for_a_batch_or_on_a_loop_is_told_before_anything_is_asked() -> None:
    batch = Batch(id=uuid.uuid4(), domain="shop", source="a.csv", rows=1, chunks=1, as_of=NOW)
    with pytest.raises(SettingsError, match="timeout is a number of seconds, not nan"):
        batch.wait(math.nan)

    async def use() -> None:
        async with AsyncFarm(NOWHERE) as farm:
            with pytest.raises(SettingsError, match="timeout is a number of seconds, not nan"):
                await farm.evaluate("shop", {"Order": {}}, timeout=math.nan)

    asyncio.run(use())
