"""The rulesets of the demo.  what ships, a seed -> [demo_domains] -> a folder with a folder for each domain

`pricing` as it ships; `shop`, with every rule of every domain; and the rules of pricing once more, dealt out to
domains that hold a part of them each. Publishes nothing."""

import random
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from rulesets.folders import SCHEMA_FILE
from rulesets.loader import SHIPPED, ruleset_files

#: Who checks prices and nothing else, and who judges by every rule.
PRICING, SHOP = "pricing", "shop"
#: The domains that ship and whose facts all come with a job: those of the Procfile.
_SHIPPED_DOMAINS = (PRICING, "promotion", "payment")
#: Facts of further domains, such as a shop of this size has; their rules are made from a seed.
OTHER_FACTS = ("Stock", "Shipment", "Refund", "Supplier", "Campaign", "Store")
_RULES_OF_ANOTHER = 1_000
_FIELDS = tuple(f"value_{number}" for number in range(12))
#: Where the name of a rule stands.
_NAME = re.compile(rb'(\brule |\bRetract\()"')


def write_rulesets(root: Path, *, others: int, parts: int) -> list[str]:
    """Write the domains.

    Args:
        root: a folder that is there.
        others: how many domains the shop has beside those that ship, at most one a fact of `OTHER_FACTS`.
        parts: into how many the rules of pricing are dealt out.

    Returns:
        The domains that hold a part each.
    """
    pricing = ruleset_files(SHIPPED, PRICING)
    _write(root / PRICING, pricing)
    _write(root / SHOP, _shop(others))
    dealt: list[dict[str, bytes]] = [{} for _ in range(parts)]
    rules = {name: content for name, content in pricing.items() if name != SCHEMA_FILE}
    for name in sorted(rules, key=lambda name: -_weight(name, rules[name])):
        # The next largest file to whoever has the fewest rules.
        least = min(dealt, key=lambda files: sum(_weight(*file) for file in files.items()))
        least[name] = rules[name]
    names = [f"pricing-{number}" for number in range(1, parts + 1)]
    for name, files in zip(names, dealt, strict=True):
        _write(root / name, {SCHEMA_FILE: pricing[SCHEMA_FILE], **files})
    return names


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _weight(name: str, content: bytes) -> int:
    """How many rules a file has: a row of a table is one."""
    return len(_NAME.findall(content)) if name.endswith(".grl") else content.count(b"\n")


def _shop(others: int) -> dict[str, bytes]:
    """Every rule of every domain, under names that two domains do not share."""
    files: dict[str, bytes] = {}
    facts: dict[str, Any] = {}
    for domain in _SHIPPED_DOMAINS:
        for name, content in ruleset_files(SHIPPED, domain).items():
            if name == SCHEMA_FILE:
                _join(facts, tomllib.loads(content.decode())["facts"])
            else:
                named = _NAME.sub(rb"\g<0>" + f"{domain} ".encode(), content)
                files[f"{domain}_{name}"] = named if name.endswith(".grl") else content
    for fact in OTHER_FACTS[:others]:
        kinds = {"category": "text", **dict.fromkeys(_FIELDS, "number")}
        facts[fact] = {"fields": {name: {"kind": kind} for name, kind in kinds.items()}}
        files[f"{fact.lower()}.grl"] = _made_up(fact).encode()
    schema = {"subject": "Product", "key": "product_id", "facts": facts}
    return {SCHEMA_FILE: tomli_w.dumps(schema).encode(), **files}


def _join(facts: dict[str, Any], declared: Mapping[str, Any]) -> None:
    """Add the facts that one more domain declares. A job brings those of its own domain, so no other has to come."""
    for fact, declaration in declared.items():
        joined = facts.setdefault(fact, {"fields": {}})
        joined |= {"list": True} if declaration.get("list") else {}
        for name, field in declaration["fields"].items():
            joined["fields"].setdefault(name, {**field, "required": fact == "Product" and "required" in field})


def _made_up(fact: str) -> str:
    """Rules about a fact: each asks for its category and bounds three of its numbers."""
    chance = random.Random(fact)
    rules = []
    for number in range(_RULES_OF_ANOTHER):
        tests = [f'{fact}.category == "category {chance.randrange(10)}"']
        for field in chance.sample(_FIELDS, 3):
            tests.append(f"{fact}.{field} {chance.choice(('<', '>'))} {chance.uniform(5, 95):.2f}")
        rules.append(f'rule "{fact} {number}" {{ when {" && ".join(tests)} then Review("{fact} {number}"); }}')
    return "\n".join(rules) + "\n"
