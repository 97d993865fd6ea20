"""Rule engines that match with a network (Rete and its heirs): CLIPS, durable-rules, Drools.  [networks] -> engines

A product is asserted, the rules run, the product is taken out again. Such engines fire in an order of their own; names
are sorted, which is the order of the rules."""

import importlib
import json
import operator
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from bench.workload import NUMBERS, Product, Spec

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DROOLS = {
    "==": "EqualsExpression",
    "<": "LessThanExpression",
    "<=": "LessThanOrEqualToExpression",
    ">": "GreaterThanExpression",
    ">=": "GreaterThanOrEqualToExpression",
}


def clipspy(rules: Sequence[Spec]) -> Callable[[Sequence[Product]], list[list[str]]]:
    """CLIPS: one template, one construct per rule."""
    clips: Any = importlib.import_module("clips")
    environment = clips.Environment()
    slots = " ".join(f"(slot {field})" for field in ("category", "brand", *NUMBERS))
    environment.build(f"(deftemplate product {slots})")
    found: list[str] = []
    environment.define_function(found.append, "hit")
    for rule in rules:
        environment.build(_construct(rule))
    template = environment.find_template("product")

    def judge(products: Sequence[Product]) -> list[list[str]]:
        hits = []
        for product in products:
            found.clear()
            fact = template.assert_fact(**{name: value for name, value in product.items() if name != "sku"})
            environment.run()
            fact.retract()
            hits.append(sorted(found))
        return hits

    return judge


def _construct(rule: Spec) -> str:
    tests: dict[str, list[str]] = {field: [] for field, _, _ in rule.bounds}
    for field, comparison, bound in rule.bounds:
        tests[field].append(f"&:({comparison} ?{field} {bound})")
    if rule.factor is not None:
        tests.setdefault("cost", [])
        tests.setdefault("price", []).append(f"&:(< ?price (* ?cost {rule.factor}))")
    slots = [f'(category "{rule.category}")']
    if rule.brands:
        slots.append("(brand " + "|".join(f'"{brand}"' for brand in rule.brands) + ")")
    # A variable has to be bound before it is used: the price, which is compared with the cost, comes last.
    for field in sorted(tests, key=lambda field: field == "price"):
        slots.append(f"({field} ?{field}{''.join(tests[field])})")
    return f'(defrule {rule.name} (product {" ".join(slots)}) => (hit "{rule.name}"))'


def durable_rules(rules: Sequence[Spec]) -> Callable[[Sequence[Product]], list[list[str]]]:
    """durable-rules: one ruleset; products are facts, because an event is gone after the first rule that takes it."""
    lang: Any = importlib.import_module("durable.lang")
    engine: Any = importlib.import_module("durable.engine")
    found: list[str] = []

    def action(name: str) -> Callable[[Any], None]:
        return lambda _context: found.append(name)

    with lang.ruleset("products"):
        for rule in rules:
            lang.when_all(_durable(rule, lang.m))(action(rule.name))

    def judge(products: Sequence[Product]) -> list[list[str]]:
        hits = []
        for product in products:
            found.clear()
            for step in (lang.assert_fact, lang.retract_fact):
                try:
                    step("products", dict(product))
                except engine.MessageNotHandledException:
                    # It says so of every product that no rule takes.
                    continue
            hits.append(sorted(found))
        return hits

    return judge


def _durable(rule: Spec, fields: Any) -> Any:
    condition = fields.category == rule.category
    if rule.brands:
        condition = condition & reduce(operator.or_, [fields.brand == brand for brand in rule.brands])
    for field, comparison, bound in rule.bounds:
        condition = condition & _COMPARE[comparison](getattr(fields, field), bound)
    if rule.factor is not None:
        condition = condition & (fields.price < fields.cost * rule.factor)
    return condition


def drools(rules: Sequence[Spec]) -> Callable[[Sequence[Product]], list[list[str]]]:
    """Drools in a JVM in this process, products as JSON events.

    Its Python package has no arithmetic in conditions: price over cost comes with the product, divided beforehand.
    """
    found: list[str] = []
    ruleset = drools_ruleset("products", {rule.name: _condition(rule) for rule in rules}, found.append)

    def judge(products: Sequence[Product]) -> list[list[str]]:
        hits = []
        for product in products:
            found.clear()
            ratio = product["price"] / product["cost"] if product["cost"] else 1e300
            ruleset.assert_event(json.dumps({**product, "price_to_cost": ratio}))
            hits.append(sorted(found))
        return hits

    return judge


def drools_ruleset(name: str, conditions: Mapping[str, dict[str, Any]], fires: Callable[[str], None]) -> Any:
    """A ruleset of Drools.

    Args:
        name: of the ruleset.
        conditions: of each rule, by its name.
        fires: is told the name of each rule that fires.
    """
    java = shutil.which("java")
    if java is not None:
        # jpy finds the JVM by this alone.
        os.environ.setdefault("JAVA_HOME", str(Path(java).resolve().parents[1]))
    # Its default is to log everything to standard output.
    os.environ.setdefault("DROOLS_JPY_JVM_LOG", "logFile=System.err,defaultLogLevel=error")
    package: Any = importlib.import_module("drools.ruleset")
    rule_class: Any = importlib.import_module("drools.rule").Rule
    action = {"Action": {"action": "hit", "action_args": {}}}
    rules = [
        {"Rule": {"name": rule, "condition": {"AllCondition": [condition]}, "action": action, "enabled": True}}
        for rule, condition in conditions.items()
    ]
    text = {"name": name, "hosts": ["all"], "sources": [], "match_multiple_rules": True, "rules": rules}
    ruleset = package.Ruleset(name, json.dumps(text))

    def callback(rule: str) -> Callable[[Any], None]:
        return lambda _matches: fires(rule)

    for rule in conditions:
        ruleset.add_rule(rule_class(rule, callback(rule)))
    return ruleset


def _condition(rule: Spec) -> dict[str, Any]:
    tests = [compared("==", "category", {"String": rule.category})]
    if rule.brands:
        brands = [{"String": brand} for brand in rule.brands]
        tests.append({"ItemInListExpression": {"lhs": {"Event": "brand"}, "rhs": brands}})
    tests += [compared(comparison, field, {"Float": bound}) for field, comparison, bound in rule.bounds]
    if rule.factor is not None:
        tests.append(compared("<", "price_to_cost", {"Float": rule.factor}))
    return all_of(tests)


def all_of(tests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Conditions of Drools, all of which have to hold."""
    return reduce(lambda left, right: {"AndExpression": {"lhs": left, "rhs": right}}, tests)


def compared(comparison: str, field: str, value: dict[str, Any]) -> dict[str, Any]:
    """A condition of Drools.

    Args:
        comparison: its sign.
        field: of an event.
        value: a constant.
    """
    return {_DROOLS[comparison]: {"lhs": {"Event": field}, "rhs": value}}
