"""Print verdicts and rows.  verdicts, rows -> [output] -> table, JSON, CSV

Tables are for people: as wide as the terminal, or as wide as they need where there is none. Programs ask for JSON or
CSV, which never change with the terminal."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import click
from celery import Celery
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rulefarm.errors import BrokerUnreachable
from rulefarm.messaging import TaskMessage, send_messages
from rulefarm.verdict import Verdict

#: Colours of the outcomes.
COLOURS = {"accept": "green", "review": "yellow", "reject": "red", "error": "magenta"}


def console(*, stderr: bool = False) -> Console:
    """A console for people; off a terminal it neither colours nor cuts."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 1000, highlight=False)


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print rows under headers; numbers to the right, outcomes in their colours.

    Args:
        headers: one a column; a column `id` is never folded.
        rows: as many cells as headers.
        title: above the table; default: none.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    rows = [tuple(row) for row in rows]
    for i, header in enumerate(headers):
        is_number = bool(rows) and all(isinstance(row[i], (int, float)) for row in rows)
        # An id is there to be copied: whatever else has to be folded, it is not.
        table.add_column(header, justify="right" if is_number else "left", overflow="fold", no_wrap=header == "id")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def counted(number: int, what: str) -> str:
    """A number with its noun.

    Args:
        number: how many.
        what: the noun, in the singular.

    >>> counted(1, "attempt"), counted(1200, "attempt")
    ('1 attempt', '1,200 attempts')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def exit_not_sent(what: str) -> NoReturn:
    """Say that something is on record but that no message of it was sent, and exit with code 3: the broker is away.

    Args:
        what: with its verb: `job 0b2c… is`.
    """
    message = f"{what} on record, but the broker does not answer: judged when it is back"
    click.echo(f"rulefarm: {message} [broker-unreachable]", err=True)
    sys.exit(3)


def print_json(value: Any) -> None:
    """Print one JSON document; instants as ISO text, ids as text."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_json_value))


def print_verdict(verdict: Verdict) -> None:
    """Print one verdict, for a person."""
    out = console()
    out.print(Text(verdict.outcome, style=COLOURS[verdict.outcome]), Text(f"{verdict.domain} {verdict.subject}"))
    print_answer(verdict.to_json())
    out.print(
        Text(
            f"  job {verdict.id}, judged by {verdict.worker} in {verdict.micros} µs, "
            f"as of {verdict.as_of:%Y-%m-%d %H:%M:%S %Z}, ruleset {verdict.ruleset_digest[:12]}",
            style="dim",
        )
    )


def print_answer(answer: Mapping[str, Any]) -> None:
    """Print reasons, rules that fired without one, changes, logs and events, for a person.

    Args:
        answer: as `Verdict.to_json` or `Evaluation.to_json` gives it.
    """
    out = console()
    explained = set()
    for reason in answer["reasons"]:
        explained.add(reason["rule"])
        who = f"  {reason['rule']}: " if reason["rule"] else "  "
        out.print(Text(f"{who}{reason['text']}", style=COLOURS.get(reason["outcome"], "")))
    for rule in answer["fired"]:
        if rule not in explained:
            out.print(Text(f"  {rule}"))
    for path, value in answer["changes"].items():
        out.print(Text(f"  {path} = {json.dumps(value, ensure_ascii=False)}"))
    for log in answer["logs"]:
        out.print(Text(f"  logged: {log}"))
    for event in answer["events"]:
        arguments = ", ".join(json.dumps(value, ensure_ascii=False) for value in event["arguments"])
        out.print(Text(f"  event: {event['name']}({arguments}) of {event['rule']}"))


def print_verdicts(verdicts: Iterable[Verdict], *, as_json: bool, as_csv: bool) -> None:
    """Print a list of verdicts.

    Args:
        verdicts: in the order to print.
        as_json: as a JSON list.
        as_csv: as CSV, with the fields of `Verdict` as columns; if neither, a table for a person.
    """
    if as_json:
        print_json([verdict.to_json() for verdict in verdicts])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        names = list(Verdict.__dataclass_fields__)
        writer.writerow(names)
        for verdict in verdicts:
            document = verdict.to_json()
            writer.writerow([_csv_cell(document[name]) for name in names])
    else:
        rows = [
            (
                f"{verdict.evaluated_at:%Y-%m-%d %H:%M:%S}",
                verdict.domain,
                verdict.subject,
                verdict.outcome,
                "; ".join(reason["text"] for reason in verdict.reasons) or ", ".join(verdict.fired),
            )
            for verdict in verdicts
        ]
        print_table(("judged at", "domain", "subject", "outcome", "why"), rows)


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> Text:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return Text(text, style=COLOURS.get(text, ""))


def _csv_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def send_or_exit(app: Celery, messages: list[TaskMessage], what: str) -> None:
    """Send messages; exit with code 3 if the broker does not answer.

    Args:
        app: from `rulefarm.messaging.create_app`.
        messages: to send.
        what: they are about, with its verb: see `exit_not_sent`.
    """
    try:
        send_messages(app, messages)
    except BrokerUnreachable:
        exit_not_sent(what)
