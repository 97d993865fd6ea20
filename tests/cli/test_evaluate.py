"""`rulefarm eval` judges without a farm: a document, or a file of them, with facts from a file."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rulefarm.limits import MAX_MESSAGE_BYTES
from tests.cli.conftest import Run
from tests.commands import RULESETS, SHARING


def paid(card: str | None, amount: object, country: str = "FR") -> dict[str, Any]:
    return {"Payment": {"payment_id": "p", "card": card, "amount": amount, "country": country}}


def test_eval_replays_a_file(run: Run, tmp_path: Path) -> None:
    lines = [json.dumps(paid("a", 400)), json.dumps(paid("a", 601)), "{", json.dumps(paid("b", 1))]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines))
    environ = {"RULEFARM_RULESETS": str(SHARING)}
    done = run("eval", "fraud", str(file), **environ)
    assert done.returncode == 1
    first, second, summary = done.stdout.splitlines()
    assert first.split() == ["2", "p", "reject", "Much"]
    assert second.split()[:3] == ["3", "-", "error"]
    assert "no JSON" in second
    assert summary.startswith("4 lines in ")
    assert summary.endswith("accept 2 (50.00%), review 0 (0.00%), reject 1 (25.00%), error 1 (25.00%)")
    done = run("eval", "fraud", str(file), "--json", **environ)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents[0] == {
        "line": 2,
        "subject": "p",
        "outcome": "reject",
        "fired": ["Much"],
        "reasons": [{"rule": "Much", "outcome": "reject", "text": "paid 1001", "code": None}],
    }
    assert documents[-1]["outcomes"] == {"accept": 2, "review": 0, "reject": 1, "error": 1}
    assert run("eval", "fraud", str(file), "--explain", **environ).returncode == 2
    assert "can't be read" in run("eval", "fraud", "nowhere.jsonl", **environ).stderr


def test_eval_looks_up_in_a_file(run: Run, tmp_path: Path) -> None:
    def evaluate(form: str) -> str:
        done = run("eval", "credit", "order.json", "--facts", "known.json", form, RULEFARM_RULESETS=str(SHARING))
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "order.json").write_text('{"Order": {"household_id": "h1", "store": 7, "total": 11}}')
    (tmp_path / "known.json").write_text('{"Customer": {"h1": {"limit": 10}}, "Store": {"7": {"region": "N"}}}')
    found = json.loads(evaluate("--json"))
    assert (found["outcome"], found["fired"]) == ("reject", ["OverLimit"])
    assert "Customer.limit is 10" in evaluate("--explain")


def test_eval_reads_no_more_of_a_document_than_facts_can_have(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "blanks.json"
    path.write_text(" " * MAX_MESSAGE_BYTES + "{}")
    done = run("eval", "fraud", str(path), RULEFARM_RULESETS=str(SHARING))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"blanks.json has more than {MAX_MESSAGE_BYTES} characters" in done.stderr


def test_eval_without_a_required_fact_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"Order": {"household_id": "h1", "total": 11}}')
    done = run("eval", "credit", "order.json", "--json", RULEFARM_RULESETS=str(SHARING))
    assert done.returncode == 1
    assert json.loads(done.stdout)["reasons"][0]["code"] == "fact-missing"


def test_eval_judges_what_a_batch_could(run: Run, tmp_path: Path) -> None:
    text = "sku;preis;price;cost\na;1;1,5;2,5\nb;1;3,5;2,5\nb;1;x;2\n"
    (tmp_path / "prices.csv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    environ = {"RULEFARM_RULESETS": str(RULESETS)}
    options = ["--encoding", "utf-16", "--decimal", ",", "--subject", "sku"]
    done = run("eval", "pricing", "prices.csv.gz", *options, **environ)
    assert done.returncode == 1
    first, second, summary = done.stdout.splitlines()
    assert first.split()[:3] == ["1", "a", "reject"]
    assert second.split()[:3] == ["3", "b", "error"]
    assert "Product.price" in second
    assert summary.startswith("3 rows in ")
    assert "rulefarm: columns that are no field: preis (did you mean price?)" in done.stderr
    assert run("eval", "pricing", "nowhere.parquet", **environ).returncode == 1
    assert run("eval", "pricing", "prices.csv.gz", "--sheet", "x", **environ).returncode == 1


@pytest.mark.parametrize("option", ["", "--explain"])
def test_eval_warns_of_a_misspelt_name(run: Run, tmp_path: Path, option: str) -> None:
    (tmp_path / "p.json").write_text('{"Product": {"sku": "a", "price": 1, "cots": 7}, "Prodct": {}}')
    environ = {"RULEFARM_RULESETS": str(RULESETS)}
    done = run("eval", "pricing", "p.json", *option.split(), **environ)
    said = ["there is no fact 'Prodct' (did you mean 'Product'?)", "Product has no field 'cots' (did you mean 'cost'?)"]
    assert done.returncode == 0
    assert done.stdout.startswith(f"accept\n  warning: {said[0]}\n  warning: {said[1]}\n")
    document = json.loads(run("eval", "pricing", "p.json", *option.split(), "--json", **environ).stdout)
    assert document.get("evaluation", document)["warnings"] == said
