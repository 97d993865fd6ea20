"""The table of functions: every example holds, each survives any argument, the page says what is in the table."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import compile_ruleset
from engine.functions import ALIASES, FUNCTIONS, Function, invoke
from engine.functions.registry import function_page
from engine.language import print_expression
from engine.language.parser import parse_expression
from engine.values import MAX_TEXT, day_of, kind_of
from tests.engine.effort import cases

PAGE = Path(__file__).parents[3] / "docs" / "language.md"
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_its_example_holds(function: Function) -> None:
    program = compile_ruleset({"example.grl": f'rule Example {{ when {function.example} then Review("held"); }}'})
    assert program.evaluate({}, as_of=MOMENT).outcome == "review"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_its_example_calls_it(function: Function) -> None:
    assert f"{function.name}(" in function.example


def test_the_page_lists_the_table() -> None:
    assert function_page() in PAGE.read_text(encoding="utf-8"), (
        "put there what python -m engine.functions.registry prints"
    )


numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.345, 1e15, 9e299, -9e299, 3e-290, 1e-30, 999999999999999.0]),
    st.decimals(-1000, 1000, places=3).map(float),
    st.integers(-500, 500).map(float),
)
dates = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC)) | st.dates().map(lambda one: day_of(one, UTC))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), dates)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=4).map(tuple),
    st.dictionaries(st.text(max_size=2), scalars, max_size=2),
)


def arguments(function: Function) -> st.SearchStrategy[list[object]]:
    """As many arguments as it takes, half of the time of the kinds it takes."""
    by_kind = {"number": numbers, "text": st.text(max_size=8), "date": dates, "list": st.lists(scalars).map(tuple)}
    most = function.least + 3 if function.most is None else function.most
    right = st.integers(function.least, most).flatmap(
        lambda count: st.tuples(*(by_kind.get(function.kind_at(i), values) for i in range(count))).map(list)
    )
    return st.one_of(right, st.lists(values, min_size=function.least, max_size=most))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_it_gives_its_kind_or_null_whatever_it_is_asked(function: Function) -> None:
    @settings(max_examples=cases(60), deadline=None)
    @given(arguments(function))
    def ask(args: list[object]) -> None:
        value = invoke(function, [*[MOMENT] * function.timed, *[UTC] * function.zoned, *args])
        assert function.result == "any" or kind_of(value) in (function.result, "null")
        if isinstance(value, float):
            assert value == 0.0 or 1e-290 <= abs(value) < 1e300
            assert float(f"{value:.14e}") == value

    ask()


@pytest.mark.parametrize(
    ("name", "args", "wanted"),
    [
        ("Round", [2.675, 2.0], 2.68),
        ("Round", [1234.0, -2.0], 1200.0),
        ("Round", [2.5, 0.5], None),
        ("RoundToEven", [0.125, 2.0], 0.12),
        ("Round", [9e299, 2.0], 9e299),
        ("Sqrt", [-1.0], None),
        ("Pow", [10.0, 400.0], None),
        ("Pow", [0.0, 0.0], 1.0),
        ("Pow", [2.0, 0.5], 1.4142135623731),
        ("Mod", [7.5, 2.0], 1.5),
        ("Mod", [7.0, 0.0], None),
        ("Min", [(3.0, None, 1.0)], 1.0),
        ("Min", ["b", "a"], "a"),
        ("Max", [1.0, "a"], None),
        ("Max", [None], None),
        ("Avg", [()], None),
        ("Sum", [(1.0, "x")], None),
        ("Substring", ["abc", -1.0], "abc"),
        ("Substring", ["abc", 1.0, 99.0], "bc"),
        ("Split", ["a,,b", ","], ("a", "", "b")),
        ("Replace", ["abc", "", "x"], "abc"),
        ("Index", ["abc", "z"], -1.0),
        ("ToNumber", ["1e400"], None),
        ("ToNumber", ["0x10"], None),
        ("ToNumber", [" -1.50 "], -1.5),
        ("ToNumber", ["1234567890123456"], None),
        ("MakeTime", [2026.0, 13.0, 1.0], None),
        ("DaysBetween", [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 1, 1, tzinfo=UTC)], 0.0),
        ("AddDays", [datetime(9999, 12, 31, tzinfo=UTC), 1.0], None),
        ("ToDate", ["2026-02-30"], None),
        ("Distinct", [(1.0, True, 1.0, "1")], (1.0, True, "1")),
        ("Repeat", ["ab", 60_000.0], None),
        ("IsZero", [None], True),
        ("IsZero", [""], True),
        ("IsZero", [False], False),
        ("IsZero", [()], False),
        ("Count", ["abc", ""], 4.0),
        ("Compare", ["b", "B"], 1.0),
        ("Cbrt", [0.0], 0.0),
        ("Cbrt", [1e-288], 1e-96),
        ("Log1p", [-1.0], None),
        ("Log1p", [1e-200], 1e-200),
        ("Expm1", [1e-15], 1e-15),
        ("Exp2", [1000.0], None),
        ("Log2", [0.0], None),
        ("Hypot", [9e299, 9e299], None),
        ("Remainder", [7.5, 0.0], None),
        ("Remainder", [5.0, 2.0], 1.0),
        ("Copysign", [0.0, -1.0], 0.0),
        ("Dim", [1.0, 9e299], 0.0),
    ],
)
def test_at_its_edges(name: str, args: list[object], wanted: object) -> None:
    value = invoke(FUNCTIONS[name], [*[UTC] * FUNCTIONS[name].zoned, *args])
    assert (kind_of(value), value) == (kind_of(wanted), wanted)


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        ("2006-01-02T15:04:05-0700", "2026-03-08T21:07:09+0000"),
        ("2006-01-02T15:04:05.000Z07:00", "2026-03-08T21:07:09.012Z"),
        ("Monday, 2 January 2006 at 3:04 pm", "Sunday, 8 March 2026 at 9:07 pm"),
        ("Mon Jan _2 15:04:05 MST 06", "Sun Mar  8 21:07:09 UTC 26"),
        ("02.01.2006", "08.03.2026"),
        ("day 002, 5.999999999", "day 067, 9.012"),
        ("", ""),
        ("no part of a moment", "no part of a moment"),
    ],
)
def test_a_date_is_written_by_its_layout(layout: str, wanted: str) -> None:
    moment = datetime(2026, 3, 8, 21, 7, 9, 12_000, tzinfo=UTC)
    assert invoke(FUNCTIONS["TimeFormat"], [UTC, moment, layout]) == wanted


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((f"{name}(A.x)", f"{other}(A.x)") for name, other in ALIASES.items()),
        ("A.x.GetTimeYear()", "Year(A.x)"),
        ("IsTimeBefore(A.x, A.y)", "A.x < A.y"),
        ("IsTimeAfter(Now(), A.y)", "Now() > A.y"),
        ('StringContains(A.x, "a")', 'A.x contains "a"'),
    ],
)
def test_another_name_means_the_same(written: str, meant: str) -> None:
    assert parse_expression(written) == parse_expression(meant)
    assert print_expression(parse_expression(written)) == meant
    assert f"`{written.partition('(')[0]}(" in PAGE.read_text("utf-8") or written.startswith("A.x.")


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("Replace", ["a" * 1_000, "a", "b" * 1_000]),
        ("Join", [("a" * MAX_TEXT, "b"), ""]),
        ("Concat", ["a" * MAX_TEXT, "b"]),
        ("TimeFormat", [UTC, MOMENT, "MST" * (MAX_TEXT // 3) + "Monday"]),
        ("TimeFormat", [UTC, MOMENT, "x" * (MAX_TEXT + 1)]),
    ],
)
def test_no_text_grows_without_bound(name: str, args: list[object]) -> None:
    assert invoke(FUNCTIONS[name], args) is None
