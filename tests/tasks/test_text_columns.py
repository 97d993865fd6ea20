"""Facts that are read from the text that Postgres has of them get the answers that each gets by itself."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from rulefarm.database import connect
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from tasks.judge import evaluate_complete
from tasks.judge_documents import judge_documents
from tasks.shared_facts import CompleteFacts
from tasks.text_columns import TextColumns
from tests.tasks.test_judge_documents import DOCUMENTS, MOMENTS, ROWS, RULES, SCHEMA, START
from workers.embedded import Services

#: Fields that no rule reads, of each kind; one is kept from people, one looks like a list of other facts.
MORE = """
[facts.Order.fields.secret]
kind = "text"
private = true
[facts.Order.fields.count]
kind = "number"
[facts.Order.fields.packed]
kind = "duration"
[facts.Order.fields.parts]
kind = "object"
"""
OTHERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(10**40), 10**40),
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(['", "total": true', "P1D", "x", '\\", "paid": 7', "é", "true", "7"]),
            st.lists(st.none(), max_size=1),
            st.fixed_dictionaries({"total": st.sampled_from([1, True, "7", None])}),
        )
        for name in ("secret", "count", "packed", "parts", "other", 'o"dd', "Order")
    },
)


@pytest.fixture(scope="module")
def engine(services: Services) -> Iterator[Engine]:
    engine = connect(Settings(database_url=services.database_url))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedRuleset:
    return shop(tmp_path_factory.mktemp("rulesets"), SCHEMA + MORE)


def shop(folder: Path, schema: str) -> LoadedRuleset:
    (folder / "shop").mkdir()
    (folder / "shop" / "domain.toml").write_text(schema)
    (folder / "shop" / "a.grl").write_text(RULES, encoding="utf-8")
    return load_domain(folder, "shop")


def as_on_record(engine: Engine, documents: Sequence[Any]) -> list[str]:
    """The texts that Postgres has of documents; of what it can't store, that of an empty one."""
    texts = []
    for document in documents:
        try:
            written = json.dumps(document, allow_nan=False, ensure_ascii=False)
            written.encode()
        except ValueError:
            written = "{}"
        texts.append("{}" if "\\u0000" in written else written)
    with engine.connect() as connection:
        array = text("select cast(cast(each as jsonb) as text) from unnest(cast(:texts as text[])) each")
        return list(connection.execute(array, {"texts": texts}).scalars())


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(jobs=st.lists(st.tuples(DOCUMENTS, OTHERS, MOMENTS), min_size=1, max_size=12))
def test_facts_on_record_that_are_judged_together_get_the_answers_of_each_by_itself(
    engine: Engine, loaded: LoadedRuleset, jobs: list[tuple[dict[str, Any], dict[str, Any], datetime]]
) -> None:
    documents = [
        document | {"Order": document["Order"] | more} if isinstance(document["Order"], dict) else document
        for document, more, _ in jobs
    ]
    texts, moments = as_on_record(engine, documents), [at for *_, at in jobs]
    facts = [CompleteFacts(json.loads(each), {}) for each in texts]
    alone = [evaluate_complete(loaded, each, at).to_json() for each, at in zip(facts, moments, strict=True)]
    times = -(-ROWS // len(jobs))
    columns = TextColumns(loaded.schema, [loaded.program]).read(texts * times)
    assert list(judge_documents(loaded, (facts * times).__getitem__, moments * times, columns)) == alone * times


def test_only_what_is_odd_is_judged_by_itself(engine: Engine, loaded: LoadedRuleset) -> None:
    orders: list[Any] = [
        {"total": 60, "country": "FR", "note": 'a", "total": true, "b', "count": -1.5, "parts": None},
        {"total": True},
        {"total": "60"},
        {"total": 60, "note": 7},
        {"total": 10**15},
        {"total": 60, "count": 1e300},
        {"total": 60, "secret": False},
        {"total": 60, "parts": {}},
        {"total": 60, "paid": 1},
        [{"total": 60}],
        None,
    ]
    documents = [
        {"Order": order, "Line": [{"sku": "x", "amount": 1}] * (place % 3)} for place, order in enumerate(orders)
    ]
    documents += [{"Order": {"total": 60}, "Line": {"amount": 1}}, {"Order": {"total": 60}, "other": {"note": "n"}}]
    texts = as_on_record(engine, documents)
    columns = TextColumns(loaded.schema, [loaded.program]).read(texts)
    assert columns is not None
    assert columns.apart == {1, 2, 3, 4, 5, 6, 7, 8, 9, 11}
    # What rules pass over is no column; what is bounded, or read, is.
    assert {"total", "weight", "country", "packed"} <= {field.name for field in columns.frame.schema["Order"].fields}
    assert not {"secret", "count", "parts", "id"} & {field.name for field in columns.frame.schema["Order"].fields}
    facts = [CompleteFacts(json.loads(each), {}) for each in texts]
    judged = judge_documents(loaded, facts.__getitem__, [START + timedelta(days=1)] * len(facts), columns)
    assert judged == [evaluate_complete(loaded, each, START + timedelta(days=1)).to_json() for each in facts]
    # An element that is no object is in no column, and neither is a number of hundreds of digits in a list.
    for strange in ({"Line": [7]}, {"other": [10**400]}):
        texts = as_on_record(engine, [*documents, {"Order": {"total": 1}} | strange])
        assert TextColumns(loaded.schema, [loaded.program]).read(texts) is None


@pytest.mark.parametrize(
    "schema",
    [
        "strict = true\n" + SCHEMA,
        SCHEMA.replace("weight = {", 'weight = { from = "mass",'),
        # A name that stands for a text here and for a number there.
        SCHEMA.replace("name = {", "note = { kind = 'number' }\nname = {"),
        SCHEMA.replace("name = {", "Line = {"),
    ],
)
def test_what_one_look_at_a_text_does_not_tell_is_read_as_objects(tmp_path: Path, schema: str) -> None:
    loaded = shop(tmp_path, schema)
    assert TextColumns(loaded.schema, [loaded.program]).read(['{"Order": {"total": 1}}']) is None


def test_what_one_of_two_versions_reads_is_a_column_for_both(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    one = shop(tmp_path / "1", SCHEMA + MORE)
    shop(tmp_path / "2", SCHEMA + MORE)
    (tmp_path / "2" / "shop" / "a.grl").write_text("rule R { when Order.count > 1 then Review(Order.secret); }")
    other = load_domain(tmp_path / "2", "shop")
    texts = as_on_record(engine, [{"Order": {"total": 60, "count": 2, "secret": "s"}}] * ROWS)
    columns = TextColumns(one.schema, [one.program, other.program]).read(texts)
    assert columns is not None
    for loaded, reason in ((one, "big"), (other, "s")):
        judged = judge_documents(loaded, lambda _: CompleteFacts({}, {}), [START] * ROWS, columns)
        assert {each["text"] for answer in judged for each in answer["reasons"]} >= {reason}
