"""`rulefarm doctor`: is the farm well?"""

import sys

import click
from rich.table import Table
from rich.text import Text

from cli.display.output import console, print_json
from cli.options import json_option, settings
from workers.monitoring import HealthCheck, examine

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}


@click.command("doctor")
@click.option(
    "--timeout", default=10.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Seconds for a probe."
)
@json_option
def command(timeout: float, as_json: bool) -> None:
    """Try everything that a job needs on its way to a verdict, and say what to do about what is not well.

    Exit code 1 if something fails; warnings leave it 0. Leaves no job and no verdict.
    """
    findings = examine(settings(), timeout_s=timeout)
    well = all(finding.status != "fail" for finding in findings)
    if as_json:
        print_json({"well": well, "findings": [finding.to_json() for finding in findings]})
    else:
        _print(findings)
    sys.exit(int(not well))


def _print(findings: list[HealthCheck]) -> None:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        said = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
        if finding.hint:
            said = f"{said.removesuffix('.')}; {finding.hint}"
        table.add_row(Text(finding.status, style=_COLOURS[finding.status]), Text(finding.check), Text(said))
    console().print(table)
