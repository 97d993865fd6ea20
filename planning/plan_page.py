"""A plan as one page with plots, which needs no network.  capacity, advice -> [plan_page] -> HTML

Plots are SVG by pygal, in the page itself; its script, which would be fetched, is left out. All text is escaped."""

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Any

import pygal

from planning.advice import advice, promises
from planning.capacity import CapacityPlan

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A farm, planned</title><style>'
    "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}"
    ".plots{display:flex;flex-wrap:wrap}.plots>*{width:48%;min-width:20rem}</style></head><body>"
)


def plan_page(plan: CapacityPlan, today: date) -> str:
    """The page.

    Args:
        plan: what was found.
        today: the day that the age of prices is counted to.
    """
    demand, costs = plan.demand, plan.calibration
    ages = [
        (one.what, one.name, f"{one.usd:g} / {one.per}", f"{(today - one.dated).days} days", one.source)
        for one in plan.prices
    ]
    farm = (
        f"{plan.nodes} nodes in each of {demand.regions} regions, {plan.processes} processes a domain and node; "
        f"Postgres of {plan.database_cores} vCPU with {plan.connections} connections; {plan.kept_bytes / 1e9:,.1f} GB "
        f"with {demand.kept_days} days kept; a broker of {plan.broker_bytes / 1e6:,.0f} MB."
    )
    return "".join(
        (
            _HEAD,
            f"<h1>{demand.orders_per_day:,.0f} orders a day, {demand.products:,} products a night</h1>",
            *(f"<p><strong>{escape(sentence)}</strong></p>" for sentence in advice(plan)),
            f"<p>{escape(farm)}</p>",
            '<div class="plots">',
            *(f"<figure>{plot}</figure>" for plot in (_times(plan), _bills(plan), _growth(plan), _work(plan))),
            "</div>",
            _table(("promised once", "as", "comes to"), promises(plan)),
            _table(("price", "of", "USD", "age", "source"), ages),
            f"<p>Measured on {escape(costs.machine)}, {escape(costs.measured_at)}.</p></body></html>\n",
        )
    )


def _times(plan: CapacityPlan) -> str:
    spreads = {"median": plan.p50_s, "99 of 100": plan.p99_s, "one server, 99 of 100": plan.server_p99_s}
    chart = _chart(pygal.Bar, "from submit to verdict, ms", list(spreads))
    chart.add("least of the runs", [round(spread.least * 1e3, 1) for spread in spreads.values()])
    chart.add("most of the runs", [round(spread.most * 1e3, 1) for spread in spreads.values()])
    return _svg(chart)


def _bills(plan: CapacityPlan) -> str:
    chart = _chart(pygal.StackedBar, "a month, USD", ["the farm", f"one server of {plan.server_cores} vCPU"])
    both = [{line.what: round(line.usd, 2) for line in one.lines} for one in (plan.farm_bill, plan.server_bill)]
    for what in both[0] | both[1]:
        chart.add(what, [one.get(what) for one in both])
    return _svg(chart)


def _growth(plan: CapacityPlan) -> str:
    months = range(13)
    chart = _chart(pygal.Line, "the database, GB", [f"{month}" for month in months], x_title="months")
    grown = [plan.month_bytes * month / 1e9 for month in months]
    chart.add("everything kept", [round(each, 2) for each in grown])
    chart.add(f"{plan.demand.kept_days} days kept", [round(min(each, plan.kept_bytes / 1e9), 2) for each in grown])
    return _svg(chart)


def _work(plan: CapacityPlan) -> str:
    costs, rules = plan.calibration, plan.demand.rules
    worker = {
        "submit": (costs.submit_s, costs.submit_database_s),
        "a job alone": (costs.alone_s + costs.record_cost_s(rules), costs.alone_database_s),
        "one of a group": (costs.job_s + costs.record_cost_s(rules), costs.job_database_s),
        "a row of a batch": (costs.verdict_s + costs.row_cost_s(rules), costs.verdict_database_s),
    }
    chart = _chart(pygal.StackedBar, "CPU, ms", list(worker))
    chart.add("producer or worker", [round(mine * 1e3, 3) for mine, _ in worker.values()])
    chart.add("Postgres", [round(its * 1e3, 3) for _, its in worker.values()])
    return _svg(chart)


def _chart(kind: Any, title: str, labels: Sequence[str], **more: Any) -> Any:
    # No script: pygal's own would be fetched from its makers.
    chart = kind(title=title, js=[], disable_xml_declaration=True, legend_at_bottom=True, height=400, **more)
    chart.x_labels = labels
    return chart


def _svg(chart: Any) -> str:
    return str(chart.render(is_unicode=True))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
