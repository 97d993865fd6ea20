"""`rulefarm doctor`: health checks of a farm."""

import sys

import click

from cli.display.output import print_json
from cli.display.table import print_rows
from cli.display.terminal import Line
from cli.options import Seconds, json_option, read_settings
from workers.monitoring import HealthCheck, examine

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}


@click.command("doctor")
@click.option("--timeout", default=10.0, show_default=True, type=Seconds(0, min_open=True), help="Seconds for a probe.")
@json_option
def command(timeout: float, as_json: bool) -> None:
    """Try everything that a job needs on its way to a verdict, and say what to do about what is not well.

    Exit code 1 if something fails; warnings leave it 0. Leaves no job and no verdict.
    """
    checks = examine(read_settings(), timeout_s=timeout)
    well = all(check.status != "fail" for check in checks)
    if as_json:
        print_json({"well": well, "findings": [check.to_json() for check in checks]})
    else:
        _print(checks)
    sys.exit(int(not well))


def _print(checks: list[HealthCheck]) -> None:
    rows = []
    for check in checks:
        text = f"{check.subject}: {check.message}" if check.subject else check.message
        if check.hint:
            text = f"{text.removesuffix('.')}; {check.hint}"
        rows.append((Line(check.status, style=_COLOURS[check.status]), Line(check.check), Line(text)))
    print_rows(("", "", ""), rows)
