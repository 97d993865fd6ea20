"""Rule engines that match with a network (Rete and its heirs): CLIPS, durable-rules, Drools.  [networks] -> engines

A product is asserted, the rules run, the product is taken out again. Such engines fire in an order of their own; names
are sorted, which is the order of the rules."""

import importlib
import json
import operator
import os
import shutil
from collections.abc import Callable, Sequence
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
    java = shutil.which("java")
    if java is not None:
        # jpy finds the JVM by this alone.
        os.environ.setdefault("JAVA_HOME", str(Path(java).resolve().parents[1]))
    # Its default is to log everything to standard output.
    os.environ.setdefault("DROOLS_JPY_JVM_LOG", "logFile=System.err,defaultLogLevel=error")
    package: Any = importlib.import_module("drools.ruleset")
    rule_class: Any = importlib.import_module("drools.rule").Rule
    text = {"name": "products", "hosts": ["all"], "sources": [], "match_multiple_rules": True}
    ruleset = package.Ruleset("products", json.dumps({**text, "rules": [_drools(rule) for rule in rules]}))
    found: list[str] = []

    def action(name: str) -> Callable[[Any], None]:
        return lambda _matches: found.append(name)

    for rule in rules:
        ruleset.add_rule(rule_class(rule.name, action(rule.name)))

    def judge(products: Sequence[Product]) -> list[list[str]]:
        hits = []
        for product in products:
            found.clear()
            ratio = product["price"] / product["cost"] if product["cost"] else 1e300
            ruleset.assert_event(json.dumps({**product, "price_to_cost": ratio}))
            hits.append(sorted(found))
        return hits

    return judge


def _drools(rule: Spec) -> dict[str, object]:
    tests = [_compared("==", "category", {"String": rule.category})]
    if rule.brands:
        brands = [{"String": brand} for brand in rule.brands]
        tests.append({"ItemInListExpression": {"lhs": {"Event": "brand"}, "rhs": brands}})
    tests += [_compared(comparison, field, {"Float": bound}) for field, comparison, bound in rule.bounds]
    if rule.factor is not None:
        tests.append(_compared("<", "price_to_cost", {"Float": rule.factor}))
    condition = reduce(lambda left, right: {"AndExpression": {"lhs": left, "rhs": right}}, tests)
    action = {"Action": {"action": "hit", "action_args": {}}}
    return {"Rule": {"name": rule.name, "condition": {"AllCondition": [condition]}, "action": action, "enabled": True}}


def _compared(comparison: str, field: str, value: dict[str, Any]) -> dict[str, Any]:
    return {_DROOLS[comparison]: {"lhs": {"Event": field}, "rhs": value}}
