"""Expressions of the naive evaluator: what each node comes to, for some facts and an element of a list."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from unicodedata import normalize

import re2

from engine.functions import FUNCTIONS, invoke
from engine.language import Path, nodes
from tests.engine.naive_values import (
    MAX_TEXT,
    ORDERED,
    arithmetic,
    compare,
    elements,
    ends,
    equal,
    follow,
    from_engine,
    kind,
    text,
    to_engine,
)

QUIET = re2.Options()
QUIET.log_errors = False


class Expressions:
    """The facts, and for each list fact whose elements are being looked at the one at hand."""

    def __init__(
        self, facts: dict[str, Any], as_of: datetime, zone: tzinfo, element: dict[str, Any] | None = None
    ) -> None:
        self.facts = facts
        self.zone = zone
        self.as_of = as_of
        self.element = element or {}

    def value(self, node: Any) -> Any:
        # One method for each kind of node, named after it.
        return getattr(self, type(node).__name__)(node)

    def in_text(self, node: Any) -> Any:
        """As `value`, but null joined to a text is empty, and a text that gets too long is cut."""
        if isinstance(node, nodes.Call) and FUNCTIONS[node.name].result == "text":
            return self.called(node, [self.in_text(arg) for arg in node.args])
        if not isinstance(node, nodes.Arithmetic) or node.op != "+":
            return self.value(node)
        left, right = self.in_text(node.left), self.in_text(node.right)
        if isinstance(left, str) or isinstance(right, str):
            return normalize("NFC", (text(left) + text(right))[:MAX_TEXT])
        return arithmetic("+", left, right)

    def true(self, node: Any) -> bool:
        return self.value(node) is True

    def Literal(self, node: nodes.Literal) -> Any:  # noqa: N802
        return node.value

    def ListLiteral(self, node: nodes.ListLiteral) -> list[Any]:  # noqa: N802
        return [self.value(item) for item in node.items]

    def Path(self, node: Path) -> Any:  # noqa: N802
        return follow((self.element if node.fact in self.element else self.facts).get(node.fact), node.steps)

    def Item(self, node: nodes.Item) -> Any:  # noqa: N802
        whole, key = self.value(node.base), self.value(node.key)
        if isinstance(key, str):
            return follow(whole, (key,))
        if not isinstance(key, Decimal) or key < 0 or key != key.to_integral_value():
            return None
        return follow(whole, (int(key),))

    def And(self, node: nodes.And) -> bool:  # noqa: N802
        return all(self.true(operand) for operand in node.operands)

    def Or(self, node: nodes.Or) -> bool:  # noqa: N802
        return any(self.true(operand) for operand in node.operands)

    def Not(self, node: nodes.Not) -> bool:  # noqa: N802
        return not self.true(node.operand)

    def Negate(self, node: nodes.Negate) -> Any:  # noqa: N802
        value = self.value(node.operand)
        return -value if isinstance(value, Decimal) else None

    def Compare(self, node: nodes.Compare) -> bool:  # noqa: N802
        return compare(node.op, self.value(node.left), self.value(node.right))

    def Arithmetic(self, node: nodes.Arithmetic) -> Any:  # noqa: N802
        return arithmetic(node.op, self.value(node.left), self.value(node.right))

    def Membership(self, node: nodes.Membership) -> bool:  # noqa: N802
        value, items = self.value(node.item), self.value(node.container)
        return isinstance(items, list) and any(equal(value, one) for one in items)

    def TextTest(self, node: nodes.TextTest) -> bool:  # noqa: N802
        whole, part = self.value(node.left), self.value(node.right)
        if isinstance(whole, list) and node.op == "contains":
            return any(equal(part, one) for one in whole)
        if not isinstance(whole, str) or not isinstance(part, str):
            return False
        if node.op == "matches":
            try:
                return re2.search(part, whole, QUIET) is not None
            except (re2.error, UnicodeEncodeError):
                return False
        return {"contains": part in whole, "startsWith": whole.startswith(part), "endsWith": whole.endswith(part)}[
            node.op
        ]

    def Call(self, node: nodes.Call) -> Any:  # noqa: N802
        return self.called(node, [self.value(arg) for arg in node.args])

    def called(self, node: nodes.Call, args: list[Any]) -> Any:
        before: list[Any] = [self.as_of] if node.name in ("Now", "Today") else []
        before += [self.zone] * FUNCTIONS[node.name].zoned
        return from_engine(invoke(FUNCTIONS[node.name], [*before, *map(to_engine, args)]))

    def each(self, fact: str) -> list["Expressions"]:
        found = elements(self.facts.get(fact))
        return [Expressions(self.facts, self.as_of, self.zone, self.element | {fact: one}) for one in found]

    def Bound(self, node: nodes.Bound) -> Any:  # noqa: N802
        return follow(self.element[node.name], node.steps)

    def Pattern(self, node: nodes.Pattern) -> bool:  # noqa: N802
        events = elements(self.facts.get(node.bindings[0].stream))
        there = [binding for binding in node.bindings if not binding.absent]
        absences = [binding for binding in node.bindings if binding.absent]
        about = {one.name: [each for each in node.operands if one.name in bound_names(each)] for one in absences}
        plain = [each for each in node.operands if not any(each in some for some in about.values())]
        return any(
            self.is_match(there, absences, about, plain, events, places)
            for places in itertools.permutations(range(len(events)), len(there))
        )

    def is_match(
        self,
        there: list[nodes.Binding],
        absences: list[nodes.Binding],
        about: dict[str, list[Any]],
        plain: list[Any],
        events: list[Any],
        places: tuple[int, ...],
    ) -> bool:
        """Whether these events, in the order of the bindings, are what a pattern asks for.

        `about` has the operands that are about each absence, `plain` all others."""
        chosen = {binding.name: events[place] for binding, place in zip(there, places, strict=True)}
        others = [event for place, event in enumerate(events) if place not in places]
        bound = Expressions(self.facts, self.as_of, self.zone, self.element | chosen)
        if not all(bound.is_recent(binding) for binding in there):
            return False
        if not all(bound.true(operand) for operand in plain):
            return False
        for absence in absences:
            for event in others:
                one = Expressions(self.facts, self.as_of, self.zone, bound.element | {absence.name: event})
                if one.is_recent(absence) and all(one.true(operand) for operand in about[absence.name]):
                    return False
        return True

    def is_recent(self, binding: nodes.Binding) -> bool:
        if binding.time is None:
            return True
        at = follow(self.element[binding.name], (binding.time[1],))
        now = follow(self.facts.get(binding.time[0]), (binding.time[1],))
        now = now if kind(now) == "date" else self.as_of
        if kind(at) != "date":
            return False
        return timedelta(0) <= ends(now)[0] - ends(at)[0] < timedelta(seconds=binding.window_s)

    def Quantifier(self, node: nodes.Quantifier) -> bool:  # noqa: N802
        answers = [one.true(node.condition) for one in self.each(node.fact)]
        return any(answers) if node.kind == "exists" else all(answers)

    def Aggregate(self, node: nodes.Aggregate) -> Any:  # noqa: N802
        values = [one.value(node.operand) for one in self.each(node.fact)]
        if node.kind == "Count":
            return Decimal(sum(value is True for value in values))
        if isinstance(self.facts.get(node.fact), dict):
            # Only without a schema a fact that is no list stands here: its field is the list, or one value of it.
            if values[0] is None:
                return None
            values = values[0] if isinstance(values[0], list) else values
        values = [value for value in values if value is not None]
        if node.kind == "CountDistinct":
            unlike: list[Any] = []
            for value in values:
                if not any(is_same(value, other) for other in unlike):
                    unlike.append(value)
            return Decimal(len(unlike))
        if node.kind in ("Sum", "Avg"):
            if any(kind(value) != "number" for value in values):
                return None
            total: Any = Decimal(0)
            for value in values:
                total = arithmetic("+", total, value)
            return total if node.kind == "Sum" else arithmetic("/", total, Decimal(len(values)))
        if len({kind(value) for value in values}) != 1 or kind(values[0]) not in ORDERED:
            return None
        key = (lambda one: ends(one)[0]) if kind(values[0]) == "date" else None
        return min(values, key=key) if node.kind == "Min" else max(values, key=key)


def is_same(left: Any, right: Any) -> bool:
    """Whether two values are one: a day and a moment in it are equal, and yet two, also within objects and lists."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return bool(equal(left, right))


