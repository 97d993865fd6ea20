"""What compiling costs, beside its targets.  compiling -> [compile_suite] -> report"""

from collections.abc import Callable, Sequence

from bench.compiling import measured
from bench.suites import Effort
from bench.timing import ReportRow, Sample

#: Rules of the program that has targets of its own.
SMALL = 1_000

#: How much longer each rule may take in the largest program, if time is to be called linear: caches get colder.
_LINEAR = 1.5

#: What a program of 10,000 rules may hold.
_MEGABYTES = 150


def compilation(effort: Effort) -> list[ReportRow]:
    """Seconds and megabytes of compiling 1,000 rules, and the most rules that the effort allows."""
    largest = effort.largest
    small = [measured(SMALL) for _ in range(effort.slow_rounds)]
    large = [measured(largest) for _ in range(min(effort.slow_rounds, 2))]
    rows = [
        _step("parse and check", small, SMALL, "parse", "< 1 s", lambda s: s < 1),
        _step("index", small, SMALL, "index", "< 100 ms", lambda s: s < 0.1),
        _step("compile() of (a)", small, SMALL, "a"),
        _step("compile() of (b)", small, SMALL, "b"),
        _step("first chunk of 200", small, SMALL, "chunk"),
        _step("parse and check", large, largest, "parse"),
        _step("index", large, largest, "index"),
        _step("first chunk of 200", large, largest, "chunk"),
    ]
    for step in ("parse", "index"):
        often = min(len(small), len(large))
        per_rule = Sample(_values(large[:often], step)).over(Sample(_values(small[:often], step)))
        growth = Sample(tuple(value * SMALL / largest for value in per_rule.values))
        name, linear = f"compile, {SMALL:,} to {largest:,} rules", growth.middle <= _LINEAR
        rows.append(ReportRow(name, f"{step}, time per rule", growth, "x", None, f"linear: ≤ {_LINEAR} x", linear))
    held = Sample((measured(largest, memory=True)["megabytes"],))
    allowed = _MEGABYTES * largest / 10_000
    words, met = f"< {allowed:.0f} MB", held.middle < allowed
    rows.append(ReportRow(f"compile, {largest:,} rules", "size in memory", held, "MB", None, words, met))
    return rows


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
