"""Rules and products of any number, to time judging by.  a seed -> [generated_rules] -> calibrating

A rule asks for a category, one in three for a brand out of five, each for three bounds of twelve numbers: what rules of
prices look like. Nobody judges anything real by them."""

import random
from typing import Any

_NUMBERS = (
    *("price", "cost", "margin", "stock", "weight", "rating", "returns", "views", "age_days", "discount"),
    *("lead_days", "units_sold"),
)
_CATEGORIES, _BRANDS = 10, 200


def rules_text(count: int, seed: int = 1) -> str:
    """So many rules, as GRL.

    Args:
        count: how many.
        seed: the same one gives the same rules.
    """
    chance = random.Random(seed)
    return "".join(_rule(number, chance) for number in range(count))


def _rule(number: int, chance: random.Random) -> str:
    tests = [f'Product.category == "category {chance.randrange(_CATEGORIES)}"']
    if number % 3 == 0:
        brands = ", ".join(f'"brand {brand}"' for brand in chance.sample(range(_BRANDS), 5))
        tests.append(f"Product.brand in [{brands}]")
    tests += [
        f"Product.{name} {chance.choice(('<', '<=', '>', '>='))} {chance.uniform(0, 100):.2f}"
        for name in chance.sample(_NUMBERS, 3)
    ]
    return f'rule "R{number}" {{ when {" && ".join(tests)} then Review("rule {number}"); }}\n'


def products(count: int, seed: int = 2) -> list[dict[str, Any]]:
    """So many products.

    Args:
        count: how many.
        seed: the same one gives the same products.
    """
    chance = random.Random(seed)
    return [
        {
            "category": f"category {chance.randrange(_CATEGORIES)}",
            "brand": f"brand {chance.randrange(_BRANDS)}",
            **{name: round(chance.uniform(0, 100), 2) for name in _NUMBERS},
        }
        for _ in range(count)
    ]
