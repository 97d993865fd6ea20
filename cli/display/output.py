"""Print verdicts and rows.  verdicts, rows -> [output] -> table, JSON, CSV

Tables are for people: as wide as the terminal, or as wide as they need where there is none. Programs ask for JSON or
CSV, which never change with the terminal."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from cli.display.csv_output import print_csv
from cli.display.instants import to_second
from cli.display.table import print_rows, print_tabbed
from cli.display.terminal import Line, console, echo, echo_data
from rulefarm.verdict import Verdict

#: Colours of the outcomes.
COLOURS = {"accept": "green", "review": "yellow", "reject": "red", "error": "magenta"}


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, none: str = "nothing to show") -> None:
    """Print rows under headers; numbers to the right, outcomes in their colours.

    Args:
        headers: one a column.
        rows: as many cells as headers.
        none: is said when there is no row.
    """
    rows = iter(rows)
    if (first := next(rows, None)) is None:
        echo(none)
        return
    rows = chain([first], rows)
    if any(headers) and not sys.stdout.isatty():
        # For programs, with neither colours nor widths, and row by row: what is kept the garbage collector goes through
        # again and again, which takes longer than to print it.
        print_tabbed(chain([headers], ([_text(value) for value in row] for row in rows)))
        return
    rows = [tuple(row) for row in rows]
    right = [all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(headers))]
    print_rows(headers, [[_cell(value) for value in row] for row in rows], right=right)


def print_json(value: Any) -> None:
    """Print one JSON document; instants as ISO text, ids as text."""
    echo_data(json.dumps(value, ensure_ascii=False, indent=2, default=_json_value))


def print_verdict(verdict: Verdict) -> None:
    """Print one verdict, for a person."""
    out = console()
    out.print(Line(verdict.outcome, style=COLOURS[verdict.outcome]), Line(f"{verdict.domain} {verdict.subject}"))
    print_answer(verdict.to_json())
    out.print(
        Line(
            f"  job {verdict.id}, judged by {verdict.worker} in {verdict.micros} µs, "
            f"as of {to_second(verdict.as_of, zone=True)}, ruleset {verdict.ruleset_digest[:12]}",
            style="dim",
        )
    )


def print_answer(answer: Mapping[str, Any]) -> None:
    """Print reasons, rules that fired without one, changes, warnings, logs and events.

    Args:
        answer: as `Verdict.to_json` or `Evaluation.to_json` gives it, that with warnings as a verdict has them.
    """
    out = console()
    explained = set()
    for reason in answer["reasons"]:
        explained.add(reason["rule"])
        who = f"  {reason['rule']}: " if reason["rule"] else "  "
        out.print(Line(f"{who}{reason['text']}", style=COLOURS.get(reason["outcome"], "")))
    for rule in answer["fired"]:
        if rule not in explained:
            out.print(Line(f"  {rule}"))
    for path, value in answer["changes"].items():
        out.print(Line(f"  {path} = {json.dumps(value, ensure_ascii=False)}"))
    for warning in answer.get("warnings", ()):
        out.print(Line(f"  warning: {warning}", style="yellow"))
    for log in answer["logs"]:
        out.print(Line(f"  logged: {log}"))
    for event in answer["events"]:
        arguments = ", ".join(json.dumps(value, ensure_ascii=False) for value in event["arguments"])
        out.print(Line(f"  event: {event['name']}({arguments}) of {event['rule']}"))


def print_verdicts(
    verdicts: Iterable[Verdict],
    *,
    as_json: bool,
    as_csv: bool,
    raw: bool = False,
    facts_of: Callable[[Verdict], dict[str, Any] | None] | None = None,
    region_of: Callable[[Verdict], str] | None = None,
) -> None:
    """Print a list of verdicts.

    Args:
        verdicts: in the order to print.
        as_json: as a JSON list.
        as_csv: as CSV, with the fields of `Verdict` as columns; if neither, a table for a person.
        raw: the texts of the CSV are as they are on record, and not made safe for a spreadsheet.
        facts_of: looks up the facts of a verdict, for a last column `facts` of JSON and CSV; default: there is none.
        region_of: says the region of a verdict, for a column `region`; default: there is none.
    """
    if as_json or as_csv:
        more = {"region": region_of, "facts": facts_of}
        added = {name: tell for name, tell in more.items() if tell is not None}
        documents = (verdict.to_json() | {name: tell(verdict) for name, tell in added.items()} for verdict in verdicts)
        if as_json:
            print_json(list(documents))
            return
        columns = [*Verdict.__dataclass_fields__, *added]
        print_csv(columns, documents, raw=raw)
    else:
        rows = (
            (
                to_second(verdict.evaluated_at),
                *(() if region_of is None else (region_of(verdict),)),
                verdict.domain,
                verdict.subject,
                verdict.outcome,
                "; ".join(reason["text"] for reason in verdict.reasons) or ", ".join(verdict.fired),
            )
            for verdict in verdicts
        )
        where = () if region_of is None else ("region",)
        print_table(("judged at", *where, "domain", "subject", "outcome", "why"), rows, none="no verdict yet")


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> Line:
    text = _text(value)
    return Line(text, style=COLOURS.get(text, ""))


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
