"""Write what an assignment computes as lines of Python.  step_code -> [value_writer] -> rule_writer

Sums, differences and products of amounts of at most four decimals are written out: in whole ten-thousandths, which
float64 holds exactly (`engine.values.arithmetic`). Where the operands or the result are others, and for all other
operators, the lines call what the record evaluation calls. So a value is the same to the last digit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.step_code import Odd, StepCode
from engine.evaluation import Expressions, operation
from engine.facts import SlotLayout
from engine.language import Arithmetic, Expression, Literal, Negate, Path
from engine.values import ROUNDER, Value, bounded, kind_of, literal, negate, ordinary

#: Operators that are written out.
_WRITTEN_OUT = ("+", "-", "*")


@dataclass(frozen=True, slots=True)
class Term:
    """A value in a function that is being written."""

    #: The name of a variable or of a constant.
    name: str
    #: Of what it is when it is not null; empty: nobody knows.
    kind: str
    may_be_null: bool
    #: Whether it is always the same.
    is_constant: bool = False
    #: That value.
    value: Value = None


class ValueWriter:
    """Writes what the assignments of one function compute."""

    def __init__(self, code: StepCode, layout: SlotLayout, expressions: Expressions) -> None:
        """Prepare.

        Args:
            code: the function.
            layout: the slots of the program.
            expressions: compiles what is not written out.
        """
        self._code = code
        self._layout = layout
        self._expressions = expressions

    def assigned(self, node: Expression, depth: int) -> Term:
        """What a plain assignment writes.

        Args:
            node: the expression.
            depth: how deep the field stands.
        """
        if self._is_number(node):
            return self._value(node)
        if isinstance(node, Literal | Path):
            term = self._value(node)
            if term.is_constant or term.kind not in ("", "list", "object"):
                return term
            return self._computed(_bounded(depth), [term.name])
        compute = self._expressions.value_of(node)
        return self._computed(lambda slots: bounded(compute(slots), depth), ["slots"])

    def updated(self, op: str, before: Term, node: Expression) -> Term:
        """What an assignment writes that computes with the value before.

        Args:
            op: `+`, `-`, `*` or `/`.
            before: that value.
            node: the other one.
        """
        if self._is_number(node) and before.kind in ("number", ""):
            return self._arithmetic(op, before, self._value(node))
        compute = self._expressions.value_of(node)
        other = self._code.writer.variable()
        self._code.line(f"{other} = {self._code.bind(compute)}(slots)")
        return self._computed(operation(op), [before.name, other])

    def started(self, before: Term, start: Value) -> Term:
        """A value, or what counts instead while there is none.

        Args:
            before: the value.
            start: what counts instead; None: nothing does.
        """
        if start is None:
            return before
        name = self._code.writer.variable()
        self._code.line(f"{name} = {self._code.bind(start)} if {before.name} is None else {before.name}")
        return Term(name, before.kind, False)

    def _is_number(self, node: Expression) -> bool:
        """Whether an expression is made of numbers, as far as anybody knows, and of operators alone."""
        match node:
            case Literal():
                return literal(node.value).__class__ is float
            case Path():
                return self._code.kinds.get(self._layout.slot(node.fact, node.steps)) == "number"
            case Negate(operand):
                return self._is_number(operand)
            case Arithmetic(_, left, right):
                return self._is_operand(left) and self._is_operand(right)
        return False

    def _is_operand(self, node: Expression) -> bool:
        if isinstance(node, Path):
            return self._code.kinds.get(self._layout.slot(node.fact, node.steps), "number") == "number"
        return self._is_number(node)

    def _value(self, node: Expression) -> Term:
        match node:
            case Literal():
                value = literal(node.value)
                kind = kind_of(value)
                return Term(self._code.bind(value), kind, value is None, is_constant=True, value=value)
            case Path():
                slot = self._layout.slot(node.fact, node.steps)
                return Term(self._code.field(slot), self._code.kinds.get(slot, ""), True)
            case Negate(operand):
                return self._negated(self._value(operand))
            case Arithmetic(op, left, right):
                return self._arithmetic(op, self._value(left), self._value(right))
        raise TypeError(f"{type(node).__name__} is not written out")

    def _negated(self, term: Term) -> Term:
        name = self._code.writer.variable()
        self._code.line(f"{name} = {self._code.bind(_negated)}({term.name})")
        return Term(name, "number", True)

    def _arithmetic(self, op: str, left: Term, right: Term) -> Term:
        code, name = self._code, self._code.writer.variable()
        known = left.kind == right.kind == "number"
        general = code.bind(_SETTLED[op])
        if op not in _WRITTEN_OUT:
            code.line(f"{name} = {general}({left.name}, {right.name})")
            return Term(name, "number" if known else "", True)
        guards = [test for term in (left, right) if (test := _number_test(term))]
        code.line(f"if {' and '.join(guards) or 'True'}:")
        with code.writer.indent():
            one, other = self._count(left), self._count(right)
            code.line(f"{name} = {one[0]} {op} {other[0]}")
            exact = [*one[1:], *other[1:], f"-1e15 < {name} < 1e15"]
            if op != "*":
                # A product of whole numbers is as small as it looks; a sum may be small by chance.
                exact += [f"-1e15 < {count[0]} < 1e15" for count in (one, other)]
            result = f"{name} / 1e8 + 0.0" if op == "*" else f"{name} / 1e4"
            code.line(f"if {' and '.join(exact)}: {name} = {result}")
            code.line(f"else: {name} = {general}({left.name}, {right.name})")
        code.line(f"else: {name} = {'None' if known else f'{general}({left.name}, {right.name})'}")
        return Term(name, "number" if known else "", True)

    def _count(self, term: Term) -> tuple[str, ...]:
        """The name of a number in ten-thousandths, and the test that it is a whole count of them, if that is open."""
        if term.is_constant:
            constant = term.value * 1e4 + ROUNDER - ROUNDER
            whole = constant / 1e4 == term.value and -1e15 < constant < 1e15
            return (self._code.bind(constant),) if whole else (self._code.bind(constant), "False")
        count = self._code.writer.variable()
        self._code.line(f"{count} = {term.name} * 1e4 + {ROUNDER} - {ROUNDER}")
        return count, f"{count} / 1e4 == {term.name}"

    def _computed(self, function: Callable[..., Value], arguments: Sequence[str]) -> Term:
        """What a function gives; what is not of ordinary size is odd, for tests in float64 can't tell it."""
        name, settled = self._code.writer.variable(), self._code.bind(_Settled(function))
        self._code.line(f"{name} = {settled}({', '.join(arguments)})")
        return Term(name, "", True)


def _number_test(term: Term) -> str:
    """The test that a value is a number; empty for what is one anyway."""
    if term.kind == "number":
        return f"{term.name} is not None" if term.may_be_null else ""
    return f"{term.name}.__class__ is float"


def _bounded(depth: int) -> Callable[[Value], Value]:
    return lambda value: bounded(value, depth)


def _negated(value: Value) -> Value:
    return negate(value) if value.__class__ is float else None


class _Settled:
    """A function whose result is of ordinary size."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Value:
        value: Value = self._function(*arguments)
        if not ordinary(value):
            raise Odd
        return value


_SETTLED = {op: _Settled(operation(op)) for op in ("+", "-", "*", "/", "%")}
