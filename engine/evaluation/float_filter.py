"""A floating-point filter: settle most comparisons of computed numbers in float64, and leave the close ones.

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

#: Operator to its result when the left side is clearly less, and when it is clearly more.
_RESULTS = {
    "==": (False, False),
    "!=": (True, True),
    "<": (True, False),
    "<=": (True, False),
    ">": (False, True),
    ">=": (False, True),
}

_COMPUTED = (Arithmetic, Negate, Call)


class _NotLinear(Exception):
    """An expression that is no sum or product of numbers."""


class LinearComparison:
    """A comparison of two sums or products of fields and constants, as Python text and what its names stand for."""

    def __init__(self, node: Compare, layout: SlotLayout) -> None:
        """Read it.

        Args:
            node: the comparison.
            layout: knows the slots of its fields.

        Raises:
            _NotLinear: a side is no sum or product of a few fields and constants.
        """
        self._layout = layout
        #: Slot of each field to its name in the text.
        self.fields: dict[int, str] = {}
        #: The constants; their names are `constant0`, `constant1` and so on.
        self.constants: list[float] = []
        self._operands = 0
        left, right = self._side(node.left), self._side(node.right)
        if not self.fields or self._operands > _MAX_OPERANDS:
            raise _NotLinear
        #: Left side less right side.
        self.difference = f"{left[0]} - {right[0]}"
        #: The sum of the sizes of all that is added up: the errors are in proportion to it.
        self.size = f"{left[1]} + {right[1]}"
        #: The result when the left side is clearly less, and when it is clearly more.
        self.less, self.more = _RESULTS[node.op]

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
                    raise _NotLinear
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
                raise _NotLinear


def linear_comparison(node: Expression, layout: SlotLayout) -> LinearComparison | None:
    """Read a condition as a comparison that floats may settle.

    Args:
        node: the condition.
        layout: knows the slots of its fields.

    Returns:
        The comparison; None when it is none, or when neither side computes anything.
    """
    if isinstance(node, Not):
        inner = linear_comparison(node.operand, layout)
        if inner is not None:
            inner.less, inner.more = not inner.less, not inner.more
        return inner
    if not isinstance(node, Compare):
        return None
    if not isinstance(node.left, _COMPUTED) and not isinstance(node.right, _COMPUTED):
        return None
    try:
        return LinearComparison(node, layout)
    except _NotLinear:
        return None


def results_when_clear(op: str) -> tuple[bool, bool]:
    """The results of a comparison when its left side is clearly less, and when it is clearly more.

    >>> results_when_clear("<=")
    (True, False)
    """
    return _RESULTS[op]


def with_float_filter(node: Compare, layout: SlotLayout, exact: Callable[[Slots], bool]) -> Callable[[Slots], bool]:
    """A test that means what the exact one means, and is faster where float64 can tell.

    Args:
        node: the comparison.
        layout: knows the slots of its fields.
        exact: tests it with decimals.
    """
    linear = linear_comparison(node, layout)
    if linear is None:
        return exact
    make = _factory(linear.difference, linear.size, tuple(linear.fields.values()), len(linear.constants))
    test: Callable[[Slots], bool] = make(exact, linear.less, linear.more, *linear.fields, *linear.constants)
    return test


@functools.lru_cache(maxsize=1_024)
def _factory(difference: str, size: str, fields: tuple[str, ...], constants: int) -> Any:
    """The code of a comparison: those that differ in slots and constants alone share it."""
    slots = [f"slot_{name}" for name in fields]
    names = ["exact", "less", "more", *slots, *(f"constant{i}" for i in range(constants))]
    are_numbers = " and ".join(f"{name}.__class__ is float" for name in fields)
    writer = FunctionWriter("test", ["slots"])
    for name in fields:
        writer.line(f"{name} = slots[slot_{name}]")
    writer.line(f"if {are_numbers} and slots[{ORDINARY}]:")
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

    def __init__(self, linear: LinearComparison) -> None:
        """Prepare it."""
        #: The slots of its fields.
        self.slots = tuple(linear.fields)
        self._less, self._more = linear.less, linear.more
        self._constants = linear.constants
        names = [*linear.fields.values(), *(f"constant{i}" for i in range(len(linear.constants)))]
        self._compute = _difference_and_size(linear.difference, linear.size, tuple(names))

    def settle(self, fields: Sequence[Any]) -> tuple[Any, Any]:
        """Which rows pass, and for which floats can't tell.

        Args:
            fields: for each of `slots` float64[rows].

        Returns:
            bool[rows] and bool[rows].
        """
        with np.errstate(all="ignore"):
            apart, size = self._compute(*fields, *self._constants)
            clear = np.abs(apart) > FAR * size
            clear &= np.isfinite(apart)
        return clear & np.where(apart < 0.0, self._less, self._more), ~clear


@functools.lru_cache(maxsize=1_024)
def _difference_and_size(difference: str, size: str, names: tuple[str, ...]) -> Any:
    """The code that computes both for whole columns, as `_factory` does for one record."""
    writer = FunctionWriter("difference_and_size", names)
    writer.line(f"return {difference}, {size}")
    return writer.compile()
