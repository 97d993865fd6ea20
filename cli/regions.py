"""`rulefarm regions`: verdicts copied between regions, so that each has all."""

import click
from sqlalchemy import Engine

from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import json_option, read_settings
from rulefarm.database import LONG_S, connect
from rulefarm.errors import SettingsError
from store.replication import heal, set_up, take_down
from store.replication_state import copies_of, held_for

_MEBIBYTE = 1 << 20


@click.group("regions")
def command() -> None:
    """Verdicts copied between regions by Postgres, so that each has all. For the region that RULEFARM_REGION names."""


@command.command("init")
def init() -> None:
    """Publish this region's verdicts, and copy those of the others that publish theirs. Safe to repeat.

    Run it in each region; where it says that another publishes nothing yet, run it there, and then here again.
    """
    engine, own, others = _regions()
    set_up(engine, own, others)
    echo(f"region {own} publishes its verdicts")
    for copy in copies_of(engine, own, others):
        what = (
            f"run 'rulefarm regions init' in {copy.region}, then here again" if copy.state in _WAITING else copy.state
        )
        echo(f"verdicts of {copy.region}: {what}")


@command.command("status")
@json_option
def status(as_json: bool) -> None:
    """Show how the copies of other regions' verdicts are, and what is kept here for whoever copies ours."""
    engine, own, others = _regions()
    copies, held = copies_of(engine, own, others), held_for(engine)
    if as_json:
        print_json(
            {"region": own, "copies": [each.to_json() for each in copies], "kept": [each.to_json() for each in held]}
        )
        return
    rows = [
        (
            copy.region,
            copy.state,
            "-" if copy.behind_s is None else f"{copy.behind_s:.1f} s",
            "-" if copy.behind_bytes is None else f"{copy.behind_bytes / _MEBIBYTE:.1f} MiB",
        )
        for copy in copies
    ]
    print_table(("verdicts of", "state", "behind", "log to come"), rows, none="no other region is named")
    kept = [
        (
            each.region,
            "yes" if each.active else "no",
            "dropped: it has to begin anew" if each.kept_bytes is None else f"{each.kept_bytes / _MEBIBYTE:.1f} MiB",
        )
        for each in held
    ]
    print_table(("copied by", "connected", "log kept for it"), kept, none="no region copies from here yet")


@command.command("heal")
def mend() -> None:
    """Have every copy go on that has stopped; one that lost its place begins anew, and adds what is missing."""
    engine, own, others = _regions()
    done = heal(engine, own, others)
    for region, what in done:
        echo(f"copy of {region}: {what}")
    if not done:
        echo("nothing to heal")


@command.command("drop")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(yes: bool) -> None:
    """Copy nothing any more, and drop the copies. This region's own verdicts stay as they are."""
    engine, own, others = _regions()
    if not yes:
        click.confirm(f"drop what {own} has copied from other regions?", abort=True, err=True)
    take_down(engine, others)
    echo(f"region {own} has its own verdicts only")


#: States of a copy that waits for the other region.
_WAITING = ("unpublished", "away")


def _regions() -> tuple[Engine, str, dict[str, Engine]]:
    """The own database, the own region, and the databases of the others."""
    settings = read_settings()
    if settings.region is None:
        raise SettingsError("unknown-region", "nothing says which region this is", "set RULEFARM_REGION")
    others = sorted({place.name for place in settings.regions} - {settings.region})
    return (
        connect(settings, silence_s=LONG_S),
        settings.region,
        {name: connect(settings.in_region(name), silence_s=LONG_S) for name in others},
    )
