"""Print the report of a drill for a person.  workers.drill.report -> [drill_report] -> tables"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cli.display.table import print_rows
from cli.display.terminal import Line, console
from workers.drill.report import Report

#: Findings, and what is still open, are shown up to this many each; JSON has all.
SHOWN = 20


def print_report(report: Report) -> None:
    """Print the tables of faults, findings and open work, and whether the drill passed."""
    out = console()
    out.print()
    _print_faults(report)
    out.print()
    summary = f"{report.jobs:,} jobs and {report.rows:,} rows of {report.options.batches} batches were accepted"
    out.print(Line(f"{summary}, {report.poison} of them poison"))
    if report.malformed:
        out.print(Line(f"{report.malformed} malformed messages were sent, {report.refused} are on record as refused"))
    if report.findings:
        out.print()
        _print_rows(("finding", "id", "what is wrong"), [(f.code, f.id, f.text) for f in report.findings])
    if report.open:
        out.print()
        rows = [(kind, identity, _state(row)) for kind, identity, row in report.open]
        _print_rows(("open", "id", "state"), rows)
    out.print()
    out.print(Line(_verdict(report), style="bold green" if report.passed else "bold red"))


def _print_faults(report: Report) -> None:
    names = ("before", "during", "after", "flows", "closed")
    rows = []
    for impact in report.impacts:
        rates = (f"{rate:,.0f}" for rate in (impact.before, impact.during, impact.after))
        waits = ("never" if wait is None else f"{wait:.1f}" for wait in (impact.flows_s, impact.closed_s))
        rows.append([Line(cell) for cell in (f"{impact.at_s:.1f}", impact.fault, impact.what, *rates, *waits)])
    print_rows(("at, s", "fault", "what it hit", *names), rows, right=(True, False, False, *(True for _ in names)))
    out = console()
    out.print(
        Line(
            "before, during, after: verdicts a second. flows: seconds until the next verdict, by the worker that was "
            "hit. closed: seconds until all that was open then was closed, poison aside.",
            style="dim",
        )
    )


def _print_rows(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    rows = list(rows)
    print_rows(headers, [[Line(cell) for cell in row] for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        console().print(Line(f"… and {len(rows) - SHOWN:,} more; --json has them all", style="dim"))


def _state(row: dict[str, Any]) -> str:
    now: datetime = row["now"]
    due = (row["resend_at"] - now).total_seconds()
    words = [
        f"{row['attempts']} attempts",
        f"sent {row['times_sent']} times",
        f"due {'in' if due > 0 else 'since'} {abs(due):.0f} s",
    ]
    if row["lease_until"] is not None:
        left = (row["lease_until"] - now).total_seconds()
        words.append(f"leased by {row['worker']} for {left:.0f} s more" if left > 0 else "its lease has run out")
    if row["code"]:
        words.append(f"last failure {row['code']}")
    return ", ".join(words)


def _verdict(report: Report) -> str:
    if report.finished_s is None:
        when = f"not finished within {report.options.deadline_s:g} s"
    else:
        when = f"finished after {report.finished_s:.1f} s"
    others = ", ".join(f"{count} {code}" for code, count in report.by_code.items()) or "no finding"
    word = "PASSED" if report.passed else "FAILED"
    return f"{word}: {when}, {report.lost} lost, {report.doubled} doubled; {others}"
