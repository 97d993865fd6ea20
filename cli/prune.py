"""`rulefarm prune`: drop months of verdicts, jobs and batches that are old enough, drafts that nobody needs, trails."""

from datetime import timedelta

import click

from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import Age, json_option, read_settings
from rulefarm.database import LONG_S, connect
from rulefarm.plurals import counted
from store.health import clock_of
from store.retention import first_kept, prune

#: What a trail tells of.
_TRAILS = {"fact_views": "views of facts by people", "operator_actions": "actions of operators"}


@click.command("prune")
@click.option("--older-than", "age", required=True, type=Age(), help="Like 90d or 12w.")
@click.option(
    "--trails-older-than",
    "trails_age",
    type=Age(),
    help="Drop who looked at facts, and who tried dead letters again or dropped them, too. Default: all is kept.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and drop nothing.")
@json_option
def command(age: timedelta, trails_age: timedelta | None, dry_run: bool, as_json: bool) -> None:
    """Drop what is closed and was submitted in months that ended so long ago: verdicts, jobs, batches, dead letters.

    And drafts of rulesets that were last tried before that and that nothing on record names. Whole months only, so that
    up to a month more is kept than was asked for. Open work is never touched, nor the verdicts of a batch that is still
    open. Safe to repeat, and to stop.

    Who looked at facts, and what operators did, is kept for ever unless an age is named; who published which rules is
    never dropped.
    """
    if trails_age is not None and trails_age < age:
        raise click.BadParameter("who looked at what is on record stays on record", param_hint="'--trails-older-than'")
    engine = connect(read_settings(), silence_s=LONG_S)
    # Not by the clock here: what was dropped by a wrong one is gone.
    now = clock_of(engine)
    trails_before = None if trails_age is None else now - trails_age
    pruned = prune(engine, first_kept(now, age), trails_before=trails_before, dry_run=dry_run)
    if as_json:
        print_json(pruned.to_json() | {"dry_run": dry_run})
        return
    echo(f"{'would drop' if dry_run else 'dropped'} what was submitted before {pruned.before.date().isoformat()} UTC:")
    rows = [
        *((name, counted(count, "verdict")) for name, count in pruned.partitions.items()),
        ("verdicts of no month", pruned.verdicts),
        ("jobs", pruned.jobs),
        ("batches", pruned.batches),
        ("dead letters", pruned.dead_letters),
        ("drafts of rulesets", pruned.drafts),
        *((_TRAILS[name], count) for name, count in pruned.trails.items()),
    ]
    print_table(("what", "how many"), rows)
    for name in pruned.kept:
        echo(f"{name} stays: a batch of that month is still open, or has a young dead letter")
