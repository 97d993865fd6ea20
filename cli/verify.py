"""`rulefarm verify`: hold what is on record against itself."""

import sys

import click

from cli.display.output import counted, print_json
from cli.display.terminal import echo
from cli.options import json_option, read_settings
from rulefarm.database import connect
from store.publication_trail import verify_trail


@click.command("verify")
@click.option("--trail", is_flag=True, required=True, help="Go through who made which rules the active ones, and when.")
@json_option
def command(trail: bool, as_json: bool) -> None:
    """Check that nobody changed the trail of publications afterwards, or the rules that it names.

    Each row has a hash that covers the row before, so the hash that is printed covers all of them: an auditor who keeps
    it can tell at any later time whether it is still on record. Exit code 1 if something is not what it was.
    """
    found = verify_trail(connect(read_settings()))
    if as_json:
        print_json({"publications": found.length, "hash": found.hash, "problems": found.problems})
    else:
        for problem in found.problems:
            echo(problem)
        state = f"whole up to {found.hash[:12]}" if found.hash and not found.problems else "not whole"
        echo(f"{counted(found.length, 'publication')}, {state if found.length else 'nothing to check'}")
    sys.exit(int(bool(found.problems)))
