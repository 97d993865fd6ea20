"""Jobs and batches are judged with the shared facts that their worker finds, and never without an answer."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from rulefarm import wire
from rulefarm.errors import VerdictPending
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.verdict_list import find_verdicts
from tasks.verify_verdicts import VerdictVerifier
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.commands import environment, rulefarm
from tests.processes import until
from tests.rows import key


def test_a_job_is_judged_with_what_is_known_of_its_customer(farm: Farm) -> None:
    customer, store = key(), 7_001
    farm.facts.put("Customer", customer, {"household_id": customer, "limit": 99.5})
    farm.facts.put("Store", store, {"region": "N"})
    sent = {"Order": {"household_id": customer, "store": store, "total": 100}}
    verdict = farm.evaluate("credit", sent, key=key())
    assert (verdict.outcome, verdict.fired) == ("reject", ["OverLimit"])
    assert verdict.reasons[0]["text"] == "over the limit of 99.5"
    assert verdict.shared_facts == {"Customer": {"household_id": customer, "limit": 99.5}, "Store": {"region": "N"}}
    assert verdict.facts_digest == wire.digest(wire.canonical({**sent, **verdict.shared_facts}))
    assert farm.verdict(verdict.id) == verdict


def test_a_fact_that_is_nowhere_is_null_or_an_error_where_it_is_required(farm: Farm) -> None:
    customer = key()
    farm.facts.put("Customer", customer, {"limit": 1000})
    verdict = farm.evaluate("credit", {"Order": {"household_id": customer, "store": 1, "total": 5}}, key=key())
    assert (verdict.outcome, verdict.fired) == ("review", ["NoStore"])
    assert verdict.shared_facts == {"Customer": {"limit": 1000}, "Store": None}
    stranger = farm.evaluate("credit", {"Order": {"household_id": key(), "total": 5}}, key=key())
    assert stranger.outcome == "error"
    assert [reason["code"] for reason in stranger.reasons] == ["fact-missing"]
    assert stranger.shared_facts == {"Customer": None, "Store": None}


def test_a_fact_that_the_producer_sent_wins(farm: Farm) -> None:
    customer = key()
    farm.facts.put("Customer", customer, {"limit": 1})
    sent = {"Order": {"household_id": customer, "total": 5}, "Customer": {"limit": 10}, "Store": {"region": "S"}}
    verdict = farm.evaluate("credit", sent, key=key())
    assert (verdict.outcome, verdict.shared_facts) == ("accept", None)
    assert verdict.facts_digest == wire.digest(wire.canonical(sent))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_batch_is_judged_with_the_facts_of_each_row(farm: Farm, tmp_path: Path, suffix: str) -> None:
    customers = [key() for _ in range(250)]
    farm.facts.put_many("Customer", ((one, {"limit": n}) for n, one in enumerate(customers) if n != 7))
    farm.facts.put("Store", 7_002, {"region": "N"})
    rows = [
        {"order_id": f"o{n}", "household_id": one, "store": 7_002, "total": 99.5} for n, one in enumerate(customers)
    ]
    source = tmp_path / f"orders{suffix}"
    if suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    source.write_text("\n".join(lines))
    batch = farm.submit_batch("credit", source, subject="order_id", key=key())
    progress = until(lambda: (found := batch.progress())["state"] == "done" and found, 60)
    assert progress["outcomes"] == {"accept": 150, "error": 1, "reject": 99}
    verdicts = {one.subject: one for one in find_verdicts(farm.require_ledger().engine, batch=batch.id, limit=1000)}
    assert verdicts["o7"].reasons[0]["code"] == "fact-missing"
    assert verdicts["o99"].reasons[0]["text"] == "over the limit of 99"
    assert verdicts["o100"].shared_facts == {"Customer": {"limit": 100}, "Store": {"region": "N"}}
    # With the facts as they were then, whatever they are now.
    farm.facts.put_many("Customer", ((one, {"limit": 0}) for one in customers))
    found = VerdictVerifier(farm.require_ledger().engine, domain="credit").run()
    assert [one for one in found.mismatches if one.verdict.batch == batch.id] == []
    assert (found.judged >= 249, found.skipped >= 1) == (True, True)


def test_without_an_answer_nothing_is_judged_and_with_one_all_is(
    sharing_farm: Settings, tmp_path: Path, free_port: int, valkey: Callable[[int], AbstractContextManager[None]]
) -> None:
    # A domain of its own, for else the workers of the other tests would judge it.
    folder = tmp_path / "rulesets" / "away"
    folder.mkdir(parents=True)
    for source in (sharing_farm.rulesets or tmp_path).joinpath("credit").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    settings = replace(
        sharing_farm, home=tmp_path, rulesets=tmp_path / "rulesets", facts_url=f"redis://127.0.0.1:{free_port}/0"
    )
    log = tmp_path / "worker---domains-away.log"
    with rulefarm(settings, "worker", "--domains", "away"), Farm(settings) as farm:
        until(lambda: "away" in farm.require_ledger().domains(), 60)
        job = farm.submit("away", {"Order": {"household_id": "h1", "total": 5}}, key=key())
        until(lambda: "Redis with the facts" in log.read_text(), 60)
        with pytest.raises(VerdictPending):
            job.wait(timeout=0.1)
        with valkey(free_port):
            farm.facts.put("Customer", "h1", {"limit": 4})
            assert job.wait(timeout=60).outcome == "reject"
    assert "dead letter" not in log.read_text()


def test_explain_shows_the_facts_as_they_were_seen(farm: Farm, run: Run) -> None:  # noqa: F811 - a fixture
    customer = key()
    farm.facts.put("Customer", customer, {"limit": 10})
    verdict = farm.evaluate("credit", {"Order": {"household_id": customer, "total": 11}}, key=key())
    farm.facts.put("Customer", customer, {"limit": 1_000})
    environ = {name: text for name, text in environment(farm.settings).items() if name.startswith("RULEFARM_")}
    done = run("explain", verdict.id, **environ)
    assert done.returncode == 0, done.stderr
    assert "Customer.limit is 10" in done.stdout
    assert "judged again" not in done.stderr


def test_what_was_not_judged_is_shown_and_not_explained(farm: Farm, run: Run) -> None:  # noqa: F811 - a fixture
    verdict = farm.evaluate("credit", {"Order": {"household_id": key(), "total": 11}}, key=key())
    environ = {name: text for name, text in environment(farm.settings).items() if name.startswith("RULEFARM_")}
    done = run("explain", verdict.id, **environ)
    assert done.returncode == 0, done.stderr
    assert "Customer is required" in done.stdout
    assert "NoStore" not in done.stdout
    assert json.loads(run("explain", verdict.id, "--json", **environ).stdout)["rules"] == []
