"""Print a plan for a person.  planning.capacity -> [plan_report] -> tables"""

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from cli.display.table import print_rows
from cli.display.terminal import Line, console
from planning.advice import advice, old_prices, promises
from planning.calibration import Calibration
from planning.capacity import CapacityPlan, Spread
from planning.prices import Bill

if TYPE_CHECKING:
    from planning.trials import ComparedFigure


def print_plan(plan: CapacityPlan, today: date) -> None:
    """Print the tables of a plan, and what it means.

    Args:
        plan: what was found.
        today: the day that the age of prices is counted to.
    """
    costs = plan.calibration
    out = console()
    out.print(Line(f"measured on {costs.machine}, {costs.measured_at}"))
    _print("", _work(plan), ("work", "costs", ""))
    _print("", _farm(plan), ("the farm of a region", "", ""))
    _print("", _times(plan), ("expected", "", "asked for"))
    _print_bill("a month of the farm", plan.farm_bill)
    _print_bill(f"a month of one server of {plan.server_cores} vCPU", plan.server_bill)
    _print("", promises(plan), ("promised once", "as", "comes to"))
    ages = [
        (price.what, price.name, f"{price.usd:g} / {price.per}", f"{(today - price.dated).days} days", price.source)
        for price in plan.prices
    ]
    _print("", ages, ("price", "of", "USD", "age", "source"))
    if old := old_prices(plan, today):
        out.print(Line(f"older than half a year, look them up again: {'; '.join(old)}"))
    out.print()
    for sentence in advice(plan):
        out.print(Line(sentence, style="bold"))


def print_comparisons(costs: Calibration, compared: Sequence["ComparedFigure"]) -> None:
    """Print what was predicted of the runs beside what was measured.

    Args:
        costs: what was measured of the machine.
        compared: figure by figure.
    """
    console().print(Line(f"measured on {costs.machine}, {costs.measured_at}"))
    rows = [
        (
            one.run,
            _FIGURES[one.figure],
            _shown(one.figure, one.predicted),
            _shown(one.figure, one.measured),
            f"{one.off:.2f} x",
            f"{one.most:.2f} x",
            "" if one.holds else "missed",
        )
        for one in compared
    ]
    print_rows(
        ("run", "figure", "predicted", "measured", "off by", "at most", ""),
        [[Line(cell) for cell in row] for row in rows],
        right=(False, False, True, True, True, True, False),
    )
    missed = sum(not one.holds for one in compared)
    console().print(Line("every prediction is within its bound" if not missed else f"{missed} predictions missed"))


def _shown(figure: str, value: float) -> str:
    return f"{value:,.1f} /s" if figure == "rate" else f"{value * 1e3:,.0f} ms"


_FIGURES = {"rate": "verdicts", "p50": "median", "p99": "99 of 100 within", "drain": "all done in"}


def _work(plan: CapacityPlan) -> list[tuple[str, str, str]]:
    costs, rules = plan.calibration, plan.demand.rules
    return [
        (
            "judging a record",
            _ms(costs.record_cost_s(rules)),
            f"by {rules:,} rules; a rule more: {_ms(costs.record_rule_s)}",
        ),
        ("judging a row of a batch", _ms(costs.row_cost_s(rules)), f"a rule more: {_ms(costs.row_rule_s)}"),
        ("submit", _ms(costs.submit_s), f"and {_ms(costs.submit_database_s)} of Postgres"),
        ("a job that comes alone", _ms(costs.alone_s), f"and {_ms(costs.alone_database_s)} of Postgres"),
        ("a further job of a group", _ms(costs.job_s), f"and {_ms(costs.job_database_s)} of Postgres"),
        ("a verdict of a batch", _ms(costs.verdict_s), f"and {_ms(costs.verdict_database_s)} of Postgres"),
    ]


def _farm(plan: CapacityPlan) -> list[tuple[str, str, str]]:
    return [
        ("nodes", f"{plan.nodes}", f"a worker of {plan.processes} for each domain of orders, and one for batches"),
        ("memory of a node's workers", f"{plan.node_bytes / 1e6:,.0f} MB", ""),
        ("Postgres", f"{plan.database_cores} vCPU", f"{plan.connections} connections, {plan.most_connections} at most"),
        ("grows by, a month", f"{plan.month_bytes / 1e9:,.1f} GB", ""),
        ("holds", f"{plan.kept_bytes / 1e9:,.1f} GB", f"with {plan.demand.kept_days} days kept"),
        ("broker", f"{plan.broker_bytes / 1e6:,.0f} MB", "at most"),
    ]


def _times(plan: CapacityPlan) -> list[tuple[str, str, str]]:
    deadline = f"{plan.demand.deadline_s:,.0f} s"
    rates = "; ".join(f"{rate:,.2g}" for rate in plan.rates)
    return [
        ("orders a second: mean, busiest hour, burst", rates, ""),
        ("submit to verdict, median", _spread_ms(plan.p50_s), ""),
        ("99 of 100 within", _spread_ms(plan.p99_s), f"{plan.demand.p99_s * 1e3:,.0f} ms"),
        ("the slowest, when a node dies", _spread_ms(plan.slowest_s), ""),
        ("nightly, beside orders", _spread_s(plan.nightly_s), deadline),
        ("after ten minutes' outage, all done in", _spread_s(plan.drain_s), deadline),
        (f"one server of {plan.server_cores} vCPU, 99 of 100", _spread_ms(plan.server_p99_s), ""),
    ]


def _print_bill(title: str, one: Bill) -> None:
    rows = [(line.what, line.amount, f"{line.usd:,.2f}") for line in one.lines]
    rows += [(what, "", "no price found") for what in one.without_price]
    _print("", [*rows, ("sum", "", f"{one.usd:,.2f}")], (title, "", "USD"), right=(False, False, True))


def _print(title: str, rows: Sequence[Sequence[str]], headers: Sequence[str], *, right: Sequence[bool] = ()) -> None:
    console().print(Line(title))
    print_rows(headers, [[Line(cell) for cell in row] for row in rows], right=right)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms"


def _spread_ms(spread: Spread) -> str:
    return f"{spread.least * 1e3:,.0f} to {spread.most * 1e3:,.0f} ms"


def _spread_s(spread: Spread) -> str:
    return "never" if math.isinf(spread.most) else f"{spread.least:,.1f} to {spread.most:,.1f} s"
