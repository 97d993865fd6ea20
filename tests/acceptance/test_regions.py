"""Two farms, a line between them, two producers; one region is cut off, killed and healed: no job is lost, none counts
twice. How long callers waited is printed as a table (`-s`), and judged by nobody."""

import json
import os
import signal
import statistics
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rulefarm.database import connect
from rulefarm.farm import Farm
from rulefarm.region_places import RegionPlace
from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings
from store.migrate import migrate
from tests.commands import rulefarm
from tests.processes import until
from workers.drill.link import Link, linked
from workers.embedded.services import running_services
from workers.monitoring import worker_states

#: Seconds that everything takes between the regions, each way.
_DELAY_S = 0.08
#: Jobs of each producer in each phase, at least; and the seconds that a caller would wait for one.
_JOBS, _PATIENCE_S = 12, 90.0
_PHASES = ("before", "cut off", "killed", "healed")


@dataclass
class Producer:
    """Has one job judged after the other, and now and then one that its peer sends, too."""

    name: str
    #: Begins the keys of this test, on a farm that other tests use, too.
    mark: str
    farm: Farm
    phase: list[str]
    stop: threading.Event
    #: Phase to the seconds that each caller waited.
    waited_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    #: Key to the id of its verdict.
    judged: dict[str, uuid.UUID] = field(default_factory=dict)
    failure: BaseException | None = None

    def run(self) -> None:
        """Until it is told to stop; what a caller would have met ends it."""
        try:
            number = 0
            while not self.stop.is_set():
                key = f"{self.mark}-{'both' if number % 3 == 0 else self.name}-{number}"
                phase, begun = self.phase[0], time.monotonic()
                order = {"Order": {"total": 10 + number}}
                self.judged[key] = self.farm.evaluate("payment", order, key=key, timeout=_PATIENCE_S).id
                self.waited_s[phase].append(time.monotonic() - begun)
                number += 1
                # As customers come, and not as fast as one core can.
                self.stop.wait(0.05)
        except BaseException as error:
            self.failure = error


@dataclass
class World:
    """Both regions, and what reaches them."""

    settings: dict[str, Settings]
    databases: dict[str, Engine]
    #: Every line to a region.
    lines: dict[str, list[Link]]
    #: Those of a producer that stands in the region.
    producers: dict[str, Settings]


@pytest.fixture
def world(running_farm: Settings, tmp_path: Path) -> Iterator[World]:
    """sg is the farm that tests share, us another with services of its own."""
    with ExitStack() as stack:
        services = stack.enter_context(running_services(tmp_path / "us", keep=False))
        urls = {"broker_url": services.broker_url, "database_url": services.database_url}
        us = replace(running_farm, home=tmp_path, **urls)
        settings = {"sg": running_farm, "us": us}
        databases = {name: connect(each) for name, each in settings.items()}
        for engine in databases.values():
            stack.callback(engine.dispose)
        migrate(databases["us"])
        stack.enter_context(rulefarm(us, "worker", "--domains", "payment", "--autoscale", "1,1"))
        stack.enter_context(rulefarm(us, "beat"))
        until(lambda: worker_states(us))
        lines: dict[str, list[Link]] = {"sg": [], "us": []}
        producers = {}
        for here in settings:
            places = []
            for there, each in settings.items():
                line = stack.enter_context(linked(0.0 if here == there else _DELAY_S))
                lines[there].append(line)
                places.append(RegionPlace(name=there, **line.to(each)))
            producers[here] = replace(running_farm, regions=tuple(places), region_budget_s=2.0, region_deadline_s=60.0)
        yield World(settings, databases, lines, producers)


