"""One region, as one producer sees it: slow is not silent."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rulefarm import DatabaseUnreachable
from rulefarm.region import Region, measure
from rulefarm.settings import Settings
from tests.processes import until

#: Seconds; twice the time within which a busy machine measures a region.
BUDGET_S = 2.0


class FarOff:
    """The farm of a region, as far as a region looks at it: how often it was measured, and whether it answers."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, region="us", region_budget_s=BUDGET_S)
        self.broker_is_away = False
        self.answers = threading.Event()
        self.answers.set()
        self.measured = 0
        self.ask: Any = None

    def require_ledger(self) -> None: ...

    def warm_up(self) -> None: ...

    def ask_broker(self) -> None: ...

    def lateness_s(self) -> dict[str, float]:
        self.answers.wait(60)
        self.measured += 1
        return {}


@contextmanager
def measured(farm: FarOff) -> Iterator[Region[FarOff]]:
    region, stopped = Region(farm), threading.Event()
    thread = threading.Thread(target=measure, args=(weakref.ref(region), stopped))
    thread.start()
    try:
        until(lambda: region.distance is not None)
        yield region
    finally:
        stopped.set()
        farm.answers.set()
        region.close()
        thread.join()


def test_a_region_that_answers_others_is_waited_for_and_one_that_says_nothing_for_the_budget_is_not(
    tmp_path: Path,
) -> None:
    farm = FarOff(tmp_path)
    with measured(farm) as region:

        def slow() -> str:
            # As many measurements take longer than the budget.
            enough = farm.measured + 5
            return until(lambda: farm.measured >= enough and "done")

        assert region.call(slow) == "done"
        farm.answers.clear()
        begun = threading.Event()
        with pytest.raises(DatabaseUnreachable) as caught:
            region.call(lambda: (begun.set(), farm.answers.wait(60)))
        assert (caught.value.code, begun.is_set()) == ("region-silent", True)


def test_what_a_region_raises_comes_through_and_what_it_never_began_is_dropped(tmp_path: Path) -> None:
    farm = FarOff(tmp_path)
    with measured(farm) as region:
        with pytest.raises(TimeoutError, match="its own"):
            region.call(lambda: (_ for _ in ()).throw(TimeoutError("its own")))
        farm.answers.clear()
        silent: list[str] = []

        def asked(number: int) -> None:
            with pytest.raises(DatabaseUnreachable):
                region.call(lambda: (begun.append(number), farm.answers.wait(60)))
            silent.append("silent")

        begun: list[int] = []
        threads = [threading.Thread(target=asked, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = len(begun)
        assert (len(silent), taken < 40) == (40, True)
        farm.answers.set()
        region.close()
        assert len(begun) == taken
