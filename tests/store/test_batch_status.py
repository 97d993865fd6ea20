"""A batch that failed is on record with its reason, and stands until a later one of its kind is done."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, text

from rulefarm.batch import BatchTerms, SourceOptions, record_batch
from rulefarm.errors import DatabaseUnreachable, SourceRejected
from rulefarm.jobs import Batch
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.batch_status import find_batches, standing_failures
from store.chunk_attempts import finish_batch
from store.migrate import alembic_config, migrate
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.judge import judge_chunk
from tests.tasks.judging import SHOP

GOOD = "sku,price,cost,special_from,special_to,on_sale,tags,attrs,category\nA,1,2,,,,,,\n"


@pytest.fixture
def shop(database: Engine) -> Engine:
    """A database in which the shop's ruleset is published."""
    publish(database, [RulesetSnapshot.of(SHOP)])
    return database


def submit(engine: Engine, settings: Settings, path: Path, content: str | None, **terms: object) -> Batch:
    if content is not None:
        path.write_text(content)
    return record_batch(engine, settings, "shop", path, free_slots=9, terms=BatchTerms(**terms))[0]  # type: ignore[arg-type]


def close(engine: Engine, batch: Batch) -> None:
    """Close a batch as its last chunk does."""
    with engine.begin() as connection:
        connection.execute(text("update chunks set state = 'done' where batch = :id"), {"id": batch.id})
        finish_batch(connection, batch.id)


def refuse(engine: Engine, settings: Settings, path: Path, content: str | None, **terms: object) -> SourceRejected:
    with pytest.raises(SourceRejected) as caught:
        submit(engine, settings, path, content, **terms)
    return caught.value


def test_a_failure_stands_until_a_later_batch_of_its_kind_is_done(
    shop: Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    refuse(shop, settings, path, GOOD + 'B,"1\n', nightly=True)
    refuse(shop, settings, path, GOOD.replace("A,1", ",1"))
    failed = standing_failures(shop)
    assert [(one["nightly"], one["code"], one["records"]) for one in failed] == [
        (False, "bad-subject", 1),
        (True, "malformed-csv", 0),
    ]
    assert "a.csv:3: a quote is not closed" in failed[1]["reason"]
    batch = submit(shop, settings, path, GOOD)
    assert len(standing_failures(shop)) == 2
    close(shop, batch)
    assert [one["nightly"] for one in standing_failures(shop)] == [True]
    close(shop, submit(shop, settings, path, GOOD, nightly=True))
    assert standing_failures(shop) == []
    assert [one["state"] for one in find_batches(shop)] == ["done", "done", "failed", "failed"]
    assert [one["state"] for one in find_batches(shop, state="failed", limit=1)] == ["failed"]
    assert find_batches(shop, domain="pricing") == []


def test_the_same_key_takes_the_place_of_its_failure(shop: Engine, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    for tried in (1, 2):
        error = refuse(shop, settings, path, None, key="tonight", nightly=True)
        assert (error.code, error.may_pass) == ("unreadable-source", True)
        assert [one["attempts"] for one in find_batches(shop)] == [tried]
    first = submit(shop, settings, path, GOOD, key="tonight", nightly=True)
    assert [(one["id"], one["state"], one["code"]) for one in find_batches(shop)] == [(first.id, "open", None)]
    # And nothing takes the place of one that did not fail.
    path.unlink()
    assert submit(shop, settings, path, None, key="tonight", nightly=True).id == first.id


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.csv", None, "unreadable-source"),
        ("a.txt", "x", "unknown-format"),
        ("a.parquet", "PAR1", "unreadable-source"),
    ],
)
def test_whatever_is_wrong_with_a_source_is_on_record(
    shop: Engine, settings: Settings, tmp_path: Path, name: str, content: str | None, code: str
) -> None:
    error = refuse(shop, settings, tmp_path / name, content)
    [failed] = find_batches(shop)
    assert (failed["code"], failed["reason"], failed["state"]) == (code, error.message, "failed")
    assert error.may_pass == (code == "unreadable-source")


def test_records_are_counted_and_a_row_that_is_refused_is_not_judged(
    shop: Engine, settings: Settings, tmp_path: Path
) -> None:
    batch = submit(shop, settings, tmp_path / "a.csv", GOOD + "\n,,,,,,,,\nB,1,2\nC,1,2,,,,,,\n")
    assert (batch.rows, batch.refused) == (3, 1)
    with shop.begin() as connection:
        for subject in "ABC":
            connection.execute(
                text(
                    "insert into verdicts (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes,"
                    " ruleset_digest, facts_digest, as_of, worker, evaluated_at, micros) select gen_random_uuid(),"
                    " enqueued_at, domain, :subject, id, 'accept', '{}', '[]', '{}', '', '', now(), 'w', now(), 1"
                    " from batches where id = :id"
                ),
                {"id": batch.id, "subject": subject},
            )
    close(shop, batch)
    [record] = find_batches(shop)
    assert (record["records"], record["judged"], record["refused"], record["state"]) == (3, 2, 1, "done")


def test_columns_that_match_no_field_are_said_and_refused_when_that_is_asked(
    shop: Engine, settings: Settings, tmp_path: Path
) -> None:
    path, typo = tmp_path / "a.csv", GOOD.replace("price", "prise")
    assert submit(shop, settings, path, GOOD, strict=True).remarks == ()
    assert submit(shop, settings, path, typo).remarks == (
        "columns that are no field: prise (did you mean price?)",
        "fields that rules read, and the source has not: Product.price",
    )
    error = refuse(shop, settings, path, typo, strict=True)
    assert error.code == "columns-refused"
    assert "prise (did you mean price?)" in error.message


