"""The commands against a running farm: what goes in by one comes out by another."""

import csv
import io
import json
import shutil
import tomllib
import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.cli.conftest import OnFarm, Run, settings_only
from tests.commands import RULESETS
from tests.processes import until
from tests.rows import add_duty
from workers.alive import FOLDER


def test_a_submitted_order_is_judged_shown_and_found(on_farm: OnFarm, tmp_path: Path) -> None:
    key = uuid.uuid4().hex
    (tmp_path / "order.json").write_text('{"Order": {"total": 2000, "country": "FR"}}')
    shown = on_farm("submit", "payment", "order.json", "--key", key, "--wait")
    assert shown.startswith(f"reject payment {key}")
    assert "big and abroad" in shown
    assert key in on_farm("verdicts", "--domain", "payment", "--outcome", "reject", "--limit", 500)
    [document] = json.loads(on_farm("verdicts", "--subject", key, "--json"))
    assert (document["outcome"], document["fired"]) == ("reject", ["Big", "BigAbroad"])
    [header, row] = csv.reader(io.StringIO(on_farm("verdicts", "--subject", key, "--csv")))
    assert dict(zip(header, row, strict=True))["outcome"] == "reject"
    again = on_farm("submit", "payment", "order.json", "--key", key, "--wait", "--json")
    assert json.loads(again) == document


def test_a_submitted_id_is_printed_alone(on_farm: OnFarm) -> None:
    printed = on_farm("submit", "payment", "-", stdin='{"Order": {"total": 1}}')
    assert uuid.UUID(printed.strip())


def test_an_error_verdict_is_an_exit_code(on_farm: OnFarm) -> None:
    assert "Order.total" in on_farm("submit", "payment", "-", "--wait", stdin='{"Order": {}}', code=1)


def test_an_unknown_domain_is_refused_with_the_known_ones(on_farm: OnFarm) -> None:
    assert "known: payment, pricing" in on_farm("submit", "fraud", "-", stdin='{"Order": {}}', code=1)


def test_a_batch_shows_its_progress_and_its_outcomes(on_farm: OnFarm, tmp_path: Path) -> None:
    rows = "".join(f"p{n},{n},5\n" for n in range(250))
    (tmp_path / "products.csv").write_text(f"sku,price,cost\n{rows}")
    shown = on_farm("batch", "pricing", "products.csv")
    assert "done, 250 of 250" in shown
    assert "read 250 records, judged 250, refused 0" in shown
    batch = shown.split()[1]
    record = json.loads(on_farm("batch", "show", batch, "--json"))
    assert record["outcomes"] == {"accept": 245, "reject": 5}
    assert "245" in on_farm("batch", "show", batch)
    assert on_farm("verdicts", "--batch", batch, "--outcome", "reject", "--csv").count("price is under cost") == 5
    assert uuid.UUID(on_farm("batch", "pricing", "products.csv", "--no-wait").strip())


def test_the_nightly_batch_runs_now(on_farm: OnFarm, tmp_path: Path) -> None:
    # All the fields: the nightly of another test, on the same farm, has them too.
    (tmp_path / "products.csv").write_text("sku,price,cost,category,sold_out\na,1,5,food,no\nb,9,5,food,no\n")
    assert "done, 2 of 2" in on_farm("nightly", "run", "--source", "products.csv")


