"""Rules that feed each other: from a shortage to a tax.  [chained] -> suites

Categories with six rules each; what one rule writes, the next one reads. The same is written by hand in Python
twice, as in `bench.baselines`: (a) all sixty conditions in one function, (b) one function for each category. A rule
engine finds the order by itself; who writes by hand has to know it."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from bench.generated import made
from engine import Schema, parse_schema


def categories(count: int) -> tuple[str, ...]:
    """The names of so many categories."""
    return tuple(f"category {number}" for number in range(count))


#: Those of sixty rules.
CATEGORIES = categories(10)

#: What rules write, in the order they write it.
WRITTEN = ("shortage", "quantity", "total", "approval", "discount", "tax")

#: The names of the rules that fired, and the value of each field they wrote.
Judged = tuple[list[str], dict[str, Any]]
Judge = Callable[[Mapping[str, Any]], Judged]


def schema() -> Schema:
    """The fields of an item; a discount may be sent with it, all else that rules write is theirs alone."""
    lines = ['subject = "Item"', 'key = "sku"', "[facts.Item.fields]"]
    lines += [f'{name} = {{ kind = "text" }}' for name in ("sku", "category")]
    lines += [f'{name} = {{ kind = "number" }}' for name in ("stock", "minimum", "price", "discount")]
    lines += [f'{name} = {{ kind = "number", derived = true }}' for name in ("shortage", "quantity", "total", "tax")]
    return parse_schema("\n".join([*lines, 'approval = { kind = "text", derived = true }']))


def make_items(count: int, seed: int = 1, among: Sequence[str] = CATEGORIES) -> list[dict[str, Any]]:
    """Items from a seed; six in ten are short of stock.

    Args:
        count: how many.
        seed: the same seed gives the same items; default 1.
        among: the categories; default ten.
    """
    chance = random.Random(f"items {seed}")
    return [
        {
            "sku": f"I{number:05d}",
            "category": chance.choice(among),
            "stock": chance.randrange(60),
            "minimum": chance.randrange(20, 60),
            "price": round(chance.uniform(1, 90), 2),
            "discount": 0,
        }
        for number in range(count)
    ]


def frame(items: list[dict[str, Any]]) -> pl.DataFrame:
    """The items as columns."""
    return pl.DataFrame(items, infer_schema_length=None)


def grl(among: Sequence[str] = CATEGORIES, *, leading_back: bool = False) -> str:
    """The rules, six a category, those of one last step first: the engine has to find the order.

    Args:
        among: the categories; default ten.
        leading_back: whether each has a seventh that could set what the first one reads; it never fires.
    """
    rules = []
    for number, category in enumerate(among):
        if leading_back:
            when = f'Item.category == "{category}" && Item.tax < 0'
            rules.append(f'rule "recount {number}" salience -9 {{ when {when} then Item.stock = 0; }}')
        for place, (written, test, value) in reversed(list(enumerate(_steps(number)))):
            when = f'Item.category == "{category}" && {_in_grl(test)}'
            review = f' Review("approval {number}");' if written == "approval" else ""
            then = f"Item.{written} = {_in_grl(value)};{review}"
            rules.append(f'rule "{written} {number}" salience {-place} {{ when {when} then {then} }}')
    return "\n".join(rules)


def figures(number: int) -> tuple[int, int, float, float]:
    """What tells the rules of one category from those of another: items of a pack, the total that is approved by a
    manager, twice what a discount is given from, the discount, the tax."""
    number %= len(CATEGORIES)
    return 1 + number % 4, 500 + 100 * number, (5 + number) / 100, (7 + number) / 100


def _steps(number: int) -> list[tuple[str, str, str]]:
    """What each rule of a category writes, when, and what; names of fields in braces."""
    packs, limit, rebate, rate = figures(number)
    return [
        ("shortage", "{stock} < {minimum}", "{minimum} - {stock}"),
        ("quantity", "{shortage} > 0", f"{{shortage}} * {packs}"),
        ("total", "{quantity} > 0", "{quantity} * {price}"),
        ("approval", f"{{total}} > {limit}", '"manager"'),
        ("discount", f"{{total}} > {limit / 2}", f"{{total}} * {rebate}"),
        ("tax", "{total} > 0 && {discount} >= 0", f"({{total}} - {{discount}}) * {rate}"),
    ]


def _in_grl(text: str) -> str:
    return text.replace("{", "Item.").replace("}", "")


def _in_python(text: str) -> str:
    return text.replace("{", "").replace("}", "").replace("&&", "and")


def inlined() -> Judge:
    """(a): one function with sixty conditions, in the order the engine finds."""
    lines = ["def judge(item):", *_locals(), "    category = item['category']"]
    for place in range(len(WRITTEN)):
        for number, category in enumerate(CATEGORIES):
            lines += _branch(number, place, f"category == {category!r} and ")
    lines.append("    return fired, written")
    judge: Judge = made("judge", lines)
    return judge


def specialised(among: Sequence[str] = CATEGORIES) -> Judge:
    """(b): one function for each category.

    Args:
        among: the categories; default ten.
    """
    lines = []
    for number in range(len(among)):
        lines += [f"def judge{number}(item):", *_locals()]
        for place in range(len(WRITTEN)):
            lines += _branch(number, place, "")
        lines.append("    return fired, written")
    lines.append("judges = {" + ", ".join(f"{name!r}: judge{i}" for i, name in enumerate(among)) + "}")
    lines += ["def judge(item):", "    return judges[item['category']](item)"]
    judge: Judge = made("judge", lines)
    return judge


def _locals() -> list[str]:
    given = [f"    {name} = item[{name!r}]" for name in ("stock", "minimum", "price", "discount")]
    # No rule holds for what nobody wrote.
    return ["    fired, written = [], {}", "    shortage = quantity = total = 0", *given]


def _branch(number: int, place: int, guard: str) -> list[str]:
    written, test, value = _steps(number)[place]
    return [
        f"    if {guard}{_in_python(test)}:",
        f"        {written} = written['Item.{written}'] = {_in_python(value)}",
        f"        fired.append('{written} {number}')",
    ]


def comparable(fired: list[str], written: Mapping[str, Any]) -> Judged:
    """A judgement that may be compared: floats differ from the engine's decimals in the last digits.

    Args:
        fired: names of the rules.
        written: `Item.field` to its value.
    """
    rounded = {name: value if isinstance(value, str) else float(f"{value:.12g}") for name, value in written.items()}
    return fired, rounded
