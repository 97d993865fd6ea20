"""What each part of a condition comes to, for given slots.

Takes the condition of a rule and the layout of its slots, gives a `Tracer`: a callable from slots to a
`ConditionTrace`. A condition is taken apart at its `&&`, `||` and `!`; what is left are its leaves, and each records
the values that it read and whether it holds. Skips nothing, unlike the cycle, which stops as soon as the truth is
certain: made for explaining, too slow for judging."""

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
    walk,
)
from engine.values import to_python


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One part of a condition, and what it came to."""

    #: `all` and `any` of its parts, `not` its one part, or a `leaf`, which has no parts.
    kind: typing.Literal["all", "any", "not", "leaf"]
    #: The part as canonical GRL.
    text: str
    holds: bool
    #: What a leaf read: expression to its value; that of a path within a list is the list of the elements' values.
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
        """The trace as plain data: leaves with what they read, the rest with its parts."""
        document: dict[str, Any] = {"kind": self.kind, "text": self.text, "holds": self.holds}
        if self.kind == "leaf":
            return document | {"seen": {name: json_value(value) for name, value in self.seen.items()}}
        return document | {"parts": [part.to_json() for part in self.parts]}


#: Traces a condition for given slots.
Tracer = Callable[[Slots], ConditionTrace]


class TraceCompiler:
    """Compiles conditions to tracers, for one layout."""

    def __init__(self, layout: SlotLayout) -> None:
        """Prepare.

        Args:
            layout: of a program that has these conditions: every slot that a tracer reads is in it already.
        """
        self._layout = layout
        self._expressions = Expressions(layout)

    def compile(self, condition: Expression) -> Tracer:
        """A callable that says what a condition and each of its parts come to."""
        text = print_expression(condition)
        match condition:
            case And(operands):
                every = [self.compile(operand) for operand in operands]
                return lambda slots: _joined("all", text, [part(slots) for part in every])
            case Or(operands):
                some = [self.compile(operand) for operand in operands]
                return lambda slots: _joined("any", text, [part(slots) for part in some])
            case Not(operand):
                negated = self.compile(operand)
                return lambda slots: _joined("not", text, [negated(slots)])
            case Pattern():
                return self._pattern(condition, text)
        test = self._expressions.truth_of(condition)
        operands_of = list({print_expression(node): compute for node, compute in self._operands(condition)}.items())
        return lambda slots: ConditionTrace(
            "leaf", text, test(slots), {name: to_python(compute(slots)) for name, compute in operands_of}
        )

    def _pattern(self, pattern: Pattern, text: str) -> Tracer:
        """A tracer that gives the events of the first match; of a pattern that does not hold, how many there were."""
        matcher = self._expressions.matcher(pattern)
        names = [binding.name for binding in pattern.bindings if not binding.absent]
        count = Aggregate("Count", pattern.bindings[0].stream, Literal(True))
        number_of_events = self._expressions.value_of(count)
        fields = {path: self._expressions.value_of(path) for path, role in reads(pattern) if role == "field"}

        def trace(slots: Slots) -> ConditionTrace:
            events = matcher.witness(slots)
            seen = dict(zip(names, events, strict=True)) if events is not None else {}
            seen[print_expression(count)] = number_of_events(slots)
            seen |= {print_expression(path): compute(slots) for path, compute in fields.items()}
            return ConditionTrace(
                "leaf", text, events is not None, {name: to_python(value) for name, value in seen.items()}
            )

        return trace

    def _operands(self, leaf: Expression) -> Iterator[tuple[Expression, Compute]]:
        """What a reader of a leaf asks for: the values of its operands, then those of the fields that they read."""
        if isinstance(leaf, Quantifier):
            count = Aggregate("Count", leaf.fact, leaf.condition)
            yield count, self._expressions.value_of(count)
        elif not isinstance(leaf, Path):
            for operand in children(leaf) if not isinstance(leaf, Aggregate) else ():
                if not all(isinstance(node, Literal | ListLiteral) for node in walk(operand)):
                    yield operand, self._expressions.value_of(operand)
        for path, role in reads(leaf):
            if role == "field":
                yield path, self._expressions.value_of(path)
            elif role == "element":
                yield path, self._column(path)

    def _column(self, path: Path) -> Compute:
        """The values of a path in all elements of a list fact."""
        slot = self._layout.slot(path.fact)

        def column(slots: Slots) -> tuple[Any, ...]:
            value = slots[slot]
            # As the evaluation has it: one object is a list of one, and what is neither has no elements.
            elements = value if value.__class__ is tuple else (value,) if value.__class__ is dict else ()
            return tuple([get_path(element, path.steps) for element in elements])

        return column


def _joined(kind: typing.Literal["all", "any", "not"], text: str, parts: list[ConditionTrace]) -> ConditionTrace:
    truths = [part.holds for part in parts]
    holds = all(truths) if kind == "all" else any(truths) if kind == "any" else not truths[0]
    return ConditionTrace(kind, text, holds, {}, tuple(parts))
