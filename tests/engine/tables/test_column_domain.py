"""The numbered values of a column: what cells hold for, as bits, is what they hold for as sets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import Literal, Scalar
from engine.schema import FieldSchema
from engine.tables.column_domain import ColumnDomain, values_of_cell, values_of_column
from engine.tables.unary_tests import CellTests, Comparison, Range
from engine.values import NOTHING, literal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = st.sampled_from([Decimal(text) for text in ("-3", "0", "0.1", "9.99", "10", "10.1", "1e12")])
TEXTS = st.sampled_from(["a", "ab", "b", "Straße", "z\U0010ffff"])
DATES = st.sampled_from([NOON + timedelta(seconds=seconds) for seconds in (-86_400, 0, 1, 3_600)])
ORDERED = st.one_of(NUMBERS, TEXTS, DATES)
COMPARISONS = st.one_of(
    st.builds(Comparison, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.builds(Literal, ORDERED)),
    st.builds(Comparison, st.sampled_from(["==", "!="]), st.builds(Literal, st.sampled_from([None, True, False]))),
)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    low, high = sorted(draw(st.one_of(*(st.tuples(kind, kind) for kind in (NUMBERS, TEXTS, DATES)))))
    return Range(Literal(low), draw(st.booleans()), Literal(high), draw(st.booleans()))


CELLS = st.builds(
    CellTests, st.lists(st.one_of(COMPARISONS, ranges()), min_size=1, max_size=4).map(tuple), st.booleans()
)


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from(["any", "number", "text", "date", "boolean"]))
def test_bits_and_sets_agree_on_what_two_cells_share(cells: list[CellTests], kind: str) -> None:
    universe = values_of_column(kind, None)  # type: ignore[arg-type]
    sets = [values_of_cell(cell) for cell in cells]
    domain = ColumnDomain(universe, sets)
    for one in sets:
        for other in sets:
            shared = domain.bits(one) & domain.bits(other)
            assert (shared == 0) == (one & other & universe == NOTHING)
            assert domain.universe & ~domain.bits(one) == domain.bits(~one)
            if shared:
                assert literal(domain.sample(shared)) in one & other & universe


@given(CELLS, ORDERED)
def test_a_cell_holds_for_what_one_of_its_tests_holds_for(cell: CellTests, value: Scalar) -> None:
    alone = [literal(value) in values_of_cell(CellTests((test,))) for test in cell.tests]
    assert (literal(value) in values_of_cell(cell)) == (any(alone) != cell.negated)


@pytest.mark.parametrize(
    ("low", "high", "sample"),
    [
        ("<", ">=", None),
        ("<", ">", Decimal(10)),
        ("<=", ">", None),
        ("<=", ">=", None),
    ],
)
def test_the_sample_between_two_cells_is_their_common_bound(low: str, high: str, sample: Scalar) -> None:
    cells = [CellTests((Comparison(op, Literal(Decimal(10))),)) for op in (low, high)]  # type: ignore[arg-type]
    sets = [values_of_cell(cell) for cell in cells]
    field = FieldSchema("price", "number", required=True)
    domain = ColumnDomain(values_of_column("number", field), sets)
    left = domain.universe & ~(domain.bits(sets[0]) | domain.bits(sets[1]))
    assert (domain.sample(left) if left else None) == sample


def test_nothing_comes_before_the_empty_text() -> None:
    values = values_of_cell(CellTests((Comparison(">=", Literal("")),)))
    domain = ColumnDomain(values_of_column("text", FieldSchema("name", "text", required=True)), [values])
    assert domain.bits(values) == domain.universe


def test_nothing_comes_between_two_numbers_that_differ_in_the_last_digit() -> None:
    cells = [Comparison("<=", Literal(Decimal("0.999999999999999"))), Comparison(">=", Literal(Decimal(1)))]
    sets = [values_of_cell(CellTests((cell,))) for cell in cells]
    domain = ColumnDomain(values_of_column("number", FieldSchema("price", "number", required=True)), sets)
    assert domain.bits(sets[0]) | domain.bits(sets[1]) == domain.universe


def test_a_cell_of_many_ranges_is_read_in_its_time() -> None:
    steps = [(Literal(Decimal(2 * at)), Literal(Decimal(2 * at + 1))) for at in range(5_000)]
    values = values_of_cell(CellTests(tuple(Range(low, True, high, True) for low, high in steps)))
    assert len(values.numbers.points) == 10_000
