"""Documents that are judged together get the answers that each gets by itself, whatever stands in them."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import FrameResult
from rulesets.loader import LoadedRuleset, load_domain
from tasks import judge_documents as judging_documents
from tasks.answer_columns import AnswerColumns, frame_columns
from tasks.document_columns import document_columns
from tasks.judge import evaluate_complete
from tasks.judge_documents import judge_documents
from tasks.shared_facts import CompleteFacts

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", required = true, min = 0 }
weight = { kind = "number" }
country = { kind = "text", values = ["FR", "DE", "US"] }
note = { kind = "text" }
placed = { kind = "date" }
paid = { kind = "boolean" }
tags = { kind = "list" }
flag = { kind = "text", derived = true }
[facts.Customer.fields]
age = { kind = "number" }
name = { kind = "text" }
[facts.Line]
list = true
[facts.Line.fields]
amount = { kind = "number", min = 0 }
sku = { kind = "text" }
"""
RULES = """
rule Big { when Order.total > 50 then Review("big"); }
rule Near { when Order.country == "FR" && Customer.age < 30 then Order.flag = "near"; }
rule Far { when Order.flag != "near" && Order.weight > 9.5 then Review("far " + Order.country); }
rule Lines { when Sum(Line.amount) > Order.total || exists(Line.sku == "x") then Reject("lines"); }
rule Old { when Order.placed < "2026-01-05" && !Order.paid then Review("old"); }
rule Winter date-effective "2026-01-10" date-expires "2026-01-20" { when Order.total > 20 then Review("winter"); }
rule Said { when Order.note startsWith "\u00e9" then Log("said"); }
"""
START = datetime(2026, 1, 9, 12, tzinfo=UTC)
#: Enough rows that columns pay.
ROWS = 200

ODD = st.one_of(
    st.booleans(), st.integers(), st.sampled_from([10**15, -(10**15), 10**400, 1e300, -0.0, 0.1 + 0.2, 1e-300]),
    st.floats(), st.text(max_size=3), st.just("\ud800"), st.just("e\u0301"), st.lists(st.none(), max_size=2),
    st.fixed_dictionaries({"a": st.just(1)}),
)  # fmt: skip


def often(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what is right, sometimes nothing, seldom anything else."""
    return st.integers(0, 19).flatmap(lambda n: ODD if n == 0 else st.none() if n < 4 else usual)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these fields, and at times one more."""
    optional = {name: often(field) for name, field in fields.items()}
    return st.fixed_dictionaries({}, optional=optional | {"unknown": ODD})


NUMBERS = st.one_of(st.integers(-5, 100), st.decimals(0, 100, places=2).map(float))
ORDERS = objects(
    id=st.text(max_size=2), total=NUMBERS, weight=NUMBERS, country=st.sampled_from(["FR", "DE", "US", "XX"]),
    note=st.sampled_from(["\u00e9t\u00e9", "e\u0301t\u00e9", "a"]), paid=st.booleans(), tags=st.none(), flag=st.none(),
    placed=st.sampled_from(["2026-01-03", "2026-01-04T23:30:00+01:00", "2026-02-01T00:00:00Z", "soon"]),
)  # fmt: skip
DOCUMENTS = st.fixed_dictionaries(
    {"Order": often(ORDERS)},
    optional={
        "Customer": often(objects(age=NUMBERS, name=st.text(max_size=2))),
        "Line": often(st.lists(often(objects(amount=NUMBERS, sku=st.sampled_from("xyz"))), max_size=3)),
        "Unknown": ODD,
    },
)
MOMENTS = st.integers(0, 12).map(lambda days: START + timedelta(days=days))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedRuleset:
    folder = tmp_path_factory.mktemp("rulesets") / "shop"
    folder.mkdir()
    (folder / "domain.toml").write_text(SCHEMA)
    (folder / "a.grl").write_text(RULES, encoding="utf-8")
    return load_domain(folder.parent, folder.name)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(jobs=st.lists(st.tuples(DOCUMENTS, MOMENTS), min_size=1, max_size=12))
def test_documents_that_are_judged_together_get_the_answers_of_each_by_itself(
    loaded: LoadedRuleset, jobs: list[tuple[dict[str, Any], datetime]]
) -> None:
    facts = [CompleteFacts(document, {}) for document, _ in jobs]
    alone = [evaluate_complete(loaded, each, at).to_json() for each, (_, at) in zip(facts, jobs, strict=True)]
    times = -(-ROWS // len(jobs))
    many, moments = facts * times, [at for _, at in jobs] * times
    columns = document_columns([each.document for each in many], loaded.schema)
    assert list(judge_documents(loaded, many.__getitem__, moments, columns)) == alone * times


def test_most_are_judged_by_columns_and_once_for_all_instants_at_which_the_same_rules_are_in_force(
    loaded: LoadedRuleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def counting(result: FrameResult) -> AnswerColumns:
        counted.append(len(result))
        return frame_columns(result)

    monkeypatch.setattr(judging_documents, "frame_columns", counting)
    documents: list[dict[str, Any]] = [
        {"Order": {"total": n, "country": "FR"}, "Line": [{"amount": n}] * (n % 3)} for n in range(ROWS)
    ]
    documents[7]["Order"]["total"] = "7"
    documents[8]["Line"] = [{"amount": 1}, None]
    facts = [CompleteFacts(document, {}) for document in documents]
    moments = list(islice((START + timedelta(days=day % 20) for day in range(ROWS)), ROWS))
    columns = document_columns(documents, loaded.schema)
    assert columns is not None
    assert columns.apart == {7, 8}
    judged = judge_documents(loaded, facts.__getitem__, moments, columns)
    assert [one["outcome"] for one in judged][6:10] == ["accept", "error", "error", "accept"]
    # Before winter and after it, and in it.
    assert (len(counted), sum(counted)) == (2, ROWS - 2)


@pytest.mark.parametrize("more", ["strict = true", 'total = { kind = "number", from = "sum" }'])
def test_what_may_mean_more_than_its_columns_is_judged_by_itself(tmp_path: Path, more: str) -> None:
    schema = SCHEMA.replace('total = { kind = "number", required = true, min = 0 }', more) if "from" in more else more
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "domain.toml").write_text(schema if "from" in more else more + SCHEMA)
    (tmp_path / "shop" / "a.grl").write_text(RULES, encoding="utf-8")
    loaded = load_domain(tmp_path, "shop")
    assert document_columns([{"Order": {"total": 1}}], loaded.schema) is None
    [answer] = judge_documents(loaded, lambda _: CompleteFacts({"Order": {"total": 60}}, {}), [START], None)
    assert answer["outcome"] in ("review", "error")
