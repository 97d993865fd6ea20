"""`rulefarm batch`: submit a file, list and show batches, resume one."""

import sys
import time
from difflib import get_close_matches
from typing import Any

import click
from sqlalchemy import Engine

from cli.display.instants import to_second
from cli.display.output import print_json, print_table
from cli.display.progress import progress_bar
from cli.display.sending import exit_not_sent, send_or_exit
from cli.display.terminal import echo
from cli.lookup import check_domain
from cli.options import (
    Seconds,
    as_of_option,
    domain_argument,
    domain_option,
    json_option,
    limit_option,
    read_settings,
    source_options,
)
from cli.recorded import published_key
from rulefarm.farm import Farm
from rulefarm.jobs import Batch
from rulefarm.plurals import counted
from store.batch_status import find_batches
from store.dead_letter_retry import resume
from store.verdict_list import find_verdicts
from workers.telemetry import traced_process

#: Reasons that are printed of a batch in which all is wrong.
_REASONS = 3
#: Seconds between two looks at a batch.
_LOOK_S = 0.25


class BatchGroup(click.Group):
    """A group in which `DOMAIN SOURCE` means `run DOMAIN SOURCE`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; `run` if they name none."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.commands, n=1)
            if len(args) == 1 and near:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Both ways to call it."""
        formatter.write_usage("rulefarm batch", "[OPTIONS] DOMAIN SOURCE")
        formatter.write_usage("rulefarm batch", "list")
        formatter.write_usage("rulefarm batch", "show BATCH")
        formatter.write_usage("rulefarm batch", "resume BATCH")


@click.group("batch", cls=BatchGroup)
def command() -> None:
    """Judge every row of a csv, xlsx, parquet, jsonl or sql file; show how batches fare, or get one going again."""


