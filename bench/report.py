"""The table, as text or as Markdown.  suites, farm -> [report]

Columns: who, the median of what was measured with its least and most, how many times as much as what it is compared
with (median of the rounds, least and most), the target and whether it was met."""

from collections.abc import Iterable

from bench.engines import Absent
from bench.timing import ReportRow, Sample


def header(ratio: str) -> str:
    """The names of the columns.

    Args:
        ratio: what the ratio is called.
    """
    return _line(("", "median", "(min … max)", ratio, "(min … max)", "target", ""))


def section(rows: Iterable[ReportRow]) -> str:
    """The rows of one or more sections, each under its title."""
    lines: list[str] = []
    title = ""
    for row in rows:
        if row.section != title:
            title = row.section
            lines += ["", title]
        lines.append(_line(_cells(row)))
    return "\n".join(lines)


def markdown(rows: Iterable[ReportRow]) -> str:
    """The same as one table of Markdown, with the titles in it."""
    lines = ["", "| | median | (min … max) | ratio | (min … max) | target | |", "| --- " * 7 + "|"]
    title = ""
    for row in rows:
        if row.section != title:
            title = row.section
            lines.append(f"| **{title}** | | | | | | |")
        lines.append("| " + " | ".join(cell.strip() for cell in _cells(row)) + " |")
    return "\n".join(lines)


def missing(absent: Iterable[Absent]) -> str:
    """Who could not take part, and why."""
    return "\n".join(f"  {one.name}: {one.reason}" for one in absent)


def summary(rows: Iterable[ReportRow]) -> str:
    """How many targets were met, and which were not."""
    judged = [row for row in rows if row.met is not None]
    lines = [f"{sum(1 for row in judged if row.met)} of {len(judged)} targets met"]
    for row in judged:
        if not row.met:
            # A target is of the ratio only where it is written as one.
            measured = _number((row.ratio if row.ratio and row.target.endswith(" x") else row.sample).middle)
            lines.append(f"  missed: {row.section}, {row.name}: {measured}, wanted {row.target}")
    return "\n".join(lines)


def _cells(row: ReportRow) -> tuple[str, ...]:
    verdict = {None: "", True: "met", False: "MISSED"}[row.met]
    ratio = ("", "") if row.ratio is None else (f"{_number(row.ratio.middle)} x", _spread(row.ratio))
    value = f"{_number(row.sample.middle)} {row.unit}"
    return f"  {row.name}", value, _spread(row.sample), *ratio, row.target, verdict


def _spread(sample: Sample) -> str:
    return f"({_number(sample.low)} … {_number(sample.high)})" if len(sample.values) > 1 else ""


def _number(value: float) -> str:
    """Three digits are as many as mean anything; a count has its own."""
    if value >= 100 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: tuple[str, ...]) -> str:
    name, value, spread, ratio, ratio_spread, target, verdict = cells
    return f"{name:40} {value:>12} {spread:20} {ratio:>10} {ratio_spread:18} {target:20} {verdict}".rstrip()
