"""Every row of a file gets one verdict, whatever the format, and a bad row harms no neighbour."""

import json
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Engine, func, select

from rulefarm.database import batches, verdicts
from rulefarm.errors import JobRejected, NotFound, SourceRejected
from rulefarm.farm import Farm
from rulefarm.routing import NIGHTLY
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.verdict_list import find_verdicts
from tests.commands import RULESETS, rulefarm
from tests.processes import until
from workers.monitoring import worker_states

PRODUCTS = [
    {"sku": f"p{n}", "price": n / 4, "cost": 20.0, "category": "outlet" if n % 2 else "food", "sold_out": n % 50 == 0}
    for n in range(1050)
]


def write_parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows).write_parquet(folder / "products.parquet")
    return folder / "products.parquet"


def write_csv(folder: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows).write_csv(folder / "products.csv")
    return folder / "products.csv"


def write_jsonl(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "products.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "products.jsonl"


def write_whole_facts(folder: Path, rows: list[dict[str, Any]]) -> Path:
    (folder / "facts.jsonl").write_text("".join(json.dumps({"Product": row}) + "\n" for row in rows))
    return folder / "facts.jsonl"


def finish(farm: Farm, batch_id: uuid.UUID) -> dict[str, Any]:
    def done() -> dict[str, Any] | None:
        record = farm.batch(batch_id)
        return record if record["state"] == "done" else None

    record = until(done, 60)
    assert record is not None
    return record


@pytest.mark.parametrize("write", [write_parquet, write_csv, write_jsonl, write_whole_facts])
def test_every_row_gets_the_verdict_that_one_process_gives(
    farm: Farm, farm_database: Engine, tmp_path: Path, write: Callable[[Path, list[dict[str, Any]]], Path]
) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    batch = farm.submit_batch("pricing", write(tmp_path, PRODUCTS), as_of=moment)
    assert (batch.rows, batch.chunks, batch.sent) == (1050, 11, True)
    record = finish(farm, batch.id)
    assert sum(record["outcomes"].values()) == 1050
    program = load_domain(RULESETS, "pricing").program
    found = {verdict.subject: verdict for verdict in find_verdicts(farm_database, batch=batch.id, limit=2000)}
    assert len(found) == 1050
    for row in PRODUCTS:
        expected, verdict = program.evaluate({"Product": row}, as_of=moment), found[row["sku"]]
        assert (verdict.outcome, verdict.fired) == (expected.outcome, expected.fired)
        assert verdict.as_of == moment
        assert verdict.ruleset_digest == program.digest


def test_a_row_has_the_same_digest_as_the_same_facts_submitted_alone(farm: Farm, tmp_path: Path) -> None:
    batch = farm.submit_batch("pricing", write_parquet(tmp_path, PRODUCTS[:3]))
    finish(farm, batch.id)
    alone = farm.evaluate("pricing", {"Product": PRODUCTS[2]}, key="p2")
    row = farm.verdict(uuid.uuid5(batch.id, "p2"))
    assert row is not None
    assert (row.facts_digest, row.batch) == (alone.facts_digest, batch.id)


def test_a_bad_row_of_a_text_file_is_an_error_that_names_the_field(
    farm: Farm, farm_database: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(
        "sku,price,sold_out\na,1.10,no\nb,abc,no\nc,,yes\nd,12345678901234567,no\ne, 7 ,maybe\nf,1e2,TRUE\n"
    )
    batch = farm.submit_batch("pricing", path)
    assert finish(farm, batch.id)["outcomes"] == {"accept": 1, "error": 4, "review": 1}
    found = {verdict.subject: verdict for verdict in find_verdicts(farm_database, batch=batch.id)}
    assert [found[subject].outcome for subject in "abcdef"] == ["accept", "error", "error", "error", "error", "review"]
    for subject, field in (("b", "price"), ("c", "price"), ("d", "price"), ("e", "sold_out")):
        assert f"Product.{field}" in found[subject].reasons[0]["text"]


REFUSED = [
    ("missing.csv", None, None, "can't be read"),
    ("rows.txt", "sku\n1\n", None, "no format"),
    ("empty.csv", "sku,price\n", None, "no rows"),
    ("empty.jsonl", "\n", None, "no rows"),
    ("twice.csv", "sku,price\na,1\nb,2\na,3\n", None, "rows 1 and 3 name the same subject: 'a'"),
    ("blank.csv", "sku,price\na,1\n,2\n", None, "row 2 names no subject"),
    ("other.csv", "sku,price\na,1\n", "id", "no column 'id'"),
    ("broken.jsonl", '{"sku": "a"}\n{"sku": \n', None, "broken.jsonl:2: no JSON"),
    ("nan.jsonl", '{"sku": "a", "price": NaN}\n', None, "nan.jsonl:1"),
    ("list.jsonl", "[1]\n", None, "list.jsonl:1"),
    ("noise.parquet", "PAR1 but not really", None, "can't be read"),
    ("quotes.csv", 'sku,price\na,"1\\" 2"\n', None, "quotes.csv:2: something stands behind a closing quote"),
    ("doubled.csv", "sku,price, price\na,1,2\n", None, "has the column 'price' twice"),
]


@pytest.mark.parametrize(("name", "content", "subject", "said"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_source_that_cannot_be_cut_is_refused_and_leaves_that_it_failed(
    farm: Farm, farm_database: Engine, tmp_path: Path, name: str, content: str | None, subject: str | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(SourceRejected) as caught:
        farm.submit_batch("pricing", path, subject=subject)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    with farm_database.connect() as connection:
        statement = select(batches.c.state, batches.c.reason, batches.c.chunks).where(batches.c.source == str(path))
        [(state, reason, chunks)] = connection.execute(statement)
    assert (state, chunks) == ("failed", 0)
    assert said in reason


def test_an_unknown_domain_and_an_unknown_batch_are_named(farm: Farm, tmp_path: Path) -> None:
    with pytest.raises(JobRejected, match="pricinng"):
        farm.submit_batch("pricinng", write_csv(tmp_path, PRODUCTS[:1]))
    with pytest.raises(NotFound):
        farm.batch(uuid.uuid4())


def test_a_batch_with_a_key_is_one_batch_however_often_it_is_submitted(
    farm: Farm, farm_database: Engine, tmp_path: Path
) -> None:
    path, key = write_csv(tmp_path, PRODUCTS[:150]), uuid.uuid4().hex
    first, second = (farm.submit_batch("pricing", path, key=key) for _ in range(2))
    assert first.id == second.id
    assert first.as_of == second.as_of
    assert sum(finish(farm, first.id)["outcomes"].values()) == 150
    assert farm.submit_batch("pricing", path).id != first.id


def test_the_nightly_batch_is_submitted_once_a_night(farm: Farm, running_farm: Settings, tmp_path: Path) -> None:
    source = write_parquet(tmp_path, PRODUCTS[:120])
    environ = dict(os.environ)
    os.environ["RULEFARM_NIGHTLY_SOURCE"] = str(source)
    try:
        name = f"nightly-{uuid.uuid4().hex[:6]}"
        with rulefarm(running_farm, "worker", "--domains", "pricing", "--queue", "bulk", "--name", name):
            until(lambda: any(worker.name.startswith(name) for worker in worker_states(running_farm)), 60)
            for _ in range(3):
                farm.app.send_task(NIGHTLY, exchange="rules", routing_key="rules.pricing.bulk", ignore_result=True)

            def planned() -> list[Any]:
                with farm.require_ledger().engine.connect() as connection:
                    return list(connection.execute(select(batches.c.id).where(batches.c.source == str(source))))

            # The other bulk worker has no source set and refuses; this one plans.
            until(planned, 60)
            record = finish(farm, planned()[0].id)
    finally:
        os.environ.clear()
        os.environ.update(environ)
    assert len(planned()) == 1
    assert sum(record["outcomes"].values()) == 120


def test_verdicts_of_a_batch_are_as_many_as_its_rows(farm_database: Engine) -> None:
    counted = select(verdicts.c.batch, func.count().label("n")).where(verdicts.c.batch.is_not(None))
    with farm_database.connect() as connection:
        found = {row.batch: row.n for row in connection.execute(counted.group_by(verdicts.c.batch))}
        taken = select(batches.c.id, batches.c.rows).where(batches.c.state != "failed")
        rows = {row.id: row.rows for row in connection.execute(taken)}
    assert found == rows
