"""What another system sends under its own names is judged as if it had come under those of the domain."""

import json
import sqlite3
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine import explain, find_counterfactuals
from rulefarm import wire
from rulefarm.batch import SourceOptions, encode, open_source
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import declared_fact, load_domain
from tasks.fact_files import read_pairs
from tasks.judge import facts_of, judge_job
from tasks.replay import DocumentFacts
from tasks.shared_facts import MemoryWindows, SharedFacts
from tests.tasks.judging import AS_OF, judge, judge_frames, workbook

FOLDER = Path(__file__).parent / "rulesets"
LOAN, SHARED = load_domain(FOLDER, "loan"), load_domain(FOLDER, "loan_shared")
OTHER = {field.name: field.sent_as for field in LOAN.schema.facts["Applicant"].fields.values() if field.sent_as}

#: One more row than a pass over columns needs, of every rule.
ROWS: list[dict[str, Any]] = [
    {
        "id": f"K{n}",
        "score": 300 + 13 * n,
        "size": None if n % 3 else 150.5 + 2 * n,
        "income": None if n % 5 == 0 else 500 + 40 * n,
        "married": n % 2 == 0,
        "since": "2026-11-01" if n % 7 == 0 else None,
        "city": "Köln" if n % 2 else "Bonn",
    }
    for n in range(50)
]


def spelled(name: str, how: str) -> str:
    """A name of the domain as another system may write it."""
    sent = OTHER.get(name, name)
    match how:
        case "decomposed":
            return unicodedata.normalize("NFD", sent)
        case "blanks":
            return sent if sent == name else f" {sent} "
        case "own":
            return name
    return sent


def sent_rows(how: str) -> list[dict[str, Any]]:
    return [{spelled(name, how): value for name, value in row.items()} for row in ROWS]


def in_short(verdict: Any) -> tuple[Any, ...]:
    return verdict.outcome, list(verdict.fired), verdict.changes, [str(reason["text"]) for reason in verdict.reasons]


def wanted() -> list[tuple[Any, ...]]:
    answers = [LOAN.program.evaluate({"Applicant": row}, as_of=AS_OF) for row in ROWS]
    assert {answer.outcome for answer in answers} == {"accept", "review", "reject"}
    assert {rule for answer in answers for rule in answer.fired} >= {"Tall", "Poor", "New", "Band"}
    return [(one.outcome, one.fired, one.changes, [reason.text for reason in one.reasons]) for one in answers]


