"""Which ways of writing rules are fast: the same number of rules, each set written in one way.  timing -> [ways]

`python -m bench rules` prints what a record and a row of a chunk take, and how many times as long as the first way. A
few of two hundred rules hold for an order, in whatever way they are written, so that what differs is how they are
found. The table of docs/fast-rules.md is a run of it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click
import polars as pl

from bench import report
from bench.ours import by_chunk, by_record
from bench.timing import Contender, ReportRow, Sample, check, race
from engine import Program, compile_ruleset, parse_schema

#: Rules of a set.
RULES = 200
#: Lines of an order.
_LINES = 8
#: Rows of a chunk, and records.
_ROWS = 1_000

_SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
category = { kind = "text" }
name = { kind = "text" }
price = { kind = "number" }
cost = { kind = "number" }
fee = { kind = "number" }
level = { kind = "number", derived = true }
band = { kind = "text", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
sku = { kind = "text" }
amount = { kind = "number" }
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A way of writing a rule."""

    #: In the words of the page.
    name: str
    #: The condition of the rule of a number.
    when: Callable[[int], str]
    #: What it does then.
    then: Callable[[int], str] = lambda number: f'Review("{number}");'
    #: Whether it asks for the lines of an order.
    lines: bool = False

    def grl(self) -> str:
        """The text of the rules."""
        return "\n".join(
            f'rule "{number}" {{ when {self.when(number)} then {self.then(number)} }}' for number in range(RULES)
        )


def _own(number: int, test: str) -> str:
    """A test within the category of a rule."""
    return f'Order.category == "c{number % 10}" && {test}'


def _range(field: str, number: int, width: int) -> str:
    start = 5 * number
    return f"{field} >= {start} && {field} < {start + width}"


def _texts(number: int) -> str:
    return ", ".join(f'"n{(number + more) % 1_000}"' for more in range(10))


#: The condition, and the actions, of a rule that sets a field, and of one that reads it.
_STEPS = (lambda n: _own(n, _range("Order.price", n, 100)), lambda n: _own(n, f"Order.level > {400 * (n % 7)}"))
_SETS = (lambda n: f"Order.level = Order.price * {1 + n % 3};", lambda n: f'Review("{n}");')

#: The first one is what the others are compared with.
WAYS = (
    Way("category and an amount in a range", lambda n: _own(n, _range("Order.price", n, 100))),
    Way("an amount in a range", lambda n: _range("Order.price", n, 10)),
    Way("one of ten texts", lambda n: f"Order.name in [{_texts(n)}]"),
    Way("a factor between two fields", lambda n: _own(n, f"Order.price < Order.cost * 0.{n:03d}1")),
    Way("one field against another", lambda n: _own(n, f"Order.price < Order.fee && {_range('Order.fee', n, 200)}")),
    Way("a sum of fields", lambda n: _own(n, f"Order.price + Order.cost + Order.fee < {800 + n}")),
    Way("a text within a text", lambda n: _own(n, f'Order.name contains "{n % 100}"')),
    Way("a pattern", lambda n: _own(n, f'Order.name matches "^n.*{n % 40}$"')),
    Way("a function", lambda n: _own(n, f"Abs(Order.price - Order.cost) < {50 + n % 50}")),
    Way("a function, no category before it", lambda n: f"Abs(Order.price - Order.cost - {n}) < 5"),
    Way("ten alternatives", lambda n: " || ".join(f"({_own(n + k, _range('Order.price', n, 10))})" for k in range(10))),
    Way("a reason that is computed", lambda n: _own(n, _range("Order.price", n, 100)), lambda n: "Review(Order.name);"),
    Way("a field is set", lambda n: _own(n, _range("Order.price", n, 100)), lambda n: f'Order.band = "b{n}";'),
    Way(
        "a field is set, and read by the next rule",
        lambda n: _STEPS[n % 20 >= 10](n),
        lambda n: _SETS[n % 20 >= 10](n),
    ),
    Way(
        "the same, and rules that could begin again",
        lambda n: _own(n, "Order.level < 0") if n % 20 == 19 else _STEPS[n % 20 >= 10](n),
        lambda n: f"Order.price = {n};" if n % 20 == 19 else _SETS[n % 20 >= 10](n),
    ),
    Way("some line is so", lambda n: f'exists(Line.sku == "s{n}" && Line.amount > 100)', lines=True),
    Way("the sum of the lines", lambda n: _range("Sum(Line.amount)", 4 * n, 40), lines=True),
    Way("lines against the order", lambda n: f"exists(Line.amount > Order.price + {900 + n % 90})", lines=True),
    Way("a line by its place", lambda n: _range("Line[0].amount", n, 10), lines=True),
)


def make_orders(count: int) -> list[dict[str, Any]]:
    """Orders with their lines, from a seed."""
    chance = random.Random("ways")
    return [
        {
            "Order": {
                "id": f"o{number}",
                "category": f"c{chance.randrange(10)}",
                "name": f"n{chance.randrange(1_000)}",
                **{name: round(chance.uniform(0, 1_000), 2) for name in ("price", "cost", "fee")},
            },
            "Line": [
                {"sku": f"s{chance.randrange(1_000)}", "amount": round(chance.uniform(0, 1_000), 2)}
                for _ in range(_LINES)
            ],
        }
        for number in range(count)
    ]


def compiled(way: Way) -> Program:
    """The rules of a way."""
    return compile_ruleset({"ways.grl": way.grl()}, parse_schema(_SCHEMA))


def measured(count: int, rounds: int) -> list[ReportRow]:
    """What CPU each way takes.

    Args:
        count: orders.
        rounds: how often each is timed.
    """
    whole = make_orders(count)
    alone = [{"Order": order["Order"]} for order in whole]
    frames = {True: pl.DataFrame(whole), False: pl.DataFrame([order["Order"] for order in alone])}
    records, chunks = [], []
    for way in WAYS:
        program, facts, frame = compiled(way), whole if way.lines else alone, frames[way.lines]
        fact = None if way.lines else "Order"
        check(way.name, by_chunk(program, [frame], fact), by_record(program, facts))
        records.append(Contender(way.name, lambda p=program, f=facts: by_record(p, f), count))  # type: ignore[misc]
        chunks.append(
            Contender(way.name, lambda p=program, f=frame, of=fact: by_chunk(p, [f], of), count)  # type: ignore[misc]
        )
    rows = []
    for section, contenders in ((f"one record, {RULES} rules", records), (f"a row of a chunk of {count:,}", chunks)):
        samples = race(contenders, rounds, time.process_time)
        first = samples[WAYS[0].name]
        rows += [
            ReportRow(section, name, Sample(tuple(value * 1e6 for value in one.values)), "µs", one.over(first))
            for name, one in samples.items()
        ]
    return rows


@click.command("rules")
@click.option("--quick", is_flag=True, help="One round of few orders: whether it works.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
def command(quick: bool, markdown: bool) -> None:
    """Time the ways of writing rules beside each other."""
    rows = measured(*((60, 1) if quick else (_ROWS, 5)))
    if markdown:
        print(report.markdown(rows))
        return
    print(report.header("x the first"))
    print(report.section(rows))
