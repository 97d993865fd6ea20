"""`rulefarm plan`: how large a farm has to be, and what it costs."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from cli.display.output import print_json
from cli.display.plan_report import print_comparisons, print_plan
from cli.display.report_file import check_writable, write_report
from cli.display.terminal import echo
from cli.options import json_option
from cli.up import migrate_tables
from planning.calibrating import calibrate
from planning.calibration import Calibration, read_calibration
from planning.capacity import PlannedLoad
from planning.prices import CLOUDS, read_prices
from planning.trial_farm import TrialFarm, trial_farm
from rulefarm.optional_imports import require_extra

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """A length of time with its unit, as seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that the text names."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)", str(value))
        if match is None or float(match[1]) == 0:
            self.fail(f"{value!r} is no length of time like 100ms, 30s, 30m or 2h", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


@click.command("plan")
@click.option("--products", type=click.IntRange(0, 10**8), default=10_000, show_default=True, help="Rows of a nightly.")
@click.option(
    "--orders-per-day", type=click.IntRange(1, 10**9), default=50_000, show_default=True, help="On a usual day."
)
@click.option("--rules", type=click.IntRange(1, 10**6), default=1_000, show_default=True, help="Of each domain.")
@click.option("--deadline", type=Duration(), default="30m", show_default=True, help="Of a nightly, and of a backlog.")
@click.option("--p99", type=Duration(), default="100ms", show_default=True, help="What 99 of 100 orders may take.")
@click.option("--regions", type=click.IntRange(1, 20), default=1, show_default=True, help="Each of them a whole farm.")
@click.option("--kept", type=click.IntRange(1, 36_500), default=90, show_default=True, help="Days that rows are kept.")
@click.option(
    "--prices",
    default="aws",
    show_default=True,
    metavar="CLOUD|FILE",
    help=f"{', '.join(CLOUDS)}, or a file of prices.",
)
@click.option(
    "--calibration",
    "calibration_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measured before; nothing is measured now.",
)
@click.option(
    "--save-calibration", "save_to", type=click.Path(dir_okay=False, path_type=Path), help="Keep what is measured now."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots, too.")
@click.option("--check", is_flag=True, help="Hold the simulation against three runs on this machine instead.")
@click.option("--seed", type=int, default=1, show_default=True, help="Fixes the simulated days.")
@json_option
def command(
    products: int,
    orders_per_day: int,
    rules: int,
    deadline: float,
    p99: float,
    regions: int,
    kept: int,
    prices: str,
    calibration_file: Path | None,
    save_to: Path | None,
    html: Path | None,
    check: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Measure what work costs on this machine, simulate the busiest hour, and print how large a farm has to be, how
    fast it will be, and what a month of it costs beside one server.

    Measuring takes a minute: it starts a farm of its own, and touches nothing else. Needs the extra 'plan'. Exit code 0
    only if the times are kept; with --check, if every prediction is within its bound.
    """
    sizing = require_extra("planning.sizing", "plan", of="rulefarm-server")
    check_writable(html, save_to)
    if check:
        _check(save_to, as_json)
    priced = read_prices(prices)
    costs = _measured(as_json) if calibration_file is None else read_calibration(calibration_file)
    if save_to is not None:
        write_report(save_to, costs.to_text())
    demand = PlannedLoad(products, orders_per_day, rules, deadline, p99, regions, kept)
    plan = sizing.make_capacity_plan(demand, costs, priced, seed)
    today = datetime.now(UTC).date()
    if html is not None:
        page = require_extra("planning.plan_page", "plan", of="rulefarm-server")
        write_report(html, page.plan_page(plan, today))
    if as_json:
        print_json(plan.to_json())
    else:
        print_plan(plan, today)
    sys.exit(int(not plan.keeps_its_times))


def _check(save_to: Path | None, as_json: bool) -> NoReturn:
    trials = require_extra("planning.trials", "plan", of="rulefarm-server")
    with _started(as_json) as farm:
        costs, compared = trials.run_trials(farm, _progress(as_json))
    if save_to is not None:
        write_report(save_to, costs.to_text())
    if as_json:
        print_json([{**asdict(one), "off": one.off, "holds": one.holds} for one in compared])
    else:
        print_comparisons(costs, compared)
    sys.exit(int(not all(one.holds for one in compared)))


def _measured(quiet: bool) -> Calibration:
    with _started(quiet) as farm:
        return calibrate(farm, _progress(quiet))


@contextmanager
def _started(quiet: bool) -> Iterator[TrialFarm]:
    echo("measuring this machine, which takes a minute or two: starting a farm", err=quiet)
    with trial_farm(migrate_tables) as farm:
        yield farm


def _progress(quiet: bool) -> Callable[[str], None]:
    return lambda step: echo(f"  {step}", err=quiet)
