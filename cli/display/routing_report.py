"""The routing demo as text or as Markdown.  workers.demo.claims -> [routing_report] -> the terminal"""

from cli.display.table import print_rows
from cli.display.terminal import Line, console
from workers.demo.claims import MeasuredRatio, RoutingReport

_HEADERS = ("", "before", "after", "measured", "claimed")


def print_report(report: RoutingReport) -> None:
    """Print the comparisons, and what limits them."""
    out = console()
    out.print()
    print_rows(_HEADERS, [[Line(cell) for cell in _cells(row)] for row in report.rows()])
    out.print()
    out.print(Line("What limits them", style="bold"))
    for sentence in report.limits():
        out.print(Line(sentence))


def markdown(report: RoutingReport) -> str:
    """The same as a table and a list."""
    lines = ["| " + " | ".join(_HEADERS) + " |", "| --- " * len(_HEADERS) + "|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in report.rows()]
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in report.limits())])


def _cells(row: MeasuredRatio) -> tuple[str, ...]:
    return row.what, row.before, row.after, f"{row.ratio:.2f} x", row.claim
