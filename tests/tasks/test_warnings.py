"""A misspelt name is said in the verdict, and the same of a job, a line and a row, whatever file it stands in."""

import json
import uuid
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm import wire
from rulefarm.batch import open_source
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset, load_domain
from tasks.judge import judge_job
from tests.tasks.judging import AS_OF, judge_frames, workbook

SCHEMA = """
subject = "Product"
key = "sku"
[facts.Product.fields]
sku = { kind = "text" }
price = { kind = "number" }
cost = { kind = "number" }
"""
RULE = 'rule UnderCost { when Product.price < Product.cost then Reject("under cost"); }'
SAID = ["Product has no field 'colour'", "Product has no field 'prize' (did you mean 'price'?)"]
ROWS = [{"sku": f"p{n}", "prize": 1, "colour": None, "cost": n} for n in range(60)]


def domain(root: Path, rule: str = RULE, schema: str = SCHEMA) -> LoadedRuleset:
    folder = root / "prices"
    folder.mkdir()
    (folder / "domain.toml").write_text(schema)
    (folder / "a.grl").write_text(rule)
    return load_domain(root, "prices")


def judge_alone(loaded: LoadedRuleset, facts: dict[str, Any]) -> Verdict:
    about = {"job_id": uuid.UUID(int=1), "domain": "prices", "subject": "x", "on_record": True}
    message = JobMessage(facts=wire.canonical(facts), as_of=AS_OF, enqueued_at=AS_OF, **about)
    return judge_job(loaded, message, "here")


def judge_file(loaded: LoadedRuleset, path: Path) -> list[Verdict]:
    source = open_source(path, rows=1000)
    return judge_frames(loaded, source.form, list(source.portions), 1000)


def files(folder: Path) -> list[Path]:
    frame = pl.DataFrame(ROWS, schema_overrides={"colour": pl.String})
    frame.write_parquet(folder / "a.parquet")
    frame.write_csv(folder / "b.csv")
    workbook(folder / "c.xlsx", list(ROWS[0]), *(list(row.values()) for row in ROWS))
    (folder / "d.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    (folder / "e.jsonl").write_text("\n".join(json.dumps({"Product": row}) for row in ROWS))
    # A value that does not fit its column, and a row of too many cells, stand apart.
    (folder / "f.csv").write_text((folder / "b.csv").read_text() + "odd,1,red,x\nlong,1,red,2,3\n")
    return sorted(folder.glob("?.*"))


def test_a_misspelt_name_is_said_of_every_row_of_every_file(tmp_path: Path) -> None:
    loaded = domain(tmp_path)
    alone = judge_alone(loaded, {"Product": ROWS[0]})
    assert (alone.outcome, alone.warnings) == ("accept", SAID)
    for path in files(tmp_path):
        verdicts = judge_file(loaded, path)
        assert len(verdicts) >= len(ROWS)
        assert {tuple(verdict.warnings) for verdict in verdicts} == {tuple(SAID)}, path.name
    assert judge_alone(loaded, {"Product": {"price": 1}}).warnings == []
    assert judge_alone(loaded, {"Prodct": {}}).warnings == ["there is no fact 'Prodct' (did you mean 'Product'?)"]


def test_in_a_strict_domain_every_such_row_is_an_error(tmp_path: Path) -> None:
    loaded = domain(tmp_path, schema="strict = true\n" + SCHEMA)
    alone = judge_alone(loaded, {"Product": ROWS[0]})
    assert (alone.outcome, alone.warnings) == ("error", [])
    assert [(reason["code"], reason["text"]) for reason in alone.reasons] == [("facts-rejected", "; ".join(SAID))]
    for path in files(tmp_path):
        verdicts = judge_file(loaded, path)[: len(ROWS)]
        assert [verdict.reasons for verdict in verdicts] == [alone.reasons] * len(ROWS), path.name
    assert judge_alone(loaded, {"Product": {"price": 1, "cost": 2}}).outcome == "reject"


@pytest.mark.parametrize("strict", ["", "strict = true\n"])
def test_what_others_keep_may_have_more_fields(tmp_path: Path, strict: str) -> None:
    rule = "rule Low { when Store.limit < 5 then Review('low'); }"
    store = '[facts.Store.fields]\nlimit = { kind = "number" }\n[lookup.Store]\nby = "Product.sku"\n'
    loaded = domain(tmp_path, rule, strict + SCHEMA + store)
    kept = {"Product": {"sku": "7"}, "Store": {"limit": 1, "town": "x"}}
    assert loaded.program.evaluate(kept, as_of=AS_OF).outcome == "review"
    assert loaded.program.unknown_names(kept) == []
