"""What each part of a condition came to.  nodes, slots -> [findings] -> explain

A condition is taken apart at its `&&`, `||` and `!`; what is left are its leaves, and each tells what it saw and
whether it held. Nothing is skipped, unlike in the cycle, which stops as soon as it knows. For explaining, too slow for
judging."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.evaluation import Compute, Expressions, json_value
from engine.facts import SlotLayout, Slots, get_path, reads
from engine.language import (
    Aggregate,
    And,
    Expression,
    ListLiteral,
    Literal,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    children,
    print_expression,
)
from engine.language import walk as nodes_of
from engine.values import to_python


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One part of a condition, and what it came to."""

    #: `all` and `any` of its parts, `not` its one part, or a `leaf`, which has no parts.
    kind: typing.Literal["all", "any", "not", "leaf"]
    #: The part as canonical GRL.
    text: str
    holds: bool
    #: What a leaf saw: expression to its value; that of a path within a list is the list of the elements' values.
    seen: dict[str, Any]
    parts: tuple["ConditionTrace", ...] = ()

    @property
    def leaves(self) -> Iterator["ConditionTrace"]:
        """The leaves below it, left to right."""
        if self.kind == "leaf":
            yield self
        for part in self.parts:
            yield from part.leaves

    def to_json(self) -> dict[str, Any]:
        """The finding as plain data: leaves with what they saw, the rest with its parts."""
        document: dict[str, Any] = {"kind": self.kind, "text": self.text, "holds": self.holds}
        if self.kind == "leaf":
            return document | {"seen": {name: json_value(value) for name, value in self.seen.items()}}
        return document | {"parts": [part.to_json() for part in self.parts]}


#: Looks at a condition in slots.
Tracer = Callable[[Slots], ConditionTrace]


class Findings:
    """Compiles looks at conditions, for one layout."""

    def __init__(self, layout: SlotLayout) -> None:
        """Prepare; slots have to be taken after the last look was compiled."""
        self._layout = layout
        self._expressions = Expressions(layout)

    def look(self, node: Expression) -> Tracer:
        """A callable that says what a condition and each of its parts come to."""
        text = print_expression(node)
        match node:
            case And(operands):
                every = [self.look(operand) for operand in operands]
                return lambda slots: _joined("all", text, [part(slots) for part in every])
            case Or(operands):
                some = [self.look(operand) for operand in operands]
                return lambda slots: _joined("any", text, [part(slots) for part in some])
            case Not(operand):
                negated = self.look(operand)
                return lambda slots: _joined("not", text, [negated(slots)])
            case Pattern():
                return self._pattern(node, text)
        test = self._expressions.truth_of(node)
        eyes = list({print_expression(shown): compute for shown, compute in self._shown(node)}.items())
        return lambda slots: ConditionTrace(
            "leaf", text, test(slots), {name: to_python(see(slots)) for name, see in eyes}
        )

    def _pattern(self, pattern: Pattern, text: str) -> Tracer:
        """A look that shows the events of the first witness; of a pattern that does not hold, how many there were."""
        matcher = self._expressions.matcher(pattern)
        names = [binding.name for binding in pattern.bindings if not binding.absent]
        stream = pattern.bindings[0].stream
        count = Aggregate("Count", stream, Literal(True))
        counted = self._expressions.value_of(count)
        fields = {path: self._expressions.value_of(path) for path, role in reads(pattern) if role == "field"}

        def look(slots: Slots) -> ConditionTrace:
            found = matcher.witness(slots)
            seen = dict(zip(names, found, strict=True)) if found is not None else {}
            seen[print_expression(count)] = counted(slots)
            seen |= {print_expression(path): see(slots) for path, see in fields.items()}
            return ConditionTrace(
                "leaf", text, found is not None, {name: to_python(value) for name, value in seen.items()}
            )

        return look

    def _shown(self, leaf: Expression) -> Iterator[tuple[Expression, Compute]]:
        """What a reader wants to know of a leaf: its operands, then the fields that they are made of."""
        if isinstance(leaf, Quantifier):
            count = Aggregate("Count", leaf.fact, leaf.condition)
            yield count, self._expressions.value_of(count)
        elif not isinstance(leaf, Path):
            for operand in children(leaf) if not isinstance(leaf, Aggregate) else ():
                if not all(isinstance(node, Literal | ListLiteral) for node in nodes_of(operand)):
                    yield operand, self._expressions.value_of(operand)
        for path, role in reads(leaf):
            if role == "field":
                yield path, self._expressions.value_of(path)
            elif role == "element":
                yield path, self._column(path)

    def _column(self, path: Path) -> Compute:
        slot = self._layout.slot(path.fact)

        def column(slots: Slots) -> tuple[Any, ...]:
            elements = slots[slot]
            if elements.__class__ is dict:
                elements = (elements,)
            return tuple([get_path(element, path.steps) for element in elements or ()])

        return column


def _joined(kind: typing.Literal["all", "any", "not"], text: str, parts: list[ConditionTrace]) -> ConditionTrace:
    truths = [part.holds for part in parts]
    holds = all(truths) if kind == "all" else any(truths) if kind == "any" else not truths[0]
    return ConditionTrace(kind, text, holds, {}, tuple(parts))
