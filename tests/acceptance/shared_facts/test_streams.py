"""Jobs of one key are judged with each other, at whatever worker."""

import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.verdict_list import find_verdicts
from tests.commands import SHARING, rulefarm
from tests.processes import until
from tests.rows import key

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_rows_of_a_batch_are_events_of_one_instant(farm: Farm, tmp_path: Path) -> None:
    card = key()
    rows = [f"{card}-{n},{card},300" for n in range(4)] + [f"{card}-4,other-{card},300"]
    (tmp_path / "payments.csv").write_text("\n".join(["payment_id,card,amount", *rows]))
    batch = farm.submit_batch("fraud", tmp_path / "payments.csv", key=key())
    until(lambda: batch.progress()["state"] == "done", 60)
    verdicts = {one.subject: one for one in find_verdicts(farm.require_ledger().engine, batch=batch.id)}
    assert [verdicts[f"{card}-{n}"].fired for n in range(4)] == [["Often", "Much"]] * 4
    assert verdicts[f"{card}-4"].fired == []


def test_workers_that_die_between_events_judge_one_window(sharing_farm: Settings, tmp_path: Path) -> None:
    # A domain of its own: no worker of the other tests may take part.
    folder = tmp_path / "rulesets" / "mortal"
    folder.mkdir(parents=True)
    for source in (SHARING / "fraud").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    settings = replace(sharing_farm, home=tmp_path, rulesets=tmp_path / "rulesets")
    card, workers = key(), set()
    with Farm(settings) as farm:
        for n in range(3):
            with rulefarm(settings, "worker", "--domains", "mortal", "--name", f"w{n}") as worker:
                until(lambda: "mortal" in farm.require_ledger().domains(), 120)
                sent = {"Payment": {"card": card, "amount": 10 + n}}
                job = farm.submit("mortal", sent, as_of=START + timedelta(seconds=n), key=f"{card}-{n}")
                verdict = job.wait(timeout=120)
                worker.send_signal(signal.SIGKILL)
                workers.add(verdict.worker)
                assert [event["amount"] for event in (verdict.shared_facts or {})["payments"]] == [10, 11, 12][: n + 1]
    assert len(workers) == 3
    assert verdict.fired == ["Often"]