def csv(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    pl.DataFrame(rows).write_csv(path.with_suffix(".csv"))
    return judge(path.with_suffix(".csv"), loaded=LOAN)


def parquet(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    pl.DataFrame(rows).write_parquet(path.with_suffix(".parquet"))
    return judge(path.with_suffix(".parquet"), loaded=LOAN)


def xlsx(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    workbook(path.with_suffix(".xlsx"), list(rows[0]), *(list(row.values()) for row in rows))
    return judge(path.with_suffix(".xlsx"), loaded=LOAN)


def jsonl(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    path.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return judge(path.with_suffix(".jsonl"), loaded=LOAN)


def whole_jsonl(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    return jsonl(path, [{"Antragsteller, Daten": row} for row in rows])


def whole_parquet(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    frame = pl.DataFrame({"Antragsteller, Daten": rows}, strict=False)
    frame = frame.with_columns(pl.Series("rulefarm.subject", [f"{n}" for n in range(len(rows))]))
    return judge_frames(LOAN, "columns", [frame], 1000)


def query(path: Path, rows: list[dict[str, Any]]) -> list[Verdict]:
    with sqlite3.connect(path) as database:
        names = ", ".join(f'"{name}"' for name in rows[0])
        database.execute(f"create table loans ({names})")
        marks = ", ".join("?" for _ in rows[0])
        values = [[bool(v) if isinstance(v, bool) else v for v in row.values()] for row in rows]
        database.executemany(f"insert into loans values ({marks})", values)
    database.close()
    path.with_suffix(".sql").write_text(f"select {names} from loans")
    source = open_source(path.with_suffix(".sql"), SourceOptions(), rows=1000, database_url=f"sqlite:///{path}")
    return judge_frames(LOAN, source.form, list(source.portions), 1000)


@pytest.mark.parametrize("how", ["own", "other", "decomposed", "blanks"])
@pytest.mark.parametrize("send", [csv, parquet, xlsx, jsonl, whole_jsonl, whole_parquet])
def test_a_source_is_read_under_either_name(
    tmp_path: Path, send: Callable[[Path, list[dict[str, Any]]], list[Verdict]], how: str
) -> None:
    assert [in_short(verdict) for verdict in send(tmp_path / "loans", sent_rows(how))] == wanted()


@pytest.mark.parametrize("how", ["own", "other", "decomposed", "blanks"])
def test_a_query_is_read_under_either_name(tmp_path: Path, how: str) -> None:
    # A database without booleans: 1 is no boolean, so nobody says whether somebody is married.
    rows = [
        {name: value for name, value in row.items() if name.strip() not in ("married", OTHER["married"])}
        for row in sent_rows(how)
    ]
    own = [{name: value for name, value in row.items() if name != "married"} for row in ROWS]
    answers = [LOAN.program.evaluate({"Applicant": row}, as_of=AS_OF) for row in own]
    assert [v.outcome for v in query(tmp_path / "loans", rows)] == [one.outcome for one in answers]


@pytest.mark.parametrize("how", ["own", "other", "decomposed", "blanks"])
def test_a_job_is_read_under_either_name_and_explained_by_the_domains_own(how: str) -> None:
    for row, want in zip(sent_rows(how), wanted(), strict=True):
        for fact in ("Applicant", "Antragsteller, Daten"):
            answer = LOAN.program.evaluate({fact: row}, as_of=AS_OF)
            assert (answer.outcome, answer.fired, answer.changes, [one.text for one in answer.reasons]) == want
            assert answer.facts.keys() == {"Applicant"}
            assert answer.facts["Applicant"].keys() <= LOAN.schema.facts["Applicant"].fields.keys()
            explained = explain(LOAN.program, {fact: row}, as_of=AS_OF)
            assert explained.evaluation.to_json() == answer.to_json()
            if answer.outcome == "reject":
                found = find_counterfactuals(LOAN.program, {fact: row}, as_of=AS_OF)
                assert found.changes[0].field == "Applicant.score"


def test_a_list_of_facts_has_names_of_another_system_too() -> None:
    row = {**ROWS[40], "income": 5000}
    for debts in ({"Open debts": [{"Betrag €": 60}, {"amount": 50}]}, {"Debt": [{" Betrag € ": 110.0}]}):
        answer = LOAN.program.evaluate({"Applicant": row, **debts}, as_of=AS_OF)
        assert [reason.text for reason in answer.reasons if reason.rule == "InDebt"] == ["debts 110"]


TWICE: list[tuple[dict[str, Any], str]] = [
    ({"Applicant": {"id": "a", "score": 1, "Credit Score": 2}}, "Applicant.score came by two names: 'score' and"),
    ({"Applicant": {"id": "a", "score": 1, "Größe": 2, "Gro\u0308ße": 2}}, "Applicant.size came by two names: 'Größe'"),
    ({"Applicant": {"id": "a"}, "Antragsteller, Daten": {"id": "a"}}, "Applicant came by two names: 'Applicant' and"),
    (
        {"Applicant": {"id": "a", "score": 1}, "Debt": [{}, {"amount": 1, "Betrag €": 1}]},
        "Debt[1].amount came by two names: 'amount' and 'Betrag €'",
    ),
]


@pytest.mark.parametrize(("facts", "problem"), TWICE)
def test_what_comes_by_two_names_is_refused(facts: dict[str, Any], problem: str) -> None:
    answer = LOAN.program.evaluate(facts, as_of=AS_OF)
    assert (answer.outcome, answer.reasons[0].code) == ("error", "facts-rejected")
    assert problem in answer.reasons[0].text
    assert LOAN.program.refuses(facts, as_of=AS_OF)
    assert explain(LOAN.program, facts, as_of=AS_OF).evaluation.outcome == "error"
    assert not find_counterfactuals(LOAN.program, facts, as_of=AS_OF).changes


def test_a_column_by_either_name_costs_only_the_rows_that_have_both(tmp_path: Path) -> None:
    rows = [{**row, "Credit Score": None} for row in ROWS]
    rows[3] |= {"score": None, "Credit Score": ROWS[3]["score"]}
    rows[4]["Credit Score"] = 1
    verdicts = [in_short(verdict) for verdict in csv(tmp_path / "both", rows)]
    assert verdicts[4][0] == "error"
    assert "Applicant.score came by two names" in verdicts[4][3][0]
    assert verdicts[:4] + verdicts[5:] == wanted()[:4] + wanted()[5:]


def test_an_error_names_the_field_by_the_domains_own_name(tmp_path: Path) -> None:
    rows = [{**row, "Credit Score": "many"} for row in sent_rows("other")]
    for verdict in csv(tmp_path / "odd", rows):
        assert in_short(verdict)[3] == ["Applicant.score has to be a number, and is a text: 'many'"]
    frame = pl.DataFrame({"Kunde Nr.": ["a"], "Credit Score": [1], "Größe": [b"\x00"]})
    frame.write_parquet(tmp_path / "a.parquet")
    [verdict] = judge(tmp_path / "a.parquet", loaded=LOAN)
    assert "Applicant.size " in in_short(verdict)[3][0]


def test_the_digest_is_of_the_facts_as_they_were_sent(tmp_path: Path) -> None:
    own, other = (parquet(tmp_path / how, sent_rows(how))[7] for how in ("own", "other"))
    for verdict, how in ((own, "own"), (other, "other")):
        facts = {"Applicant": sent_rows(how)[7]}
        assert verdict.facts_digest == wire.digest(wire.canonical(facts))
        assert message(facts, "J1", LOAN.domain)[1].facts_digest == verdict.facts_digest
    assert own.facts_digest != other.facts_digest


def message(facts: dict[str, Any], key: str, domain: str, minutes: int = 0, **shared: Any) -> tuple[Any, Verdict]:
    loaded = load_domain(FOLDER, domain)
    as_of = datetime(2026, 11, 27, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    text = wire.canonical(facts)
    job = JobMessage(
        job_id=wire.job_id(domain, key, "job", None),
        domain=domain,
        subject=key,
        facts=text,
        as_of=as_of,
        enqueued_at=as_of,
        on_record=True,
    )
    return job, judge_job(loaded, job, "here", **shared)


@pytest.mark.parametrize("reference", [{"limit": 100}, {"Credit Limit": 100}])
def test_what_is_looked_up_and_what_was_before_are_found_by_the_domains_own_names(reference: dict[str, Any]) -> None:
    shared = SharedFacts(DocumentFacts({"Customer": {"4711": reference}}), MemoryWindows(lambda: 0.0))
    found = []
    payments = [
        {"id": "p1", "card": "4711", "amount": 70, "at": "2026-11-27T12:00:00Z"},
        {"Zahlung Nr.": "p2", "Karte Nr.": 4711, "Betrag €": 120, "gezahlt am": "2026-11-27T12:01:00Z"},
    ]
    for minute, payment in enumerate(payments):
        _, verdict = message({"Payment": payment}, f"p{minute}", "loan_shared", minute, shared=shared)
        found.append(in_short(verdict)[:2] + in_short(verdict)[3:])
    assert found == [("accept", [], []), ("reject", ["Over", "Often"], ["over 100", "paid 190"])]


def test_a_file_of_facts_to_look_up_is_read_by_either_name(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("card,Credit Limit\n4711,100\n4712,\n")
    pairs = dict(
        read_pairs(tmp_path / "customers.csv", SourceOptions(), declared=lambda: declared_fact(FOLDER, "Customer"))
    )
    assert pairs == {"4711": {"card": "4711", "Credit Limit": 100}, "4712": {"card": "4712"}}
    shared = SharedFacts(DocumentFacts({"Customer": pairs}), MemoryWindows(lambda: 0.0))
    _, verdict = message({"Payment": {"id": "p", "card": "4711", "amount": 101}}, "p", "loan_shared", shared=shared)
    assert in_short(verdict)[3] == ["over 100"]


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("Applicant.Kunde Nr.", {"Applicant": {"Kunde Nr.": "K"}}),
        ("Antragsteller, Daten.id", {"Antragsteller, Daten": {"id": "K"}}),
        ("a.b.c.d", {"a.b": {"c.d": "K"}}),
        ("a.b.c.d", {"a": {"b": {"c": {"d": "K"}}}}),
        ("a.b.c.d", {"a": 1, "a.b.c.d": "K"}),
    ],
)
def test_a_path_to_the_subject_may_have_names_with_dots(tmp_path: Path, path: str, document: dict[str, Any]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(document))
    source = open_source(tmp_path / "a.jsonl", SourceOptions(subject=path), rows=10)
    assert [frame["rulefarm.subject"].to_list() for frame in source.portions] == [["K"]]


def test_the_facts_of_a_row_are_on_record_as_they_were_sent(tmp_path: Path) -> None:
    pl.DataFrame(sent_rows("other")).write_csv(tmp_path / "a.csv")
    source = open_source(tmp_path / "a.csv", rows=1000)
    [(_, facts)] = [part for frame in source.portions for part in encode(frame, 1000)]
    row = facts_of({"form": source.form, "facts": facts}, "K7", LOAN.schema)
    assert row == {"Applicant": sent_rows("other")[7]}