def test_what_is_to_be_said_of_a_source_is_said_and_refused_when_that_is_asked(
    run: Run, on_farm: OnFarm, running_farm: Settings, tmp_path: Path
) -> None:
    (tmp_path / "products.csv").write_text("sku;prise;cost\na;1,5;5\nb;1;2;3\n")
    done = run("batch", "pricing", "products.csv", "--decimal", ",", **settings_only(running_farm))
    assert done.returncode == 1
    assert "[only-errors]" in done.stderr
    assert "rulefarm: columns that are no field: prise (did you mean price?)\n" in done.stderr
    assert (
        "fields that rules read, and the source has not: Product.category, Product.price, Product.sold_out"
        in done.stderr
    )
    assert "read 2 records, judged 1, refused 1" in done.stdout
    assert "[columns-refused]" in on_farm("batch", "pricing", "products.csv", "--strict", code=1)
    [failed] = json.loads(on_farm("batch", "list", "--state", "failed", "--limit", 1, "--json"))
    assert (failed["domain"], failed["code"], failed["records"]) == ("pricing", "columns-refused", 2)
    assert "[columns-refused] products.csv: columns that are no field" in on_farm(
        "batch", "list", "--domain", "pricing"
    )
    assert "failed [columns-refused]: products.csv" in on_farm("batch", "show", failed["id"])
    state = json.loads(on_farm("status", "--json"))
    assert state["domains"]["pricing"]["failed_batches"] >= 1
    assert failed["id"] in [one["id"] for one in state["failed_batches"]]
    assert "batch of pricing failed at" in on_farm("status")
    assert "the last batch failed [columns-refused]" in run("doctor", **settings_only(running_farm)).stdout


def test_a_source_that_cannot_be_read_is_refused(on_farm: OnFarm, tmp_path: Path) -> None:
    assert "nowhere.csv can't be read" in on_farm("batch", "pricing", "nowhere.csv", code=1)
    (tmp_path / "twice.csv").write_text("sku,price\na,1\na,2\n")
    assert "rows 1 and 2 name the same subject" in on_farm("batch", "pricing", "twice.csv", code=1)


def test_status_names_queues_and_workers(on_farm: OnFarm) -> None:
    document = json.loads(on_farm("status", "--json"))
    assert {"rules.payment", "rules.payment.bulk", "rules.control"} <= set(document["queues"])
    assert {worker["name"].split("@")[0] for worker in document["workers"]} >= {
        "payment-pricing",
        "payment-pricing.bulk",
    }
    assert set(document["domains"]) == {"payment", "pricing"}
    assert "rules.pricing.bulk" in on_farm("status")


def test_its_workers_are_alive(on_farm: OnFarm, running_farm: Settings) -> None:
    folder = running_farm.home / FOLDER
    # Other tests kill workers of this farm, whose files stay: what comes back is that of the living.
    for heartbeat in folder.glob("*"):
        heartbeat.unlink()
    until(
        lambda: (
            {path.name.partition("@")[0] for path in folder.glob("*")} == {"payment-pricing", "payment-pricing.bulk"}
        )
    )
    assert on_farm("alive") == ""


def test_top_shows_a_farm_at_work(farm: Farm, on_farm: OnFarm) -> None:
    farm.evaluate("payment", {"Order": {"total": 1}}, key=uuid.uuid4().hex)
    document = json.loads(on_farm("top", "--json"))
    payment = document["domains"]["payment"]
    assert payment["outcomes"]["accept"] >= 1
    assert payment["submitted"] >= 1
    assert payment["jobs_per_s"] > 0
    assert {worker["name"].partition("@")[0] for worker in document["workers"]} >= {"payment-pricing"}
    assert document["domains"].keys() == {"payment", "pricing"}
    shown = on_farm("top")
    assert "payment-pricing.bulk@" in shown
    assert "accept" in shown


def test_without_a_broker_a_job_stays_on_record_and_is_judged_when_it_is_back(
    run: Run, on_farm: OnFarm, running_farm: Settings
) -> None:
    environ = settings_only(running_farm) | {"RULEFARM_BROKER_URL": "redis://127.0.0.1:1/0"}
    key = uuid.uuid4().hex
    done = run("submit", "payment", "-", "--key", key, "--wait", stdin='{"Order": {"total": 1}}', **environ)
    assert done.returncode == 3
    assert "is on record, but the broker does not answer" in done.stderr
    shown = on_farm("submit", "payment", "-", "--key", key, "--wait", stdin='{"Order": {"total": 1}}')
    assert shown.startswith(f"accept payment {key}")
    assert run("status", **environ).returncode == 3