@command.command("run")
@domain_argument
@click.argument("source", metavar="SOURCE")
@click.option("--subject", help="Column that names what is judged. Default: the domain's key, else the first column.")
@click.option("--key", help="The same key is the same batch, however often it is submitted.")
@as_of_option
@click.option("--strict", is_flag=True, help="Refuse a SOURCE whose columns and the fields of the domain do not match.")
@source_options
@click.option("--wait/--no-wait", default=True, show_default=True, help="Show progress until every verdict is there.")
@click.option("--timeout", type=Seconds(0), default=3600.0, show_default=True, help="Seconds to wait.")
@json_option
def run(
    domain: str,
    source: str,
    subject: str | None,
    key: str | None,
    as_of: Any,
    strict: bool,
    sheet: str | None,
    encoding: str | None,
    decimal: str | None,
    wait: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Submit the rows of SOURCE, a file or a folder of parts, to a DOMAIN (`run` may be left out).

    Exit code 1 if SOURCE is refused, `rulefarm batch list` shows then why; or if every verdict is an error.
    """
    settings = read_settings()
    # In this region: whoever names one means it.
    with traced_process("rulefarm-batch"), Farm(settings, fallback=()) as farm:
        engine = farm.require_ledger().engine
        # What is published, and not what lies in a folder: that is what judges the rows.
        subject = subject or published_key(engine, domain)
        batch = farm.submit_batch(
            domain,
            source,
            subject=subject,
            key=key,
            as_of=as_of,
            strict=strict,
            sheet=sheet,
            encoding=encoding,
            decimal=decimal,
        )
        follow(batch, engine, wait=wait, timeout=timeout, as_json=as_json)


@command.command("list")
@domain_option
@click.option("--state", type=click.Choice(["open", "done", "failed"]), help="In this state only.")
@limit_option("Show at most so many.")
@json_option
def list_batches(domain: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """Show the latest batches, newest first: their state, their records, and why one failed."""
    with Farm(read_settings()) as farm:
        engine = farm.require_ledger().engine
        check_domain(engine, domain)
        found = find_batches(engine, domain=domain, state=state, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            str(batch["id"]),
            to_second(batch["enqueued_at"]),
            batch["domain"],
            batch["state"],
            *("-" if batch[name] is None else batch[name] for name in ("records", "judged", "refused")),
            f"{'nightly ' if batch['nightly'] else ''}{batch['source']}",
            f"[{batch['code']}] {batch['reason']}" if batch["state"] == "failed" else "",
        )
        for batch in found
    ]
    print_table(
        ("id", "submitted at", "domain", "state", "read", "judged", "refused", "source", "why"),
        rows,
        none="no batch yet",
    )


@command.command("show")
@click.argument("batch_id", metavar="BATCH")
@json_option
def show(batch_id: str, as_json: bool) -> None:
    """Show a BATCH: how far it is, and its outcomes."""
    with Farm(read_settings()) as farm:
        print_batch(farm.batch(batch_id), as_json=as_json)


@command.command("resume")
@click.argument("batch_id", metavar="BATCH")
@json_option
def resume_batch(batch_id: str, as_json: bool) -> None:
    """Send at once for everything that is open in a BATCH and that nobody works on.

    The farm does so by itself, sooner or later; this does not wait for it. Repeat it as often as you like.
    """
    settings = read_settings()
    with Farm(settings) as farm:
        record = farm.batch(batch_id)
        waiting, messages = resume(farm.require_ledger().engine, record["id"], grace_s=settings.reconcile_grace_s)
        if as_json:
            print_json({"batch": record["id"], "state": record["state"], "resumed": waiting, "dead": record["dead"]})
        else:
            echo(f"batch {batch_id}: {record['state']}, {counted(waiting, 'chunk')} resumed")
            _print_dead_letter_hint(record)
        send_or_exit(farm.app, messages, f"what is open of batch {batch_id} is")


def follow(batch: Batch, engine: Engine, *, wait: bool, timeout: float, as_json: bool) -> None:
    """Print the id of a batch that was submitted, or with `wait` show its progress and its outcomes.

    Exits with code 3 if the broker was away, 4 if the verdicts are not all there in time, and 1 if all of them are
    errors, with the first reasons: then it is the source, or the rules, that is wrong.

    Args:
        batch: as it was accepted.
        engine: the database, which is asked for reasons.
        wait: until all its verdicts are there.
        timeout: seconds to wait.
        as_json: print the outcomes as JSON.
    """
    for remark in batch.remarks:
        echo(f"rulefarm: {remark}", err=True)
    if not batch.sent:
        exit_not_sent(f"batch {batch.id} is")
    if not wait:
        echo(str(batch.id))
        return
    record = _progress(batch, timeout)
    print_batch(record, as_json=as_json)
    if record["state"] == "open":
        echo(f"rulefarm: batch {batch.id} is not done after {timeout:g} s [verdict-pending]", err=True)
        sys.exit(4)
    if _only_errors(record):
        echo(f"rulefarm: nothing of batch {batch.id} could be judged [only-errors]; the first reasons:", err=True)
        for verdict in find_verdicts(engine, batch=batch.id, outcome="error", limit=_REASONS):
            texts = "; ".join(reason["text"] for reason in verdict.reasons)
            echo(f"  {verdict.subject}: {texts}", err=True)
        sys.exit(1)


def print_batch(record: dict[str, Any], *, as_json: bool) -> None:
    """Print a batch's row and its outcomes.

    Args:
        record: as `Farm.batch` gives it.
        as_json: as it is; False: for a person.
    """
    if as_json:
        print_json(record)
        return
    done = sum(record["outcomes"].values()) + record["dead"]
    finished = record["finished_at"]
    took = f", took {(finished - record['enqueued_at']).total_seconds():.2f} s" if finished else ""
    where = f" in {record['region']}" if record["region"] else ""
    echo(f"batch {record['id']} of {record['domain']}{where}: {record['state']}, {done:,} of {record['rows']:,}{took}")
    echo(
        f"from {record['source']}, {counted(record['chunks'], 'chunk')}, as of {to_second(record['as_of'], zone=True)}"
    )
    if record["state"] == "failed":
        echo(f"failed [{record['code']}]: {record['reason']}")
    elif record["records"] is not None:
        judged = record["judged"]
        echo(
            f"read {counted(record['records'], 'record')}, judged {'so far ' if judged is None else ''}"
            f"{max(0, done - record['dead'] - record['refused']) if judged is None else judged:,}, "
            f"refused {record['refused']:,}"
        )
    order = ("accept", "review", "reject", "error")
    rows = [(outcome, record["outcomes"][outcome]) for outcome in order if outcome in record["outcomes"]]
    if record["dead"]:
        rows.append(("dead", record["dead"]))
    if rows:
        print_table(("outcome", "subjects"), rows)
    _print_dead_letter_hint(record)


def _only_errors(record: dict[str, Any]) -> bool:
    counts: dict[str, int] = record["outcomes"]
    errors: int = counts.get("error", 0) + record["dead"]
    return errors > 0 and errors == sum(counts.values()) + record["dead"]


def _print_dead_letter_hint(record: dict[str, Any]) -> None:
    if record["dead"]:
        echo(f"dead letters: see 'rulefarm dead-letters list --batch {record['id']}'")


def _progress(batch: Batch, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    with progress_bar() as progress:
        task = progress.add_task(f"{batch.domain} batch", total=batch.rows)
        while True:
            record = batch.progress()
            progress.update(task, completed=sum(record["outcomes"].values()) + record["dead"])
            if record["state"] != "open" or time.monotonic() > deadline:
                return record
            time.sleep(_LOOK_S)
