"""Every verdict on record can be reached again from what is on record, and one that somebody changed can't."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tasks.verify_verdicts import VerdictVerifier, Verified
from tests.cli.conftest import OnFarm, on, on_farm, run
from tests.processes import until
from tests.rows import key

__all__ = ["on", "on_farm", "run"]


@pytest.fixture(scope="module")
def judged(running_farm: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Jobs and rows of every outcome; what they are called, and their ids."""
    orders: list[dict[str, Any]] = [
        {"Order": {"total": 2000, "country": "FR", "name": "Zoë"}},
        {"Order": {"total": 777.77, "country": None}, "Line": [{"quantity": 51}]},
        {"Order": {"total": 0.1}},
        {"Order": {}},
    ]
    source = tmp_path_factory.mktemp("verify") / "products.csv"
    mine = key()
    source.write_text("sku,price,cost\n" + "".join(f"{mine}{n},{n},5\n" for n in range(7)) + f"{mine}x,,\n")
    with Farm(running_farm) as farm:
        ids = {f"job {n}": str(farm.evaluate("payment", order, key=key()).id) for n, order in enumerate(orders)}
        batch = farm.submit_batch("pricing", source, key=key())
        until(lambda: farm.batch(batch.id)["state"] == "done")
        ids["batch"] = str(batch.id)
        yield ids


def verified(engine: Engine, ids: dict[str, str], **more: Any) -> tuple[Verified, set[str]]:
    """All that is on record judged again; which of ours differ."""
    found = VerdictVerifier(engine, **more).run()
    ours = {*ids.values()}
    different = [one.verdict for one in found.mismatches]
    return found, {str(one.id) for one in different if {str(one.id), str(one.batch)} & ours}


def test_all_of_them_are_reached_again(judged: dict[str, str], farm_database: Engine) -> None:
    found, differ = verified(farm_database, judged)
    assert differ == set()
    assert found.judged >= 12
    of_domain, _ = verified(farm_database, judged, domain="payment")
    assert 4 <= of_domain.judged <= found.judged - 8


EDITS = {
    "the outcome": ("update verdicts set outcome = 'accept' where id = :id", "outcome"),
    "a reason": ("update verdicts set reasons = '[]' where id = :id", "reasons"),
    "a rule": ("update verdicts set fired = array['Big'] where id = :id", "fired"),
    "a change": ("update verdicts set changes = '{}' where id = :id", "changes"),
    "the facts": (
        "update jobs set facts = jsonb_set(facts, '{Order,total}', '2000.01') where id = :id",
        "facts_digest",
    ),
    "the instant of facts": ("update verdicts set facts_digest = repeat('0', 64) where id = :id", "facts_digest"),
}


@pytest.mark.parametrize(("edit", "named"), EDITS.values(), ids=EDITS.keys())
def test_one_that_somebody_changed_is_named_with_what_differs(
    judged: dict[str, str], farm_database: Engine, edit: str, named: str
) -> None:
    whole = "select to_jsonb(jobs) from jobs where id = :id", "select to_jsonb(verdicts) from verdicts where id = :id"
    bound = {"id": judged["job 0"]}
    with farm_database.begin() as connection:
        before = [connection.execute(text(one), bound).scalar_one() for one in whole]
        connection.execute(text(edit), bound)
    found = VerdictVerifier(farm_database, domain="payment").run()
    [mismatch] = [one for one in found.mismatches if str(one.verdict.id) == judged["job 0"]]
    assert named in mismatch.differences
    job, verdict = before
    back = {"facts": json.dumps(job["facts"]), **bound} | {
        name: json.dumps(verdict[name]) if name in ("reasons", "changes") else verdict[name]
        for name in ("outcome", "reasons", "fired", "changes", "facts_digest")
    }
    with farm_database.begin() as connection:
        connection.execute(text("update jobs set facts = :facts where id = :id"), back)
        connection.execute(
            text(
                "update verdicts set outcome = :outcome, reasons = :reasons, fired = :fired, changes = :changes,"
                " facts_digest = :facts_digest where id = :id"
            ),
            back,
        )
    assert verified(farm_database, judged, domain="payment")[1] == set()


def test_a_row_of_a_batch_that_somebody_changed_is_named_by_the_command(
    judged: dict[str, str], farm_database: Engine, on_farm: OnFarm, tmp_path: Path
) -> None:
    find = text("select id from verdicts where batch = :batch and outcome = 'accept' limit 1")
    with farm_database.begin() as connection:
        row = str(connection.execute(find, judged).scalar_one())
        connection.execute(text("update verdicts set outcome = 'review' where id = :row"), {"row": row})
    shown = on_farm("verify", "--sample", "100%", "--domain", "pricing", code=1)
    # The bulk workers of the farm have found it.
    assert "in this process" not in shown
    assert f"{row}  pricing" in shown
    assert "outcome: 'review' on record, 'accept' now" in shown
    document = json.loads(on_farm("verify", "--sample", "100%", "--json", code=1))
    assert row in [one["verdict"]["id"] for one in document["mismatches"]]
    with farm_database.begin() as connection:
        connection.execute(text("update verdicts set outcome = 'accept' where id = :row"), {"row": row})
    assert "0 verdicts judged again" in on_farm("verify", "--sample", "50%", "--since", "2999-01-01")
    for wrong in (["--sample", "0%"], ["--sample", "1"], []):
        on_farm("verify", *wrong, code=2)
