"""`rulefarm prune`: drop months of verdicts, jobs and batches that are old enough, and drafts that nobody needs."""

from datetime import timedelta

import click

from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import Age, json_option, read_settings
from rulefarm.database import LONG_S, connect
from rulefarm.plurals import counted
from store.health import clock_of
from store.retention import first_kept, prune


@click.command("prune")
@click.option("--older-than", "age", required=True, type=Age(), help="Like 90d or 12w.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and drop nothing.")
@json_option
def command(age: timedelta, dry_run: bool, as_json: bool) -> None:
    """Drop what is closed and was submitted in months that ended so long ago: verdicts, jobs, batches, dead letters.

    And drafts of rulesets that were last tried before that and that nothing on record names. Whole months only, so that
    up to a month more is kept than was asked for. Open work is never touched, nor the verdicts of a batch that is still
    open. Safe to repeat, and to stop.
    """
    engine = connect(read_settings(), silence_s=LONG_S)
    # Not by the clock here: what was dropped by a wrong one is gone.
    pruned = prune(engine, first_kept(clock_of(engine), age), dry_run=dry_run)
    if as_json:
        print_json(pruned.to_json() | {"dry_run": dry_run})
        return
    echo(f"{'would drop' if dry_run else 'dropped'} what was submitted before {pruned.before:%Y-%m-%d} UTC:")
    rows = [
        *((name, counted(count, "verdict")) for name, count in pruned.partitions.items()),
        ("verdicts of no month", pruned.verdicts),
        ("jobs", pruned.jobs),
        ("batches", pruned.batches),
        ("dead letters", pruned.dead_letters),
        ("drafts of rulesets", pruned.drafts),
    ]
    print_table(("what", "how many"), rows)
    for name in pruned.kept:
        echo(f"{name} stays: a batch of that month is still open, or has a young dead letter")
