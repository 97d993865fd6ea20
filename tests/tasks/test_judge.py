"""A chunk is judged row by row as if each row were a job of its own, whatever form its columns have."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rulefarm import wire
from rulefarm.batch import encode, open_source
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset, load_domain
from tasks.judge import judge_chunk, judge_job
from tests.commands import RULESETS

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def pricing() -> LoadedRuleset:
    return load_domain(RULESETS, "pricing")


def judge_file(pricing: LoadedRuleset, path: Path) -> list[Verdict]:
    source = open_source(path, rows=1000)
    [frame] = source.portions
    return judge_frame(pricing, frame, source.form)


def judge_frame(pricing: LoadedRuleset, frame: pl.DataFrame, form: str) -> list[Verdict]:
    [(_, facts)] = encode(frame, 1000)
    about = {"batch": uuid.UUID(int=7), "domain": "pricing", "as_of": AS_OF, "enqueued_at": AS_OF}
    return list(judge_chunk(pricing, {**about, "form": form, "facts": facts}, "here"))


def judge_alone(pricing: LoadedRuleset, facts: dict[str, Any]) -> Verdict:
    about = {"job_id": uuid.UUID(int=1), "domain": "pricing", "subject": "x", "on_record": True}
    text = wire.canonical(facts)
    message = JobMessage(facts=text, as_of=AS_OF, enqueued_at=AS_OF, **about)
    return judge_job(pricing, message, "here")


TEXTS = [
    ("1.10", "accept"),
    ("1e2", "accept"),
    ("007", "accept"),
    ("+5", "accept"),
    (" 5 ", "accept"),
    ("123456789012345", "accept"),
    ("1234567890123456", "error"),
    ("abc", "error"),
    ("1,5", "error"),
    ("NaN", "error"),
    ("inf", "error"),
    ("1e400", "error"),
    ("-1", "error"),
    ("", "error"),
]


@pytest.mark.parametrize(("price", "outcome"), TEXTS, ids=[repr(text) for text, _ in TEXTS])
def test_text_is_read_as_the_kind_that_the_domain_declares(
    pricing: LoadedRuleset, tmp_path: Path, price: str, outcome: str
) -> None:
    path = tmp_path / "products.csv"
    path.write_text(f'sku,price\nfirst,1\nodd,"{price}"\nlast,2\n')
    assert [verdict.outcome for verdict in judge_file(pricing, path)] == ["accept", outcome, "accept"]


def test_the_forms_agree_with_each_other_and_with_single_jobs(pricing: LoadedRuleset, tmp_path: Path) -> None:
    rows = [
        {"sku": f"p{n}", "price": n / 8, "cost": 3.5 if n % 3 else None, "category": "outlet", "sold_out": n % 5 == 0}
        for n in range(60)
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(rows).write_csv(tmp_path / "b.csv")
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "d.jsonl").write_text("\n".join(json.dumps({"Product": row}) for row in rows))
    alone = [judge_alone(pricing, {"Product": row}) for row in rows]
    expected = [(v.outcome, v.fired, v.reasons, v.changes, v.facts_digest) for v in alone]
    for name in ("a.parquet", "b.csv", "c.jsonl", "d.jsonl"):
        judged = judge_file(pricing, tmp_path / name)
        assert [(v.outcome, v.fired, v.reasons, v.changes, v.facts_digest) for v in judged] == expected, name
        assert len({v.id for v in judged}) == 60


def test_logs_events_and_dates_of_a_chunk_are_those_of_single_jobs(tmp_path: Path) -> None:
    folder = tmp_path / "pricing"
    folder.mkdir()
    (folder / "domain.toml").write_text(
        'subject = "Product"\nkey = "sku"\n[facts.Product.fields]\nsku = { kind = "text" }\n'
        'price = { kind = "number" }\nseen = { kind = "date", derived = true }\n'
        '[emit.SendAlert]\nargs = ["text", "date"]\n'
    )
    (folder / "a.grl").write_text(
        "rule Dear { when Product.price > 5 then "
        'Log("price " + Product.price); Product.seen = Now(); SendAlert(Product.sku, Now()); SendAlert("b", null); }'
    )
    loaded = load_domain(tmp_path, "pricing")
    rows = [{"sku": f"p{n}", "price": n / 8} for n in range(60)]
    alone = [judge_alone(loaded, {"Product": row}) for row in rows]
    judged = judge_frame(loaded, pl.DataFrame(rows).with_columns(pl.col("sku").alias("rulefarm.subject")), "columns")
    expected = [(v.outcome, v.fired, v.changes, v.logs, v.events) for v in alone]
    assert [(v.outcome, v.fired, v.changes, v.logs, v.events) for v in judged] == expected
    assert (alone[0].logs, alone[0].events) == ([], [])
    assert alone[48].logs == ["price 6"]
    moment = "2026-03-01T00:00:00+00:00"
    assert alone[48].changes == {"Product.seen": moment}
    assert alone[48].events == [
        {"name": "SendAlert", "arguments": ["p48", moment], "rule": "Dear"},
        {"name": "SendAlert", "arguments": ["b", None], "rule": "Dear"},
    ]
    assert json.dumps(alone[48].to_json())


def test_chunks_on_record_keep_the_names_of_their_columns(pricing: LoadedRuleset) -> None:
    documents = ['{"Product":{"sku":"a","price":5}}', '{"Product":{"sku":"b","price":"x"}}']
    frame = pl.DataFrame({"rulefarm.subject": ["a", "b"], "rulefarm.facts": documents})
    assert [(row.subject, row.outcome) for row in judge_frame(pricing, frame, "json")] == [
        ("a", "accept"),
        ("b", "error"),
    ]


def test_a_number_that_json_cannot_hold_is_an_error_of_its_row_alone(pricing: LoadedRuleset, tmp_path: Path) -> None:
    frame = pl.DataFrame({"sku": ["a", "b", "c"], "price": [1.0, float("nan"), float("inf")]})
    frame.write_parquet(tmp_path / "x.parquet")
    judged = judge_file(pricing, tmp_path / "x.parquet")
    assert [verdict.outcome for verdict in judged] == ["accept", "error", "error"]
    assert len({verdict.facts_digest for verdict in judged}) == 3
