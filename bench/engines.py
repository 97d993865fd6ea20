"""Other rule engines, where they are installed.  workload -> [engines, networks] -> timing

Each is used as its manual says, with all rules in one ruleset and no dispatch by hand, and gives the names of the rules
that hold. Those here evaluate expressions; those that match with a network are in `bench.networks`. None of them is
needed: the extra `bench` installs them, and what is not there is left out of the table by name."""

import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from bench.networks import clipspy, drools, durable_rules
from bench.workload import NUMBERS, Product, Spec

#: Judges products: the names of the rules that hold, for each of them.
Judge = Callable[[Sequence[Product]], list[list[str]]]


@dataclass(frozen=True, slots=True)
class Installable:
    """An engine that may be installed."""

    name: str
    #: What it can't do without.
    module: str
    #: Takes the rules, gives the judge.
    prepare: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Absent:
    """An engine that can't be timed here, and why."""

    name: str
    reason: str


def installed(rules: Sequence[Spec]) -> tuple[dict[str, Judge], list[Absent]]:
    """Prepare every engine that there is.

    Args:
        rules: for each of them.

    Returns:
        Judges by name, and who is missing.
    """
    return prepared(ENGINES, rules)


def prepared(engines: Sequence[Installable], rules: Any) -> tuple[dict[str, Any], list[Absent]]:
    """Prepare those engines that there are.

    Args:
        engines: any.
        rules: for each of them.

    Returns:
        As of `installed`.
    """
    ready: dict[str, Any] = {}
    absent: list[Absent] = []
    for engine in engines:
        try:
            importlib.import_module(engine.module)
        except ImportError as error:
            absent.append(Absent(engine.name, f"not installed ({error})"))
            continue
        try:
            ready[engine.name] = engine.prepare(rules)
        except (ImportError, OSError, RuntimeError) as error:
            # It is installed, and lacks what it runs on: a JVM, say.
            absent.append(Absent(engine.name, f"does not start here ({error})"))
    return ready, absent


def zen_table(rules: Sequence[Spec]) -> Judge:
    """One decision table, a row per rule, hit policy collect, loaded once."""
    zen: Any = importlib.import_module("zen")
    fields = ("category", "brand", *NUMBERS)
    blank = dict.fromkeys((*fields, "whole"), "")
    rows = []
    for rule in rules:
        cells = {"category": json.dumps(rule.category), "brand": ", ".join(map(json.dumps, rule.brands))}
        cells |= {field: f"{operator} {bound}" for field, operator, bound in rule.bounds}
        if rule.factor is not None:
            cells["whole"] = f"price < cost * {rule.factor}"
        rows.append({"_id": rule.name, **blank, **cells, "rule": json.dumps(rule.name)})
    inputs = [{"id": field, "name": field, "field": field} for field in fields]
    table = {
        "hitPolicy": "collect",
        "inputs": [*inputs, {"id": "whole", "name": "whole", "field": ""}],
        "outputs": [{"id": "rule", "name": "rule", "field": "rule"}],
        "rules": rows,
    }
    graph = {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            _node("in", "inputNode", {}),
            _node("table", "decisionTableNode", table),
            _node("out", "outputNode", {}),
        ],
        "edges": [
            {"id": "first", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "second", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"rules": graph}}})

    def judge(products: Sequence[Product]) -> list[list[str]]:
        results = [engine.evaluate("rules", product)["result"] for product in products]
        return [[row["rule"] for row in result] for result in results]

    return judge


def _node(name: str, kind: str, content: object) -> dict[str, object]:
    return {"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}, "content": content}


def zen_expression(rules: Sequence[Spec]) -> Judge:
    """One compiled expression: an array of all conditions."""
    zen: Any = importlib.import_module("zen")
    expression = zen.compile_expression("[" + ", ".join(_infix(rule) for rule in rules) + "]")
    names = [rule.name for rule in rules]

    def judge(products: Sequence[Product]) -> list[list[str]]:
        return [list(compress(names, expression.evaluate(product))) for product in products]

    return judge


def datalogic(rules: Sequence[Spec]) -> Judge:
    """One compiled JSONLogic rule: an array of all conditions, evaluated in a session."""
    datalogic_py: Any = importlib.import_module("datalogic_py")
    engine = datalogic_py.Engine()
    compiled = engine.compile([_json_logic(rule) for rule in rules])
    session = engine.session()
    names = [rule.name for rule in rules]

    def judge(products: Sequence[Product]) -> list[list[str]]:
        return [list(compress(names, session.evaluate(compiled, product))) for product in products]

    return judge


def _json_logic(rule: Spec) -> dict[str, object]:
    tests: list[dict[str, object]] = [{"==": [{"var": "category"}, rule.category]}]
    if rule.brands:
        tests.append({"in": [{"var": "brand"}, list(rule.brands)]})
    tests += [{operator: [{"var": field}, bound]} for field, operator, bound in rule.bounds]
    if rule.factor is not None:
        tests.append({"<": [{"var": "price"}, {"*": [{"var": "cost"}, rule.factor]}]})
    return {"and": tests}


def rule_engine(rules: Sequence[Spec]) -> Judge:
    """One rule object each, the kinds of the fields told."""
    package: Any = importlib.import_module("rule_engine")
    kinds = dict.fromkeys(("category", "brand"), package.DataType.STRING)
    kinds |= dict.fromkeys(NUMBERS, package.DataType.FLOAT)
    context = package.Context(type_resolver=package.type_resolver_from_dict(kinds))
    ready = [(rule.name, package.Rule(_infix(rule), context=context).matches) for rule in rules]

    def judge(products: Sequence[Product]) -> list[list[str]]:
        return [[name for name, matches in ready if matches(product)] for product in products]

    return judge


def _infix(rule: Spec) -> str:
    """The condition in the words that zen and rule-engine share."""
    tests = [f"category == {json.dumps(rule.category)}"]
    if rule.brands:
        tests.append(f"brand in {json.dumps(rule.brands)}")
    tests += [f"{field} {operator} {bound}" for field, operator, bound in rule.bounds]
    if rule.factor is not None:
        tests.append(f"price < cost * {rule.factor}")
    return " and ".join(tests)


#: In the order of the table.
ENGINES = (
    Installable("zen-engine, table", "zen", zen_table),
    Installable("zen-engine, expression", "zen", zen_expression),
    Installable("datalogic-py", "datalogic_py", datalogic),
    Installable("clipspy", "clips", clipspy),
    Installable("durable-rules", "durable", durable_rules),
    Installable("Drools (drools-jpy)", "drools.ruleset", drools),
    Installable("rule-engine", "rule_engine", rule_engine),
)
