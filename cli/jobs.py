"""`rulefarm jobs`: where a job stands, and what is open."""

from dataclasses import replace
from typing import Any

import click

from cli.dead_letters import print_letter
from cli.display.instants import to_second
from cli.display.old_keys import with_old_keys
from cli.display.output import print_json, print_table, print_verdict
from cli.display.terminal import Line, console
from cli.lookup import check_domain, say_if_several
from cli.options import domain_option, json_option, limit_option, read_settings, show_private_option
from rulefarm.database import connect
from rulefarm.plurals import counted
from store.job_status import JobStatus, find_job_status, find_jobs, job_facts
from store.private_view import PrivateView
from tasks.judged_facts import chunk_of
from tasks.recorded_facts import facts_on_record


@click.group("jobs")
def command() -> None:
    """Jobs on record: what is open, and where one stands."""


@command.command("list")
@click.option(
    "--state", type=click.Choice(["open", "done", "dead"]), default="open", show_default=True, help="In this state."
)
@domain_option
@limit_option("At most so many, oldest first.")
@json_option
def list_jobs(state: str, domain: str | None, limit: int, as_json: bool) -> None:
    """List jobs, oldest first: those without a verdict, unless --state says otherwise."""
    engine = connect(read_settings())
    check_domain(engine, domain)
    jobs = find_jobs(engine, state=state, domain=domain, limit=limit)
    if as_json:
        print_json([with_old_keys(job) for job in jobs])
        return
    rows = [
        (job["id"], job["domain"], job["subject"], _time(job["age_s"]), job["attempts"], job["code"] or "-")
        for job in jobs
    ]
    print_table(("id", "domain", "subject", "age", "attempts", "last failure"), rows, none=f"no job is {state}")


@command.command("show")
@click.argument("job", metavar="JOB_ID")
@domain_option
@show_private_option
@json_option
def show(job: str, domain: str | None, show_private: bool, as_json: bool) -> None:
    """Show where a job, or one row of a batch, stands: attempts, lease, last failure, verdict or dead letter.

    JOB_ID is its id, or the key it was submitted with: then the newest job is shown.
    """
    engine = connect(read_settings())
    check_domain(engine, domain)
    status = find_job_status(engine, job, domain=domain)
    say_if_several(engine, job, domain)
    view = PrivateView(engine, everything=show_private)
    on_record = status.verdict
    chunk = chunk_of(engine, on_record) if on_record and on_record.batch else status.chunk
    status = replace(
        status,
        chunk=chunk and {name: value for name, value in chunk.items() if name != "facts"},
        verdict=on_record and view.verdict(on_record),
        letter=None if status.letter is None else view.letter(status.letter),
    )
    if as_json:
        document = status.to_json()
        rows = {part: with_old_keys(document[part]) for part in ("job", "chunk") if document[part] is not None}
        facts = facts_on_record(engine, on_record) if on_record else None
        if facts is None and status.job is not None:
            facts = job_facts(engine, status.job["id"])
        about = on_record.domain if on_record else status.job["domain"] if status.job is not None else ""
        facts = view.facts(facts, about, on_record.ruleset_digest if on_record else None)
        print_json(document | rows | {"facts": facts})
        return
    _print(status)


def _print(status: JobStatus) -> None:
    out = console()
    if status.job is not None:
        job = status.job
        queue = "bulk queue" if job["bulk"] else "interactive queue"
        out.print(Line(job["state"], style=_STATES[job["state"]]), Line(f"{job['domain']} {job['subject']}"))
        out.print(Line(f"  job {job['id']}, as of {_moment(job['as_of'])}"))
        out.print(Line(f"  submitted {_time(job['age_s'])} ago, {_moment(job['enqueued_at'])}, to the {queue}"))
        _print_attempts(job)
    if status.batch is not None:
        batch = status.batch
        out.print(Line(f"row of batch {batch['id']} of {batch['domain']}, which is {batch['state']}"))
        if status.chunk is not None:
            _print_attempts(status.chunk)
    if status.verdict is not None:
        print_verdict(status.verdict)
    if status.letter is not None:
        print_letter(status.letter)


_STATES = {"open": "yellow", "done": "green", "dead": "red"}


def _print_attempts(row: dict[str, Any]) -> None:
    """Print the attempts on a job's or chunk's row."""
    out = console()
    parts = [counted(row["attempts"], "counted attempt"), f"sent {counted(row['times_sent'], 'time')}"]
    if row["state"] == "open":
        if row["lease_s"] is not None and row["lease_s"] > 0:
            parts.append(f"{row['worker']} works on it, its lease lasts {_time(row['lease_s'])}")
        due = f"in {_time(row['resend_in_s'])}" if row["resend_in_s"] > 0 else "now"
        parts.append(f"sent again {due} if nothing comes of it")
    out.print(Line(f"  {', '.join(parts)}"))
    if row["code"] and row["state"] != "dead":
        out.print(Line(f"  last failure, by {row['worker']}: [{row['code']}] {row['reason']}", style="yellow"))


def _moment(moment: Any) -> str:
    return to_second(moment, zone=True)


def _time(seconds: float) -> str:
    """A time, as exact as a person needs.

    >>> [_time(seconds) for seconds in (0.25, 41, 5400, 260000)]
    ['0.2 s', '41 s', '90 min', '72 h']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36_000 else f"{seconds / 3600:.0f} h"