def inner(node: Any) -> list[Any]:
    """The nodes right under a node."""
    found = []
    for name in getattr(node, "__slots__", ()):
        value = getattr(node, name)
        found += [one for one in (value if isinstance(value, tuple) else [value]) if isinstance(one, nodes.Node)]
    return found


def bound_names(node: Any) -> set[str]:
    """The bindings that a condition is about."""
    own = {node.name} if isinstance(node, nodes.Bound) else set()
    return own.union(*map(bound_names, inner(node)))


def paths(node: Any, bound: frozenset[str] = frozenset()) -> Iterator[tuple[Path, bool]]:
    """Every path under a node, and whether it is about the element at hand."""
    if isinstance(node, Path):
        yield node, node.fact in bound
    if isinstance(node, nodes.Bound):
        yield Path(node.stream, node.steps), True
    if isinstance(node, nodes.Binding) and node.time is not None:
        yield Path(node.time[0], node.time[1:]), False
        yield Path(node.stream, node.time[1:]), True
    for one in inner(node):
        more = {node.fact} if isinstance(node, nodes.Quantifier | nodes.Aggregate) else set()
        yield from paths(one, bound | more)


def seen(facts: dict[str, Any], path: Path, bound: bool) -> Any:
    """What facts hold at a path; for the element at hand, in every element."""
    value = facts.get(path.fact)
    return [follow(one, path.steps) for one in elements(value)] if bound else follow(value, path.steps)