def test_status_tells_the_next_nightly_and_what_is_overdue(run: Run, settings: Settings, database: Engine) -> None:
    add_duty(database, minutes_ago=-5)
    add_duty(database, minutes_ago=7, code="empty-source", reason="x.csv: empty")
    add_duty(database, minutes_ago=99, state="expired")
    shown = run("status", **settings_only(settings)).stdout
    assert [line.partition(",")[0] for line in shown.splitlines() if "nightly" in line][:2] == ["nightly of shop"] * 2
    assert "is given up\n" in shown
    assert "is not done [empty-source]: x.csv: empty\nthe next nightly of shop is due at" in shown
    document = json.loads(run("status", "--json", **settings_only(settings)).stdout)
    assert document["overdue_duties"] == 2
    assert [round(duty["age_s"] / 60) for duty in document["duties"]] in ([99, 7, -5], [100, 8, -4])
    assert [(duty["state"], duty["attempts"]) for duty in document["duties"]] == [
        ("expired", 0),
        ("open", 0),
        ("open", 0),
    ]


def test_a_key_of_several_jobs_is_said_and_told_apart_by_domain(
    run: Run, on_farm: OnFarm, running_farm: Settings
) -> None:
    key = uuid.uuid4().hex
    environ = settings_only(running_farm)
    for total in (1, 2000):
        on_farm("submit", "payment", "-", "--key", key, "--wait", stdin=f'{{"Order": {{"total": {total}}}}}')
    on_farm("submit", "pricing", "-", "--key", key, "--wait", stdin='{"Product": {"sku": "a", "price": 1, "cost": 5}}')
    for command in (["explain", key], ["jobs", "show", key]):
        done = run(*command, **environ)
        assert f"rulefarm: 3 jobs or rows have the key {key}; the newest is shown" in done.stderr
        assert done.stderr.count(" payment ") == 2
        assert "reject pricing" in done.stdout
        done = run(*command, "--domain", "payment", **environ)
        assert "2 jobs or rows have the key" in done.stderr
        assert f"payment {key}" in done.stdout
        assert run(*command, "--domain", "pricing", **environ).stderr == ""
        [first, *_] = [line.split()[0] for line in done.stderr.splitlines()[1:]]
        assert run(command[0], *command[1:-1], first, **environ).stderr == ""


def test_verdicts_are_found_by_time_rule_and_digest_and_shown_with_facts(on_farm: OnFarm) -> None:
    key = uuid.uuid4().hex
    on_farm("submit", "payment", "-", "--key", key, "--wait", stdin='{"Order": {"total": 2000, "country": "FR"}}')

    def found(*options: str) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = json.loads(on_farm("verdicts", "--subject", key, "--json", *options))
        return documents

    [verdict] = found("--facts")
    assert verdict["facts"]["Order"]["total"] == 2000
    moment, digest = verdict["evaluated_at"], verdict["ruleset_digest"]
    for wanted in (["--rule", "Big"], ["--digest", digest[:8]], ["--digest", digest], ["--since", moment]):
        assert len(found(*wanted)) == 1, wanted
    for other in (["--rule", "big"], ["--digest", "%"], ["--until", moment], ["--since", "2999-01-01"]):
        assert found(*other) == [], other
    assert "'facts'" not in on_farm("verdicts", "--subject", key, "--csv")
    assert '"total"' not in on_farm("verdicts", "--subject", key, "--csv").replace('""', '"')
    assert '"total"' in on_farm("verdicts", "--subject", key, "--csv", "--facts").replace('""', '"')
    assert json.loads(on_farm("jobs", "show", key, "--json"))["facts"]["Order"]["total"] == 2000
    assert on_farm("verdicts", "--subject", "nobody").strip() == "no verdict yet"
    on_farm("verdicts", "--facts", code=2)


