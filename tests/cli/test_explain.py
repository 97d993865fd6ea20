"""`explain` and `eval --explain`: what a person sees, what a program gets, and what is wrong is said in one line."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import OnFarm, Run

DOMAIN = """subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", required = true }
risk = { kind = "number", derived = true }
"""
RULES = """
rule "Big" "a big order" { when Order.total > 10 then Order.risk = 50; }
rule "Risky" { when Order.risk >= 40 && !(Order.total < 0) then Review("risk"); }
rule "Huge" { when Order.total > 1000 then Reject("huge"); }
"""


@pytest.fixture
def on_rules(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Run `rulefarm eval payment order.json` with the rules above; gives what it printed."""
    (tmp_path / "rules" / "payment").mkdir(parents=True)
    (tmp_path / "rules" / "payment" / "domain.toml").write_text(DOMAIN)
    (tmp_path / "rules" / "payment" / "payment.grl").write_text(RULES)
    (tmp_path / "order.json").write_text('{"Order": {"total": 12.5}}')

    def call(*arguments: object, code: int = 0) -> str:
        done = run("eval", "payment", "order.json", *arguments, RULEFARM_RULESETS="rules")
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


def test_eval_explains_what_fired(on_rules: Callable[..., str]) -> None:
    shown = [line.rstrip() for line in on_rules("--explain").splitlines()]
    assert shown == [
        "review",
        "  Risky: risk",
        "  Big",
        "  Order.risk = 50",
        "",
        "1. Big  a big order  rules/payment/payment.grl:2",
        "   ✓ Order.total > 10  Order.total is 12.5",
        "   → Order.risk from null to 50",
        "",
        "2. Risky  rules/payment/payment.grl:3",
        "   ✓ Order.risk >= 40    Order.risk is 50",
        "   ✓ not",
        "      ✗ Order.total < 0  Order.total is 12.5",
        "",
        "the smallest change of one number for a better outcome",
        "  Order.total is 12.5; 10 or less passes",
    ]


def test_eval_explains_a_rule_that_did_not_fire(on_rules: Callable[..., str]) -> None:
    shown = on_rules("--rule", "Huge")
    assert "Huge  rules/payment/payment.grl:4\n   did not fire\n   ✗ Order.total > 1000" in shown
    assert "changed by other rules\n  1. Big: Order.risk from null to 50" in shown
    assert all(name in on_rules("--all") for name in ("1. Big", "2. Risky", "\nHuge"))


def test_a_program_gets_json(on_rules: Callable[..., str]) -> None:
    document = json.loads(on_rules("--explain", "--json"))
    assert set(document) == {"evaluation", "rules", "changes", "nearest", "nearest_note"}
    assert document["evaluation"]["outcome"] == "review"
    assert document["nearest"][0]["nearest"] == 10


def test_an_unknown_rule_is_one_line_with_the_nearest_name(on_rules: Callable[..., str]) -> None:
    assert on_rules("--rule", "hug", code=1) == (
        "rulefarm: there is no rule 'hug'; did you mean 'Huge'? [rule-unknown]\n"
    )


def test_facts_that_are_refused_say_so(on_rules: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"Order": {}}')
    assert "Order.total is missing" in on_rules("--explain", code=1)


def test_a_job_is_explained_by_its_id_and_by_its_key(on_farm: OnFarm) -> None:
    key = uuid.uuid4().hex
    facts = '{"Order": {"total": 2000, "country": "FR"}}'
    verdict = json.loads(on_farm("submit", "payment", "-", "--key", key, "--wait", "--json", stdin=facts))
    shown = on_farm("explain", verdict["id"])
    assert shown.startswith(f"reject payment {key}")
    assert "✓ Order.country != " in shown or "Order.country is" in shown
    assert "the smallest change of one number" in shown
    assert on_farm("explain", key) == shown
    document = json.loads(on_farm("explain", key, "--json"))
    assert document["verdict"] == verdict
    assert document["same"] is True
    assert [rule["rule"] for rule in document["rules"]] == verdict["fired"]


@pytest.mark.parametrize("source", ["products.csv", "products.jsonl"])
def test_a_row_of_a_batch_is_explained(on_farm: OnFarm, tmp_path: Path, source: str) -> None:
    rows = [{"sku": f"{uuid.uuid4().hex}", "price": n, "cost": 5} for n in range(250)]
    text = "\n".join(json.dumps(row) for row in rows)
    if source.endswith(".csv"):
        text = "sku,price,cost\n" + "\n".join(f"{row['sku']},{row['price']},{row['cost']}" for row in rows)
    (tmp_path / source).write_text(text + "\n")
    on_farm("batch", "pricing", source)
    document = json.loads(on_farm("explain", rows[3]["sku"], "--json"))
    assert document["same"] is True
    assert document["verdict"]["outcome"] == "reject"
    assert "Product.price is 3" in on_farm("explain", document["verdict"]["id"])


def test_an_unknown_job_is_one_line(on_farm: OnFarm) -> None:
    for job in (str(uuid.uuid4()), "no-such-key"):
        said = on_farm("explain", job, code=1)
        assert said.startswith(f"rulefarm: no job or row of a batch {job} is on record")
        assert said.count("\n") == 1


def test_logs_and_events_are_shown_and_given_to_programs(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "payment"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(DOMAIN + '[emit.SendAlert]\nargs = ["text", "number"]\n')
    (folder / "payment.grl").write_text(
        'rule Big { when Order.total > 10 then Log("big: " + Order.id); Order.risk += 5; SendAlert("x", Order.risk); }'
    )
    (tmp_path / "order.json").write_text('{"Order": {"total": 12.5}}')
    shown, explained, document = (
        run("eval", "payment", "order.json", *more, RULEFARM_RULESETS="rules").stdout
        for more in ((), ("--explain",), ("--json",))
    )
    assert [line.rstrip() for line in shown.splitlines()] == [
        "accept",
        "  Big",
        "  Order.risk = 5",
        "  logged: big:",
        '  event: SendAlert("x", 5) of Big',
    ]
    assert '  event: SendAlert("x", 5) of Big' in explained
    assert "→ Order.risk from null (it counts as 0) to 5" in explained
    evaluation = json.loads(document)
    assert evaluation["logs"] == ["big: "]
    assert evaluation["events"] == [{"name": "SendAlert", "arguments": ["x", 5], "rule": "Big"}]
