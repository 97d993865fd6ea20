"""Edits on disk go live when they are published, and not before: no worker restarts for it, and none dies of them."""

import json
import shutil
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil
from sqlalchemy import Engine

from rulefarm.farm import Farm
from rulefarm.messaging import create_app
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.cli.conftest import OnFarm, on, run  # noqa: F401 - fixtures
from tests.commands import RULESETS, rulefarm
from tests.processes import until
from workers.monitoring import worker_states
from workers.monitoring.descriptions import describe_workers


def test_a_worker_judges_by_what_is_published_whatever_lies_on_disk(
    settings: Settings,
    database: Engine,
    tmp_path: Path,
    on: Callable[[Settings], OnFarm],  # noqa: F811 - a fixture
) -> None:
    # A domain of its own: nobody else takes from its queues.
    domain, root = f"d{uuid.uuid4().hex[:12]}", tmp_path / "shops"
    rules = shutil.copytree(RULESETS / "payment", root / domain) / "payment.grl"
    mine = replace(settings, rulesets=root)
    numbers, whole, first = count(), rules.read_text(), load_domain(root, domain).digest

    def answers() -> list[str]:
        return [state.name for state in worker_states(mine) if f"rules.{domain}" in state.queues]

    def judging() -> str:
        return farm.evaluate(domain, {"Order": {"total": 10}}, key=str(next(numbers)), timeout=60).ruleset_digest

    with rulefarm(mine, "worker", "--domains", domain, "--autoscale", "1,1") as worker, Farm(mine) as farm:
        [name] = until(answers)
        assert judging() == first
        # Saved by half, and a process of the pool is replaced.
        rules.write_text(whole[:100])
        for child in psutil.Process(worker.pid).children():
            child.kill()
        assert judging() == first
        # Whole again, and in order; but nobody has published it.
        rules.write_text(whole.replace("> 1000", "> 5"))
        second = load_domain(root, domain).digest
        assert judging() == first
        published = on(mine)("rules", "publish", root, "--json", "--note", "cheaper")
        assert json.loads(published) == [{"domain": domain, "digest": second, "published": True, "cases": 0}]
        until(lambda: judging() == second)
        # The process that forks those of the pool goes over as well.
        with closing(create_app(mine)) as app:
            until(
                lambda: (
                    {digest for one in describe_workers(app, [name]).values() for digest in one.digests.values()}
                    == {second}
                )
            )
        assert "was published already; it has no cases" in on(mine)("rules", "publish", root / domain)
        rules.write_text(whole[:100])
        assert f"nothing is published: {domain} can't be" in on(mine)("rules", "publish", root, code=1)
        assert judging() == second
        # A later release publishes in words that this one does not know: the worker says so, and judges as before.
        later = "unless Order.total > 5 then Accept();"
        unknown = RulesetSnapshot(domain, "1" * 64, {"domain.toml": b"", "a.grl": f"rule Big {{ {later} }}".encode()})
        publish(database, [unknown])
        with closing(create_app(mine)) as app:
            until(lambda: describe_workers(app, [name])[name].refused)
        assert f"active is {'1' * 12}, and can't be judged by on {name}: " in on(mine)("doctor", code=1)
        assert judging() == second
