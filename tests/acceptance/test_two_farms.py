"""Two farms, each with a database of its own, on one Redis: what is one's the other neither drops nor judges."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import insert, text

from rulefarm.database import active_rulesets, connect
from rulefarm.farm import Farm
from rulefarm.messaging import queue_depths
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from tests.commands import RULESETS, rulefarm
from tests.conftest import fresh_database
from tests.processes import until
from workers.embedded.services import Services
from workers.monitoring import worker_states
from workers.monitoring.probes import send_probes

ORDER = {"Order": {"total": 10}}


@pytest.fixture
def two(services: Services, tmp_path: Path) -> Iterator[tuple[Settings, Settings]]:
    """Production and staging, on a database of Redis that nobody else uses."""
    broker = services.broker_url.rsplit("/", 1)[0] + "/9"
    with redis.Redis.from_url(broker) as nobodys:
        # The message of a job that others judged meanwhile may outlive the farm of the test before.
        nobodys.flushdb()
    with ExitStack() as stack:
        urls = [stack.enter_context(fresh_database(services)) for _ in range(2)]
        farms = []
        for name, url in zip(("production", "staging"), urls, strict=True):
            home = tmp_path / name
            home.mkdir()
            settings = Settings(home=home, broker_url=broker, database_url=url, rulesets=RULESETS)
            engine = connect(settings)
            with engine.begin() as connection:
                # Both are copies of one database, and a copy is a farm of its own.
                connection.execute(text("update farm set uuid = :id"), {"id": uuid.uuid4()})
            engine.dispose()
            # The reconciler has no part in it: what is not put back stays away.
            farms.append(replace(settings, reconcile_grace_s=3600.0))
        yield farms[0], farms[1]


def test_each_job_is_judged_by_its_own_farm(two: tuple[Settings, Settings]) -> None:
    production, staging = two
    with ExitStack() as stack:
        for settings, name in ((production, "p"), (staging, "s")):
            stack.enter_context(
                rulefarm(settings, "worker", "--domains", "payment", "--autoscale", "1,1", "--name", name)
            )
        until(lambda: len(worker_states(production)) == 2, 60)
        with Farm(production) as ours, Farm(staging) as theirs:
            # The same jobs in both: they have the same ids, and results of one are none of the other's.
            mine = [ours.submit("payment", ORDER, key=f"k{n}") for n in range(8)]
            other = [theirs.submit("payment", ORDER, key=f"k{n}") for n in range(8)]
            assert {job.id for job in mine} == {job.id for job in other}
            assert {job.wait(60).worker.split("@")[0] for job in mine} == {"p"}
            assert {job.wait(60).worker.split("@")[0] for job in other} == {"s"}
            for farm in (ours, theirs):
                with farm.require_ledger().engine.connect() as connection:
                    assert connection.scalar(text("select count(*) from dead_letters")) == 0
                    assert connection.scalar(text("select count(*) from verdicts")) == 8
    assert "messages of another farm" in "".join(log.read_text() for log in production.home.parent.glob("*/*.log"))


def test_a_probe_says_that_a_stranger_took_it_and_a_message_without_an_id_is_taken(
    two: tuple[Settings, Settings],
) -> None:
    production, staging = two
    with rulefarm(staging, "worker", "--domains", "payment", "--autoscale", "1,1"), Farm(production) as ours:
        until(lambda: worker_states(staging), 60)
        [result] = send_probes(ours.app, {queue_name("payment"): "payment"}, timeout_s=30).values()
        assert "another farm" in result.failure
        # As the release before sends it.
        with Farm(replace(production, database_url=None)) as without:
            assert without.evaluate("payment", ORDER, key="old", timeout=30).subject == "old"


def test_with_prefixes_they_do_not_see_each_other(two: tuple[Settings, Settings]) -> None:
    production, staging = two[0], replace(two[1], queue_prefix="staging:")
    with rulefarm(staging, "worker", "--domains", "payment", "--autoscale", "1,1"):
        until(lambda: worker_states(staging), 60)
        assert worker_states(production) == []
        with Farm(staging) as theirs, Farm(production) as ours:
            with ours.require_ledger().engine.begin() as connection:
                connection.execute(insert(active_rulesets).values(domain="payment", digest="0" * 64))
            waiting = ours.submit("payment", ORDER, key="mine")
            assert theirs.evaluate("payment", ORDER, key="mine", timeout=30).subject == "mine"
            assert ours.verdict(waiting.id) is None
            name = queue_name("payment")
            assert (queue_depths(ours.app, [name]), queue_depths(theirs.app, [name])) == ({name: 1}, {name: 0})
