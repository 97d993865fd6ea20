"""Settle most comparisons of computed numbers in float64.  expressions -> [residuals]

A sum or product of a few numbers in float64 lies within a known distance of the decimal one: each decimal step is off
by at most 5e-15 of its size, each float step by far less. When the two sides of a comparison are further apart than
that, floats decide it; else, and whenever a side is not such a number, the exact test does. So the answer is always
the exact one. It takes part only where every number is of ordinary size, so that no step can overflow or vanish."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.facts import ORDINARY, FunctionWriter, SlotLayout, Slots
from engine.language import Arithmetic, Call, Compare, Expression, Literal, Negate, Not, Path
from engine.values import is_ordinary, literal

#: Relative distance from which on floats decide; 20 steps err by at most 1.1e-13.
FAR = 1e-12

#: With more operands the steps could leave the range of float64, or their errors add up to `FAR`.
_MAX_OPERANDS = 8

#: What a comparison says when the left side is clearly less, and when it is clearly more.
_ANSWERS = {
    "==": (False, False),
    "!=": (True, True),
    "<": (True, False),
    "<=": (True, False),
    ">": (False, True),
    ">=": (False, True),
}

_COMPUTED = (Arithmetic, Negate, Call)


class _Unfit(Exception):
    """An expression that is no sum or product of numbers."""


class LinearComparison:
    """A comparison of two computed numbers as Python text, with what its names stand for."""

    def __init__(self, node: Compare, layout: SlotLayout) -> None:
        """Read it.

        Raises:
            _Unfit: a side is no sum or product of a few fields and constants.
        """
        self._layout = layout
        #: Slot and name of each field, and value and name of each constant.
        self.fields: dict[int, str] = {}
        self.constants: list[float] = []
        self._operands = 0
        left, right = self._side(node.left), self._side(node.right)
        if not self.fields or self._operands > _MAX_OPERANDS:
            raise _Unfit
        self.difference = f"{left[0]} - {right[0]}"
        #: The sum of the sizes of all that is added up: the errors are in proportion to it.
        self.size = f"{left[1]} + {right[1]}"
        #: What the comparison says when the left side is clearly less, and when it is clearly more.
        self.less, self.more = _ANSWERS[node.op]

    def _side(self, node: Expression) -> tuple[str, str]:
        """The text of an expression, and of its size."""
        match node:
            case Path():
                self._operands += 1
                slot = self._layout.slot(node.fact, node.steps)
                name = self.fields.setdefault(slot, f"field{len(self.fields)}")
                return name, f"abs({name})"
            case Literal(value):
                constant = literal(value)
                if constant.__class__ is not float or not is_ordinary(constant):
                    raise _Unfit
                self._operands += 1
                self.constants.append(constant)
                name = f"constant{len(self.constants) - 1}"
                return name, f"abs({name})"
            case Negate(operand):
                text, size = self._side(operand)
                return f"(-{text})", size
            case Call("Abs", (operand,)):
                text, size = self._side(operand)
                return f"abs({text})", size
            case Arithmetic("+" | "-" | "*" as op, left, right):
                (a, a_size), (b, b_size) = self._side(left), self._side(right)
                return f"({a} {op} {b})", f"({a_size} {'*' if op == '*' else '+'} {b_size})"
            case Arithmetic("/", left, Path() | Literal() as right):
                (a, a_size), (b, b_size) = self._side(left), self._side(right)
                return f"({a} / {b})", f"({a_size} / {b_size})"
            case _:
                raise _Unfit


def shape_of(node: Expression, layout: SlotLayout) -> LinearComparison | None:
    """The shape of a comparison of computed numbers; None when floats can't settle any of it."""
    if isinstance(node, Not):
        inner = shape_of(node.operand, layout)
        if inner is not None:
            inner.less, inner.more = not inner.less, not inner.more
        return inner
    if not isinstance(node, Compare):
        return None
    if not isinstance(node.left, _COMPUTED) and not isinstance(node.right, _COMPUTED):
        return None
    try:
        return LinearComparison(node, layout)
    except _Unfit:
        return None


def answers(op: str) -> tuple[bool, bool]:
    """What a comparison says when its left side is clearly less, and when it is clearly more."""
    return _ANSWERS[op]


def filtered(node: Compare, layout: SlotLayout, exact: Callable[[Slots], bool]) -> Callable[[Slots], bool]:
    """A test that means what `exact` means, and is faster where float64 can tell."""
    shape = shape_of(node, layout)
    if shape is None:
        return exact
    make = _factory(shape.difference, shape.size, tuple(shape.fields.values()), len(shape.constants))
    test: Callable[[Slots], bool] = make(exact, shape.less, shape.more, *shape.fields, *shape.constants)
    return test


@functools.lru_cache(maxsize=1_024)
def _factory(difference: str, size: str, fields: tuple[str, ...], constants: int) -> Any:
    """The code of a shape: comparisons that differ in slots and constants alone share it."""
    slots = [f"slot_{name}" for name in fields]
    names = ["exact", "less", "more", *slots, *(f"constant{i}" for i in range(constants))]
    known = " and ".join(f"{name}.__class__ is float" for name in fields)
    writer = FunctionWriter("test", ["slots"])
    for name in fields:
        writer.line(f"{name} = slots[slot_{name}]")
    writer.line(f"if {known} and slots[{ORDINARY}]:")
    with writer.indent():
        writer.line("try:")
        with writer.indent():
            writer.line(f"apart = {difference}")
            writer.line(f"if abs(apart) > {FAR} * ({size}): return less if apart < 0.0 else more")
        writer.line("except ZeroDivisionError: pass")
    writer.line("return exact(slots)")
    return writer.compile_factory(names)


class FloatFilter:
    """A comparison of computed numbers for many rows at once."""

    def __init__(self, shape: LinearComparison) -> None:
        """Prepare it."""
        self.slots = tuple(shape.fields)
        self._less, self._more = shape.less, shape.more
        self._constants = shape.constants
        names = [*shape.fields.values(), *(f"constant{i}" for i in range(len(shape.constants)))]
        self._compute = _sides(shape.difference, shape.size, tuple(names))

    def ask(self, fields: Sequence[Any]) -> tuple[Any, Any]:
        """Which rows pass, and for which floats can't tell.

        Args:
            fields: for each of `slots` an array of numbers.

        Returns:
            Two masks.
        """
        with np.errstate(all="ignore"):
            apart, size = self._compute(*fields, *self._constants)
            clear = np.abs(apart) > FAR * size
            clear &= np.isfinite(apart)
        return clear & np.where(apart < 0.0, self._less, self._more), ~clear


@functools.lru_cache(maxsize=1_024)
def _sides(difference: str, size: str, names: tuple[str, ...]) -> Any:
    writer = FunctionWriter("sides", names)
    writer.line(f"return {difference}, {size}")
    return writer.compile()
