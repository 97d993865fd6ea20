"""What a chunk stores is, to the byte, what each of its rows stores by itself, and is made once where rows share it."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rulefarm.batch import APART_COLUMN, SUBJECT_COLUMN, Apart, encode
from rulesets.loader import LoadedRuleset, load_domain
from store.verdict_columns import COLUMNS, VerdictColumns
from tasks.answer_columns import PARTS
from tasks.judge import judge_chunk
from tests.engine.effort import cases
from tests.tasks.judging import ABOUT

#: What differs between two rows with the same facts, or two runs.
OWN = ("id", "subject", "evaluated_at", "micros")
ROWS = 130
DOMAIN = """
subject = "Item"
key = "sku"
[facts.Item.fields]
sku = { kind = "text" }
kind = { kind = "text" }
stock = { kind = "number", min = 0 }
price = { kind = "number" }
total = { kind = "number", derived = true }
tax = { kind = "number", derived = true }
mark = { kind = "text", derived = true }
"""
RULES = """
rule Total { when Item.stock > 0 then Item.total = Item.price * Item.stock; }
rule Tax { when Item.total >= 1 then Item.tax = Item.total * 0.07; Review("a \\"tax\\" \\\\ of it"); }
rule Mark { when Item.tax > 1 && Item.kind == "x" then Item.mark = "{\\"}"; Item.price = Item.tax - Item.tax; }
rule Much { when Item.tax > 20 then Reject("much"); }
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> LoadedRuleset:
    folder: Path = tmp_path_factory.mktemp("domains") / "chain"
    folder.mkdir()
    (folder / "domain.toml").write_text(DOMAIN)
    (folder / "chain.grl").write_text(RULES)
    return load_domain(folder.parent, "chain")


NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, -3.0, 0.1 + 0.2, 1e15, 1e300]), st.floats(0, 500))
FACTS = st.fixed_dictionaries({"kind": st.sampled_from(["x", "y", None]), "stock": NUMBERS, "price": NUMBERS})


def judged(loaded: LoadedRuleset, frame: pl.DataFrame) -> VerdictColumns:
    [(_, facts)] = encode(frame, ROWS)
    return judge_chunk(loaded, ABOUT | {"domain": loaded.domain, "form": "columns", "facts": facts}, "here")


def frame_of(rows: list[dict[str, object]], apart: list[int]) -> pl.DataFrame:
    texts = [Apart({"stock": "?"}).to_text() if row in apart else None for row in range(len(rows))]
    types = {"kind": pl.String, "stock": pl.Float64, "price": pl.Float64}
    own = [pl.Series(SUBJECT_COLUMN, [f"s{n}" for n in range(len(rows))]), pl.Series(APART_COLUMN, texts, pl.String)]
    return pl.DataFrame([*own, *(pl.Series(name, [row[name] for row in rows], kind) for name, kind in types.items())])


@settings(max_examples=cases(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(FACTS, min_size=1, max_size=5), st.sets(st.integers(0, 4), max_size=2))
def test_what_a_chunk_stores_is_to_the_byte_what_its_rows_store_alone(
    chain: LoadedRuleset, some: list[dict[str, object]], apart: set[int]
) -> None:
    rows = [some[n % len(some)] for n in range(ROWS)]
    whole = judged(chain, frame_of(rows, [n for n in range(ROWS) if n % len(some) in apart]))
    stored = whole.stored(COLUMNS)
    for place, row in enumerate(some):
        alone = judged(chain, frame_of([row], [0] if place in apart else [])).stored(COLUMNS)
        for name in set(COLUMNS) - set(OWN):
            assert list(stored[name][place :: len(some)]) == list(alone[name]) * len(rows[place :: len(some)]), name
    assert [verdict.subject for verdict in whole] == [f"s{n}" for n in range(ROWS)]


def test_rows_in_which_the_same_rules_fired_share_what_these_say(chain: LoadedRuleset) -> None:
    rows: list[dict[str, object]] = [{"kind": "x", "stock": 3.0, "price": float(n + 1)} for n in range(ROWS)]
    whole = judged(chain, frame_of(rows, []))
    columns = whole._columns
    assert len({id(value) for value in columns["changes"]}) == ROWS
    for name in set(PARTS) - {"changes", "outcome"}:
        assert len({id(value) for value in columns[name]}) == len({tuple(value) for value in columns["fired"]}) == 3
