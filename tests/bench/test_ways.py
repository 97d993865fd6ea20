"""The ways of writing rules that are timed beside each other: a few rules hold, and a chunk means the same."""

import polars as pl
import pytest

from bench.ours import AS_OF, by_chunk, by_record
from bench.ways import RULES, WAYS, Way, compiled, make_orders

ORDERS = make_orders(150)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_few_rules_of_every_way_hold_for_an_order(way: Way) -> None:
    program = compiled(way)
    assert len(program.rules) == RULES
    facts = ORDERS if way.lines else [{"Order": order["Order"]} for order in ORDERS]
    fired = by_record(program, facts)
    assert 0.5 < sum(map(len, fired)) / len(facts) < 8
    frame = pl.DataFrame(facts) if way.lines else pl.DataFrame([each["Order"] for each in facts])
    assert by_chunk(program, [frame], None if way.lines else "Order") == fired
    assert "error" not in {program.evaluate(each, as_of=AS_OF).outcome for each in facts[:20]}