def test_a_nightly_is_held_to_the_columns_of_the_last_that_was_done(
    shop: Engine, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    # One column that is no field, from the beginning: said, and no reason to stop.
    first = GOOD.replace("category", "colour")
    for _ in range(2):
        batch = submit(shop, settings, path, first, nightly=True)
        assert "columns that are no field: colour" in batch.remarks
        close(shop, batch)
    typo = refuse(shop, settings, path, first.replace("price", "prise"), nightly=True)
    assert "unlike the last nightly that was done: columns that are no field: prise" in typo.message
    assert "Product.price" in typo.message
    assert "category" not in typo.message
    assert "Product.cost" in refuse(shop, settings, path, first.replace("cost", "name"), nightly=True).message
    # By day, and when it is meant, it is taken; then it is the measure.
    submit(shop, settings, path, first.replace("colour", "size2"))
    close(shop, submit(shop, settings, path, first.replace("colour", "size2"), nightly=True, takes_columns=True))
    submit(shop, settings, path, first.replace("colour", "size2"), nightly=True)


def test_without_fields_that_are_published_nothing_is_compared(
    database: Engine, settings: Settings, tmp_path: Path
) -> None:
    publish(database, [RulesetSnapshot("shop", SHOP.digest, SHOP.sources)])
    path = tmp_path / "a.csv"
    assert submit(database, settings, path, "sku,nonsense\nA,1\n").remarks == ()
    assert refuse(database, settings, path, None, strict=True).code == "no-fields"
    # A worker of this version publishes them with the same ruleset.
    publish(database, [RulesetSnapshot.of(SHOP)])
    assert submit(database, settings, path, None).remarks


def test_identifiers_that_a_spreadsheet_shortened_are_said(shop: Engine, settings: Settings, tmp_path: Path) -> None:
    header = GOOD.splitlines()[0]
    rows = "4.00638E+12,1,2,,,,,,\n4.00639E+12,1,2,,,,,,\n"
    batch = submit(shop, settings, tmp_path / "a.csv", f"{header}\n{rows}")
    assert batch.remarks == ("row 1 is called 4.00638E+12, as a spreadsheet shortens a long number",)


def test_options_go_with_their_source(shop: Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(GOOD.replace(",", ";").replace("A;1", "Ä;1,5").encode("cp1252"))
    options = SourceOptions(encoding="windows-1252", decimal=",")
    batch, _ = record_batch(shop, settings, "shop", tmp_path / "a.csv", free_slots=1, options=options)
    with shop.connect() as connection:
        assert (
            connection.execute(text("select form from chunks where batch = :id"), {"id": batch.id}).scalar()
            == "text-comma"
        )
    for wrong in (SourceOptions(sheet="x"), SourceOptions(decimal="'")):
        with pytest.raises(SourceRejected) as caught:
            record_batch(shop, settings, "shop", tmp_path / "a.csv", free_slots=1, options=wrong)
        assert caught.value.code == "bad-option"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Credit Score,Kunde Nr.\n300,K1\n"),
        ("b.csv", "Credit Score, id\n300,K1\n"),
        ("a.jsonl", '{"Credit Score": 300, "Kunde Nr.": "K1"}\n'),
        ("b.jsonl", '{"Antragsteller, Daten": {"Credit Score": 300, "Kunde Nr.": "K1"}}\n'),
        ("c.jsonl", '{"Applicant": {"Credit Score": 300, "id": "K1"}}\n'),
    ],
)
def test_the_subject_is_found_by_either_name(
    database: Engine, settings: Settings, tmp_path: Path, name: str, content: str
) -> None:
    loan = load_domain(Path(__file__).parents[1] / "tasks" / "rulesets", "loan")
    publish(database, [RulesetSnapshot.of(loan)])
    (tmp_path / name).write_text(content)
    subject = "Applicant.id" if "{" in content[1:] else "id"
    batch, _ = record_batch(
        database, settings, "loan", tmp_path / name, free_slots=1, options=SourceOptions(subject=subject)
    )
    with database.connect() as connection:
        form, facts = connection.execute(
            text("select form, facts from chunks where batch = :id"), {"id": batch.id}
        ).one()
    about = {"batch": batch.id, "domain": "loan", "as_of": batch.as_of, "enqueued_at": batch.as_of}
    [verdict] = judge_chunk(loan, about | {"form": form, "facts": facts}, "here")
    assert (verdict.subject, verdict.outcome) == ("K1", "reject")
    assert not [remark for remark in batch.remarks if "no field" in remark]


def test_before_the_tables_are_migrated_that_is_said(database: Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    with database.begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
    with pytest.raises(DatabaseUnreachable) as caught:
        record_batch(database, settings, "shop", tmp_path / "a.csv", free_slots=1)
    assert (caught.value.code, caught.value.hint) == ("database-outdated", "run 'rulefarm migrate'")
    for read in (standing_failures, find_batches):
        with pytest.raises(DatabaseUnreachable):
            read(database)
    migrate(database)
    record_batch(database, settings, "shop", tmp_path / "a.csv", free_slots=1)


def test_a_batch_of_the_release_before_has_no_counts(shop: Engine) -> None:
    with shop.begin() as connection:
        row = {"id": uuid.uuid4(), "as_of": datetime.now(UTC)}
        insert = "insert into batches (id, domain, source, rows, chunks, as_of) values (:id, 'shop', 'x', 3, 1, :as_of)"
        connection.execute(text(insert), row)
        finish_batch(connection, row["id"])
    assert [(one["state"], one["records"], one["judged"]) for one in find_batches(shop)] == [("done", None, 0)]
