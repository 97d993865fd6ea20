"""What a plan means, in plain words.  capacity -> [advice] -> cli, plan_page

Says when a farm is not worth it, and which promises of old the figures do not bear out. Measures nothing."""

import math
from collections.abc import Iterator
from datetime import date

from planning.capacity import CapacityPlan

#: Of one node; a load below it is no reason for several.
_LITTLE = 0.05
#: Days after which a price is to be looked up again.
_OLD_DAYS = 180
#: What the project's first page promised of three specialised nodes: how many times as fast, milliseconds of a check
#: with and without them, and how much more it costs.
PROMISED_TIMES, PROMISED_MS, PROMISED_MS_BEFORE, PROMISED_MORE = 3.0, 100.0, 2_000.0, 0.10


def advice(plan: CapacityPlan) -> list[str]:
    """Sentences, the most important first."""
    return [*_worth(plan), *_missed(plan), *_unpriced(plan)]


def promises(plan: CapacityPlan) -> list[tuple[str, str, str]]:
    """Each promise of old, what it was, and what it comes to here."""
    record_ms = plan.calibration.record_cost_s(plan.demand.rules) * 1e3
    more = _more(plan)
    return [
        ("three nodes, beside one", f"{PROMISED_TIMES:g} x", f"{plan.three_nodes:.1f} x, on one Postgres"),
        (
            "a check of one product",
            f"{PROMISED_MS:g} ms, not {PROMISED_MS_BEFORE:,.0f}",
            f"{record_ms:.2g} ms of judging by {plan.demand.rules:,} rules, {record_ms * plan.third_of_rules:.2g} by "
            f"three times as many; {plan.p50_s.most * 1e3:.0f} ms from submit to the verdict on record",
        ),
        (
            "cost, beside one large server",
            f"{PROMISED_MORE:.0%} more",
            "no price for a node" if more is None else f"{more:+.0%}",
        ),
    ]


def _worth(plan: CapacityPlan) -> Iterator[str]:
    rate, share = plan.rates[0], plan.used_share
    yield (
        f"{plan.demand.orders_per_day:,.0f} orders a day are {rate:.2g} a second, {share:.2g} of what one node of two "
        f"cores can judge ({plan.node_rate:,.0f} a second)."
        if share >= 1
        else f"{plan.demand.orders_per_day:,.0f} orders a day are {rate:.2g} a second, {share:.2%} of what one node of "
        f"two cores can judge ({plan.node_rate:,.0f} a second)."
    )
    more = _more(plan)
    price = "" if more is None else f"; it costs {more:+.0%} beside one server of {plan.server_cores} vCPU"
    if share < _LITTLE:
        yield (
            f"A farm is not worth it for speed: one server with 'rulefarm up' does all of this. What {plan.nodes} "
            f"nodes buy is that one of them may die{price}."
        )
    else:
        yield f"{plan.nodes} nodes carry the load, and one of them may die{price}."


def _missed(plan: CapacityPlan) -> Iterator[str]:
    if plan.alone_s[1] > plan.demand.p99_s:
        yield (
            f"99 of 100 within {plan.demand.p99_s * 1e3:.0f} ms can't be kept here by any number of nodes: a job with "
            f"nothing beside it takes {plan.alone_s[1] * 1e3:.0f} ms, for broker and commit."
        )
    elif not plan.keeps_its_times:
        yield "No farm that was tried keeps the times that were asked for; the largest is shown."
    if math.isinf(plan.drain_s.most):
        yield "What an outage of ten minutes leaves is never done: the farm is too small to catch up."


def _unpriced(plan: CapacityPlan) -> Iterator[str]:
    for name, one in (("the farm", plan.farm_bill), ("the server", plan.server_bill)):
        if one.without_price:
            yield f"The sum of {name} leaves out what no price was found for: {', '.join(one.without_price)}."


def old_prices(plan: CapacityPlan, today: date) -> list[str]:
    """Names of the prices that are to be looked up again.

    Args:
        plan: with its prices.
        today: the day that their age is counted to.
    """
    return [price.name for price in plan.prices if (today - price.dated).days > _OLD_DAYS]


def _more(plan: CapacityPlan) -> float | None:
    """How much more the farm costs than one server; None: one of them has no price."""
    if "node" in plan.farm_bill.without_price or not plan.server_bill.usd:
        return None
    return plan.farm_bill.usd / plan.server_bill.usd - 1