def test_a_judged_job_becomes_a_case_without_what_a_case_may_not_keep(on_farm: OnFarm, tmp_path: Path) -> None:
    key = uuid.uuid4().hex
    order = {"total": 2000, "country": "FR", "order_id": key, "flag": None}
    on_farm("submit", "payment", "-", "--key", key, "--wait", stdin=json.dumps({"Order": order}))
    [whole] = tomllib.loads(on_farm("rules", "test", "--record", key))["case"]
    assert (whole["outcome"], whole["fired"], whole["changes"]) == (
        "reject",
        ["Big", "BigAbroad"],
        {"Order.flag": "big"},
    )
    assert whole["facts"] == {"Order": {"total": 2000, "country": "FR", "order_id": key}}
    shutil.copytree(RULESETS / "payment", tmp_path / "payment")
    recorded = on_farm("rules", "test", "--record", key, "--leave-out", "Order.order_id")
    assert key not in recorded
    (tmp_path / "payment" / "cases.toml").write_text(recorded)
    assert "payment: 1 case, 0 failed" in on_farm("rules", "test", "--rulesets", str(tmp_path), "payment")
    done = on_farm("rules", "test", "--record", key, "--leave-out", "Order.total")
    assert tomllib.loads(done)["case"][0]["outcome"] == "error"
    assert "have no Order.size" in on_farm("rules", "test", "--record", key, "--leave-out", "Order.size", code=1)


def test_how_often_rules_fired_is_counted_and_what_never_did_is_named(on_farm: OnFarm) -> None:
    for total in (2000, 2001):
        on_farm(
            "submit", "payment", "-", "--key", uuid.uuid4().hex, "--wait",
            stdin=json.dumps({"Order": {"total": total, "country": "FR"}}),
        )  # fmt: skip
    document = json.loads(on_farm("rules", "usage", "payment", "--json"))
    rules = {one["rule"]: one for one in document["rules"]}
    assert rules["Big"]["fired"] >= rules["BigAbroad"]["fired"] >= 2
    assert rules["Big"]["last"] is not None
    assert document["verdicts"] >= 2
    shown = on_farm("rules", "usage", "payment", "--last", "1d")
    assert "BigAbroad" in shown
    assert "verdicts of payment since" in shown
    with_nothing = json.loads(on_farm("rules", "usage", "pricing", "--json"))
    assert {one["last"] for one in with_nothing["rules"] if not one["fired"]} <= {None}


def test_facts_of_a_row_of_a_batch_are_shown(on_farm: OnFarm, tmp_path: Path) -> None:
    key = uuid.uuid4().hex
    (tmp_path / "products.csv").write_text(f"sku,price,cost\n{key},1,5\n")
    on_farm("batch", "pricing", "products.csv")
    [verdict] = json.loads(on_farm("verdicts", "--subject", key, "--json", "--facts"))
    assert verdict["facts"]["Product"]["price"] == 1
    assert json.loads(on_farm("jobs", "show", key, "--json"))["facts"] == verdict["facts"]


@pytest.mark.parametrize(
    "command",
    [
        *("verdicts", "jobs list", "batch list", "explain x", "jobs show x"),
        *("dead-letters list", "dead-letters retry", "dead-letters drop --yes"),
    ],
)
def test_a_domain_that_nobody_published_is_an_error_everywhere(on_farm: OnFarm, command: str) -> None:
    said = on_farm(*command.split(), "--domain", "paymnt", code=1)
    assert "no domain 'paymnt' (did you mean 'payment'? known: payment, pricing) [unknown-domain]" in said


def test_a_batch_of_nothing_but_errors_fails_with_the_first_reasons(on_farm: OnFarm, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,total\n" + "".join(f"o{n},\n" for n in range(9)))
    said = on_farm("batch", "payment", "orders.csv", code=1)
    assert "could be judged [only-errors]; the first reasons:" in said
    assert said.count("Order.total") == 3
    (tmp_path / "orders.csv").write_text("order_id,total\no1,\no2,5\n")
    on_farm("batch", "payment", "orders.csv")


def test_the_key_of_the_domain_is_found_in_whole_facts(on_farm: OnFarm, tmp_path: Path) -> None:
    key = uuid.uuid4().hex
    order = {"total": 5, "order_id": key}
    (tmp_path / "orders.jsonl").write_text(json.dumps({"Order": order}))
    on_farm("batch", "payment", "orders.jsonl")
    (tmp_path / "orders.jsonl").write_text(json.dumps(order))
    on_farm("batch", "payment", "orders.jsonl")
    assert len(json.loads(on_farm("verdicts", "--subject", key, "--json"))) == 2
