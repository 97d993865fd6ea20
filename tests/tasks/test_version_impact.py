"""A draft is tried on rows of every form, and on jobs, with one result; and nothing is counted that can't be judged."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm.batch import SourceOptions, open_source
from rulesets.flips import Cause, Impact
from rulesets.loader import LoadedRuleset, load_domain
from tasks.version_impact import RecordedJob, VersionImpact
from tests.tasks.judging import AS_OF

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", min = 0 }
country = { kind = "text" }
flag = { kind = "text", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
amount = { kind = "number" }
"""
BEFORE = 'rule Big { when Order.total > 50 then Review("big"); }\n'
AFTER = """
rule Mark salience 9 { when Order.country == "FR" then Order.flag = "near"; }
rule Big { when Order.total > 60 && Order.flag != "near" then Review("big"); }
rule Odd { when Order.total % 7 == 0 then Reject("odd " + Order.country); }
"""
ORDERS: list[dict[str, Any]] = [
    {"id": f"o{n}", "total": n / 2 if n % 3 else n, "country": ["FR", "DE", None][n % 3]} for n in range(-2, 150)
]


def version(folder: Path, rules: str, schema: str = SCHEMA) -> LoadedRuleset:
    """The domain `shop` with these rules."""
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "domain.toml").write_text(schema)
    (folder / "shop" / "a.grl").write_text(rules)
    return load_domain(folder, "shop")


def of_file(versions: VersionImpact, path: Path) -> Impact:
    """What comes of a source, a few rows at a time."""
    source, whole = open_source(path, SourceOptions(subject="id"), rows=60), Impact()
    for frame in source.portions:
        whole.add(versions.of_rows(frame, source.form, AS_OF))
    return whole


def counts(impact: Impact) -> tuple[Any, ...]:
    """All but the examples, whose facts are typed as their source is."""
    causes = {cause: (one.count, one.sum, one.unsummed) for cause, one in impact.causes.items()}
    return impact.rows, impact.skipped, impact.otherwise, impact.matrix, causes


@pytest.mark.parametrize("schema", [SCHEMA, SCHEMA + 'note = { kind = "text" }\n'])
def test_rows_of_every_form_and_jobs_have_the_same_impact(tmp_path: Path, schema: str) -> None:
    versions = VersionImpact(version(tmp_path / "1", BEFORE), version(tmp_path / "2", AFTER, schema), "Order.total")
    frame = pl.DataFrame(ORDERS)
    frame.write_csv(tmp_path / "orders.csv")
    frame.write_parquet(tmp_path / "orders.parquet")
    frame.write_ndjson(tmp_path / "orders.jsonl")
    jobs = [RecordedJob(order["id"], json.dumps({"Order": order}), AS_OF, None) for order in ORDERS]
    wanted = counts(versions.of_jobs(jobs))
    for name in ("orders.csv", "orders.parquet", "orders.jsonl"):
        assert counts(of_file(versions, tmp_path / name)) == wanted
    rows, skipped, otherwise, matrix, causes = wanted
    assert (rows, skipped, matrix["error", "error"]) == (len(ORDERS), 0, 2)
    # By hand, of the naive meaning of both versions.
    outcomes = [(_before(order), _after(order)) for order in ORDERS if order["total"] >= 0]
    assert {pair: outcomes.count(pair) for pair in set(outcomes)} == {
        pair: count for pair, count in matrix.items() if "error" not in pair
    }
    flips = [order for order, pair in zip(ORDERS[2:], outcomes, strict=True) if pair[0] != pair[1]]
    assert sum(total for _, total, _ in causes.values()) == sum(Decimal(str(order["total"])) for order in flips)
    assert otherwise
    assert Cause("review", "accept", ("Big",)) in causes


def _before(order: dict[str, Any]) -> str:
    return "review" if order["total"] > 50 else "accept"


def _after(order: dict[str, Any]) -> str:
    if order["total"] % 7 == 0:
        return "reject"
    return "review" if order["total"] > 60 and order["country"] != "FR" else "accept"


def test_a_sum_over_a_list_takes_all_its_elements_and_says_what_has_none(tmp_path: Path) -> None:
    versions = VersionImpact(version(tmp_path / "1", BEFORE), version(tmp_path / "2", "// none"), "Line.amount")
    orders: list[dict[str, Any]] = [
        {"Order": {"id": "a", "total": 90}, "Line": [{"amount": 0.1}, {"amount": 0.2}, {}, {"amount": None}]},
        {"Order": {"id": "b", "total": 90}, "Line": []},
        {"Order": {"id": "c", "total": 90}},
        {"Order": {"id": "d", "total": 1}, "Line": [{"amount": 9}]},
    ]
    impact = versions.of_jobs([RecordedJob("x", json.dumps(facts), AS_OF, None) for facts in orders])
    assert impact.sum_of() == (Decimal("0.3"), 2)


def test_a_job_whose_shared_facts_are_not_on_record_is_skipped(tmp_path: Path) -> None:
    shipped = Path(__file__).parent / "rulesets" / "loan_shared"
    draft = Path(shutil.copytree(shipped, tmp_path / "loan_shared"))
    (draft / "more.grl").write_text('rule Never { when true then Reject("no"); }')
    before, after = load_domain(shipped.parent, "loan_shared"), load_domain(tmp_path, "loan_shared")
    versions = VersionImpact(before, after)
    assert versions.is_shared
    fact = next(iter(before.schema.lookups)).fact
    facts = json.dumps({before.schema.subject: {}})
    jobs = [RecordedJob("a", facts, AS_OF, None), RecordedJob("b", facts, AS_OF, {fact: {}})]
    impact = versions.of_jobs(jobs)
    assert (impact.rows, impact.skipped) == (1, 1)
    frame = pl.DataFrame({"rulefarm.subject": ["a", "b", "c"], "x": [1, 2, 3]})
    impact = versions.of_rows(frame, "columns", AS_OF, [None, {fact: {}}, None])
    assert (impact.rows, impact.skipped) == (1, 2)
    assert versions.of_rows(frame, "columns", AS_OF).skipped == 3
