"""What compiling costs, beside its targets.  compiling -> [compile_suite] -> report

Reading and compiling is held against Python's own compiler, timed on the same rules in the same process: the build that
the target was set by is not here to be timed, but how many times as long as that compiler it took is known."""

from collections.abc import Callable, Sequence

from bench.compiling import measured
from bench.suites import Effort
from bench.timing import Goal, ReportRow, Sample

#: Rules of the program that has targets of its own.
SMALL = 1_000

#: How much longer each rule may take in the largest program, if time is to be called linear: caches get colder.
_LINEAR = 1.5

#: What a program of 10,000 rules may hold.
_MEGABYTES = 150


#: How many times as long as `compile()` of (a) the build took that the target was set by, the collector at work as it
#: was then: medians of three processes each, in turns with the build after it, which took 3.3 and 2.8 times as long.
_BEFORE = {1_000: 7.3, 10_000: 8.0}
OF_A = "compile() of (a)"
PARSE, INDEX = "parse and check", "index"
GROWTH, HELD = ", time per rule", "size in memory"
WHOLE = f"read and compile (x {OF_A})"
#: Milliseconds of a table, and rows of it.
_TABLE_MS, _TABLE_ROWS = Goal(700, "≤ 700 ms", is_least=False), 10_000
TABLE = "read and compile a table"
#: Megabytes of a process that compiles the most rules that a ruleset may have, and those rules.
_PEAK_MB, _MOST_RULES = Goal(600, "≤ 600 MB", is_least=False), 20_000
PEAK, BEFORE_RULES = "resident memory, at most", "of it before any rule is read"


def compilation(effort: Effort) -> list[ReportRow]:
    """Seconds and megabytes of compiling 1,000 rules, and the most rules that the effort allows."""
    largest = effort.largest
    small = [measured(SMALL) for _ in range(effort.slow_rounds)]
    large = [measured(largest) for _ in range(min(effort.slow_rounds, 2))]
    rows = [
        _whole(small, SMALL),
        _step(PARSE, small, SMALL, "parse", "< 1 s", lambda s: s < 1),
        _step(INDEX, small, SMALL, "index", "< 100 ms", lambda s: s < 0.1),
        _step(OF_A, small, SMALL, "a"),
        _step("compile() of (b)", small, SMALL, "b"),
        _step("first chunk of 200", small, SMALL, "chunk"),
        _whole(large, largest),
        _step(PARSE, large, largest, "parse"),
        _step(INDEX, large, largest, "index"),
        _step("first chunk of 200", large, largest, "chunk"),
    ]
    for step in ("parse", "index"):
        often = min(len(small), len(large))
        per_rule = Sample(_values(large[:often], step)).over(Sample(_values(small[:often], step)))
        growth = Sample(tuple(value * SMALL / largest for value in per_rule.values))
        name, linear = f"compile, {SMALL:,} to {largest:,} rules", growth.middle <= _LINEAR
        rows.append(ReportRow(name, f"{step}{GROWTH}", growth, "x", None, f"linear: ≤ {_LINEAR} x", linear))
    held = Sample((measured(largest, "size")["megabytes"],))
    allowed = _MEGABYTES * largest / 10_000
    words, met = f"< {allowed:.0f} MB", held.middle < allowed
    rows.append(ReportRow(f"compile, {largest:,} rules", HELD, held, "MB", None, words, met))
    return rows + _table(effort) + (_peak() if effort.largest * 2 >= _MOST_RULES else [])


def _whole(figures: Sequence[dict[str, float]], rules: int) -> ReportRow:
    """Reading and compiling, beside Python's own compiler."""
    seconds = Sample(tuple(figure["parse"] + figure["index"] for figure in figures))
    ratio = seconds.over(Sample(_values(figures, "a")))
    millis = Sample(tuple(value * 1e3 for value in seconds.values))
    goal = None
    if rules in _BEFORE:
        third = _BEFORE[rules] / 3
        goal = Goal(third, f"≤ {third:.1f} x", is_least=False)
    words, met = ("", None) if goal is None else (goal.words, goal.is_met(ratio.middle))
    return ReportRow(f"compile, {rules:,} rules", WHOLE, millis, "ms", ratio, words, met)


def _table(effort: Effort) -> list[ReportRow]:
    figures = [measured(_TABLE_ROWS, "table") for _ in range(effort.slow_rounds)]
    section = f"compile, a table of {_TABLE_ROWS:,} rows"
    parts = {step: Sample(tuple(1e3 * value for value in _values(figures, step))) for step in ("parse", "index")}
    whole = Sample(tuple(1e3 * (figure["parse"] + figure["index"]) for figure in figures))
    return [
        ReportRow(section, TABLE, whole, "ms", None, _TABLE_MS.words, _TABLE_MS.is_met(whole.middle)),
        ReportRow(section, PARSE, parts["parse"], "ms"),
        ReportRow(section, INDEX, parts["index"], "ms"),
    ]


def _peak() -> list[ReportRow]:
    figures = measured(_MOST_RULES, "peak")
    section, most = f"compile, {_MOST_RULES:,} rules, a process of its own", figures["megabytes"]
    return [
        ReportRow(section, PEAK, Sample((most,)), "MB", None, _PEAK_MB.words, _PEAK_MB.is_met(most)),
        ReportRow(section, BEFORE_RULES, Sample((figures["before"],)), "MB"),
    ]


def _values(figures: Sequence[dict[str, float]], step: str) -> tuple[float, ...]:
    return tuple(figure[step] for figure in figures)


def _step(
    name: str,
    figures: Sequence[dict[str, float]],
    rules: int,
    step: str,
    target: str = "",
    meets: Callable[[float], bool] | None = None,
) -> ReportRow:
    seconds = Sample(_values(figures, step))
    millis = Sample(tuple(value * 1e3 for value in seconds.values))
    met = None if meets is None else meets(seconds.middle)
    return ReportRow(f"compile, {rules:,} rules", name, millis, "ms", None, target, met)
