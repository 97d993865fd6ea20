"""One region, as one producer sees it: slow is not silent."""

import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
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

    def warm_up(self, heard: Callable[[], None]) -> None: ...

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


class Connecting(FarOff):
    """The farm of a region to which connections are made, one after the other, for as long as the test likes."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.steps: queue.Queue[bool] = queue.Queue()
        self.made = 0

    def warm_up(self, heard: Callable[[], None]) -> None:
        while self.steps.get(timeout=60):
            heard()
            self.made += 1


def test_whom_nobody_has_heard_of_yet_is_given_up_after_the_budget_and_not_while_connections_are_made(
    tmp_path: Path,
) -> None:
    farm = Connecting(tmp_path)
    region, stopped, answered = Region(farm), threading.Event(), threading.Event()
    thread = threading.Thread(target=measure, args=(weakref.ref(region), stopped))
    with pytest.raises(DatabaseUnreachable) as caught:
        region.call(lambda: answered.wait(60))
    assert caught.value.code == "region-silent"
    thread.start()
    try:

        def connect_slowly() -> None:
            # Together they take longer than the budget.
            ends = time.monotonic() + 2 * BUDGET_S
            while time.monotonic() < ends:
                farm.steps.put(True)
                answered.wait(BUDGET_S / 20)
            answered.set()

        making = threading.Thread(target=connect_slowly)
        making.start()
        assert region.call(lambda: answered.wait(60))
        making.join()
        until(farm.steps.empty)
        # Who connects and hears nothing is silent for all, and not only for whoever was the first to wait.
        until(lambda: region.trouble("pricing") == "does not answer")
    finally:
        stopped.set()
        answered.set()
        farm.steps.put(False)
        region.close()
        thread.join()


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
