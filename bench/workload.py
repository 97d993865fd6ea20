"""What is measured: products and rules made from a seed.  [workload] -> baselines, engines, ours

The same seed gives the same rules and products on every machine. A rule is kept as plain data (`Spec`), so that every
contender writes it in its own language; here stands only ours, GRL."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from engine import Schema, parse_schema

#: A product as a dict: field to value.
Product = Mapping[str, Any]

#: The twelve fields that rules bound.
NUMBERS = (
    "price",
    "cost",
    "margin",
    "stock",
    "weight",
    "rating",
    "returns",
    "views",
    "age_days",
    "discount",
    "lead_days",
    "units_sold",
)
#: A product has one of so many categories. With ten, a hundred of a thousand rules are left to test for a product once
#: its category is known; the more there are, the better does dispatch by category do alone.
CATEGORIES = 10
BRANDS = tuple(f"brand {number:03d}" for number in range(200))
OPERATORS = ("<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Spec:
    """One rule, in no language."""

    name: str
    #: The product's category must be this one.
    category: str
    #: The product's brand must be one of these; empty: any brand will do.
    brands: tuple[str, ...]
    #: Field, operator, bound.
    bounds: tuple[tuple[str, str, float], ...]
    #: The price must be under so many times the cost; None: no such test.
    factor: float | None


@dataclass(frozen=True)
class Workload:
    """Rules, and products to judge by them."""

    rules: Sequence[Spec]
    products: Sequence[dict[str, Any]]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The products as columns."""
        return pl.DataFrame(list(self.products), infer_schema_length=None)

    @cached_property
    def grl(self) -> str:
        """The rules in our language."""
        return "\n".join(_grl(rule) for rule in self.rules) + "\n"

    @property
    def schema(self) -> Schema:
        """The kinds of the fields, which a domain that ships states too."""
        return parse_schema(SCHEMA)


#: domain.toml of the products.
SCHEMA = "\n".join(
    [
        'subject = "Product"',
        'key = "sku"',
        "[facts.Product.fields]",
        *(f'{name} = {{ kind = "text" }}' for name in ("sku", "category", "brand")),
        *(f'{name} = {{ kind = "number" }}' for name in NUMBERS),
    ]
)


def make_workload(rules: int, products: int, seed: int = 1, categories: int = CATEGORIES) -> Workload:
    """Rules and products from a seed.

    Args:
        rules: how many; each tests the category and three of the twelve numbers, one in three also five brands, every
            second one also the price against the cost.
        products: how many.
        seed: the same seed gives the same rules, whatever the number of products, and the other way round.
        categories: how many; default 10.

    >>> make_workload(2, 1).rules[0].category == make_workload(1, 5).rules[0].category
    True
    """
    of_rules, of_products = random.Random(f"rules {seed}"), random.Random(f"products {seed}")
    return Workload(
        tuple(_spec(number, categories, of_rules) for number in range(rules)),
        tuple(_product(number, categories, of_products) for number in range(products)),
    )


def _spec(number: int, categories: int, chance: random.Random) -> Spec:
    category = _category(categories, chance)
    brands = tuple(sorted(chance.sample(BRANDS, 5))) if number % 3 == 0 else ()
    bounds = tuple(
        (field, chance.choice(OPERATORS), round(chance.uniform(5, 95), 2)) for field in chance.sample(NUMBERS, 3)
    )
    # Three decimals, the last one odd: a price is then hardly ever exactly the cost times the factor, which floats,
    # the numbers of all other contenders, could not decide.
    factor = (2 * chance.randrange(250, 750) + 1) / 1000 if number % 2 == 0 else None
    return Spec(f"R{number:05d}", category, brands, bounds, factor)


def _product(number: int, categories: int, chance: random.Random) -> dict[str, Any]:
    texts = {"sku": f"P{number:05d}", "category": _category(categories, chance), "brand": chance.choice(BRANDS)}
    return {**texts, **{field: round(chance.uniform(0, 100), 2) for field in NUMBERS}}


def _category(categories: int, chance: random.Random) -> str:
    return f"category {chance.randrange(categories):02d}"


def _grl(rule: Spec) -> str:
    tests = [f'Product.category == "{rule.category}"']
    if rule.brands:
        tests.append("Product.brand in [" + ", ".join(f'"{brand}"' for brand in rule.brands) + "]")
    tests += [f"Product.{field} {operator} {bound}" for field, operator, bound in rule.bounds]
    if rule.factor is not None:
        tests.append(f"Product.price < Product.cost * {rule.factor}")
    return f'rule "{rule.name}" {{ when {" && ".join(tests)} then Review("{rule.name}"); }}'