def test_a_region_is_cut_off_killed_and_healed_and_every_job_is_judged_and_counts_once(
    world: World, farm_home: Path
) -> None:
    phase, stop = [_PHASES[0]], threading.Event()
    with (
        Farm(world.producers["sg"], region="sg", fallback=["us"]) as one,
        Farm(world.producers["us"], region="us", fallback=["sg"]) as other,
    ):
        mark = f"p{uuid.uuid4().hex[:8]}"
        producers = [Producer(name, mark, farm, phase, stop) for name, farm in (("sg", one), ("us", other))]
        threads = [threading.Thread(target=producer.run) for producer in producers]
        # Producers that have run for a while.
        until(lambda: all(each.is_ready for farm in (one, other) for each in farm._regions.nearest("")), 120)
        for thread in threads:
            thread.start()

        def pass_phase() -> None:
            until(lambda: all(len(each.waited_s[phase[0]]) >= _JOBS or each.failure for each in producers), 120)

        try:
            pass_phase()
            # On record in sg, and not judged there before it is cut off, or only just: nobody waits for it.
            left = [one.submit("payment", {"Order": {"total": 10}}, key=f"{mark}-left-{n}") for n in range(5)]
            for line in world.lines["sg"]:
                line.cut()
            phase[0] = "cut off"
            during = one.submit("payment", {"Order": {"total": 10}}, key=f"{mark}-during")
            pass_phase()
            for server, pid in json.loads((farm_home / SERVICES_FILE).read_text())["pids"].items():
                if server != "farm":
                    os.kill(pid, signal.SIGKILL)
            phase[0] = "killed"
            pass_phase()
            for line in world.lines["sg"]:
                line.heal()
            numbers = iter(range(100_000))
            back = until(lambda: _taken_by("sg", one, f"{mark}-back-{next(numbers)}"), 120)
            phase[0] = "healed"
            pass_phase()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert [producer.failure for producer in producers] == [None, None]
        assert (during.region, back) == ("us", "sg")
        assert {job.region for job in left} <= {"sg", "us"}
        _print(producers)
        _each_counts_once(world, producers, mark)


def _taken_by(region: str, farm: Farm, key: str) -> str | None:
    job = farm.submit("payment", {"Order": {"total": 10}}, key=key)
    return job.region if job.region == region else None


def _each_counts_once(world: World, producers: list[Producer], mark: str) -> None:
    """In the union of both ledgers and of both regions' verdicts."""
    jobs: dict[str, set[uuid.UUID]] = defaultdict(set)
    verdicts: dict[uuid.UUID, list[tuple[str, str]]] = defaultdict(list)
    for name, engine in world.databases.items():
        ours = {"ours": f"^{mark}-"}

        def open_jobs(engine: Engine = engine, ours: dict[str, str] = ours) -> int:
            with engine.connect() as connection:
                statement = text("select count(*) from jobs where state = 'open' and subject ~ :ours")
                return int(connection.scalar(statement, ours) or 0)

        until(lambda: open_jobs() == 0, 120)
        with engine.connect() as connection:
            for row in connection.execute(text("select id, subject from jobs where subject ~ :ours"), ours):
                jobs[row.subject].add(row.id)
            for row in connection.execute(text("select id, outcome from verdicts where subject ~ :ours"), ours):
                verdicts[row.id].append((name, row.outcome))
            assert connection.scalar(text("select count(*) from dead_letters where subject ~ :ours"), ours) == 0
    # What a caller got is on record under the one id that its key has, wherever it was taken.
    for producer in producers:
        for key, verdict_id in producer.judged.items():
            assert jobs[key] == {verdict_id}, key
    lost = [key for key, ids in jobs.items() if not all(each in verdicts for each in ids)]
    twice = [each for each, found in verdicts.items() if len({name for name, _ in found}) < len(found)]
    differ = [each for each, found in verdicts.items() if len({outcome for _, outcome in found}) > 1]
    assert (lost, twice, differ) == ([], [], [])
    assert sum(len(ids) for ids in jobs.values()) == len(verdicts) == len(jobs)
    # Some were sent to both.
    in_both = sum(len(found) == 2 for found in verdicts.values())
    assert in_both > 0
    print(f"{len(verdicts)} jobs, {in_both} of them judged in both regions: 0 lost, 0 doubled")


def _print(producers: list[Producer]) -> None:
    print(f"\n{'producer':10}{'phase':10}{'jobs':>6}{'median':>11}{'longest':>11}")
    for producer in producers:
        for phase in _PHASES:
            waited = producer.waited_s[phase]
            median_ms, longest_s = statistics.median(waited) * 1e3, max(waited)
            print(f"{producer.name:10}{phase:10}{len(waited):6}{median_ms:8.0f} ms{longest_s:9.2f} s")
