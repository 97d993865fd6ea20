"""`rulefarm demo`: measurements that anybody can repeat, on farms of their own."""

from pathlib import Path

import click

from cli.display.output import print_json
from cli.display.report_file import check_writable, write_report
from cli.display.routing_report import markdown, print_report
from cli.display.terminal import echo, echo_data
from cli.options import json_option
from rulefarm.optional_imports import require_extra
from workers.demo.routing_demo import FULL, QUICK, run_routing


@click.group("demo")
def command() -> None:
    """Measure on this machine what is claimed of farms, on one of its own that is stopped afterwards."""


@command.command("routing")
@click.option("--quick", is_flag=True, help="Few products, one turn, one process: whether it works.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the ratios into this file too.")
@json_option
def routing(quick: bool, as_markdown: bool, svg: Path | None, as_json: bool) -> None:
    """Nodes that each serve a domain, beside one that serves all: a price check, and the nightly batch.

    The farm has its own Postgres and Valkey in a folder of its own, and both are stopped at the end, by Ctrl-C too. A
    minute or two.
    """
    # Whoever has no library for it is told now, and not in two minutes.
    picture = require_extra("cli.display.routing_picture", "demo", "rulefarm-server") if svg else None
    check_writable(svg)
    report = run_routing(QUICK if quick else FULL, on_progress=lambda line: echo(line, err=True))
    if picture is not None and svg is not None:
        write_report(svg, picture.routing_picture(report))
    if as_json:
        print_json(report.to_json())
    elif as_markdown:
        echo_data(markdown(report))
    else:
        print_report(report)
