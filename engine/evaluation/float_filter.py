"""A floating-point filter: settle most comparisons of computed numbers in float64, and leave the close ones.

A sum or product of a few numbers in float64 lies within a known distance of the decimal one: each decimal step is off
by at most 5e-15 of its size, each float step by far less. When the two sides of a comparison are further apart than
that, floats decide it; else, and whenever a side is not such a number, the exact test does. So the answer is always
the exact one. It takes part only where every number is of ordinary size, so that no step can overflow or vanish.

What a rule checks is mostly right, `total == goods - discount`, and then the sides are close. In columns those are
settled by whole counts of ten-thousandths, which floats add exactly."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.facts import ORDINARY, FunctionWriter, SlotLayout, Slots
from engine.language import Arithmetic, Call, Compare, Expression, Literal, Negate, Not, Path
from engine.values import is_ordinary, literal, nearest_ten_thousandth

#: Relative distance from which on floats decide; 20 steps err by at most 1.1e-13.
FAR = 1e-12

#: With more operands the steps could leave the range of float64, or their errors add up to `FAR`.
_MAX_OPERANDS = 8

#: Whole counts below it are added exactly, and stand for decimals of at most 15 digits.
_MOST_COUNTS = 1e15

#: Operators that hold for equals.
_OF_EQUALS = ("==", "<=", ">=")

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


@dataclass(frozen=True, slots=True)
class _Side:
    """A side of a comparison, as Python text of floats."""

    text: str
    #: The sum of the sizes of all that is added up.
    size: str
    #: The same two in ten-thousandths, where the names stand for counts of them; None: they may be no whole counts.
    counts: str | None
    counts_size: str = ""


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
        self.difference = f"{left.text} - {right.text}"
        #: The sum of the sizes of all that is added up: the errors are in proportion to it.
        self.size = f"{left.size} + {right.size}"
        #: Both in ten-thousandths; None: they may be no whole counts.
        self.counts: tuple[str, str] | None = None
        if left.counts is not None and right.counts is not None:
            self.counts = f"{left.counts} - {right.counts}", f"{left.counts_size} + {right.counts_size}"
        #: Whether a side is more than a field.
        self.computes = isinstance(node.left, _COMPUTED) or isinstance(node.right, _COMPUTED)
        #: The result when the left side is clearly less, and when it is clearly more.
        self.less, self.more = _RESULTS[node.op]
        #: The result when both are equal.
        self.equal = node.op in _OF_EQUALS

    def negate(self) -> None:
        """Give the opposite results."""
        self.less, self.more, self.equal = not self.less, not self.more, not self.equal

    @property
    def rest(self) -> tuple[str, str, float] | None:
        """The difference without its only constant, and the size of that, both as text; and with what to compare it.

        None where it is no sum with one constant.
        """
        if len(self.constants) != 1 or any(mark in self.difference for mark in ("*", "/", "abs")):
            return None
        names = (*self.fields.values(), "constant0")
        # One or minus one: the constant is added, or taken away.
        sign, _ = _difference_and_size(self.difference, self.size, names)(*[0.0] * len(self.fields), 1.0)
        text, size = (text.replace("constant0", "0.0") for text in (self.difference, self.size))
        return text, size, -sign * self.constants[0]

    def _side(self, node: Expression) -> _Side:
        match node:
            case Path():
                self._operands += 1
                slot = self._layout.slot(node.fact, node.steps)
                name = self.fields.setdefault(slot, f"field{len(self.fields)}")
                return _Side(name, f"abs({name})", name, f"abs({name})")
            case Literal(value):
                constant = literal(value)
                if constant.__class__ is not float or not is_ordinary(constant):
                    raise _NotLinear
                self._operands += 1
                self.constants.append(constant)
                name = f"constant{len(self.constants) - 1}"
                if nearest_ten_thousandth(constant) != constant:
                    return _Side(name, f"abs({name})", None)
                return _Side(name, f"abs({name})", f"{round(constant * 1e4)}.0", f"{abs(round(constant * 1e4))}.0")
            case Negate(operand):
                side = self._side(operand)
                counts = None if side.counts is None else f"(-{side.counts})"
                return _Side(f"(-{side.text})", side.size, counts, side.counts_size)
            case Call("Abs", (operand,)):
                side = self._side(operand)
                counts = None if side.counts is None else f"abs({side.counts})"
                return _Side(f"abs({side.text})", side.size, counts, side.counts_size)
            case Arithmetic("+" | "-" | "*" as op, left, right):
                return self._of_two(op, node, self._side(left), self._side(right))
            case Arithmetic("/", left, Path() | Literal() as right):
                a, b = self._side(left), self._side(right)
                return _Side(f"({a.text} / {b.text})", f"({a.size} / {b.size})", None)
            case _:
                raise _NotLinear

    def _of_two(self, op: str, node: Arithmetic, a: _Side, b: _Side) -> _Side:
        text = f"({a.text} {op} {b.text})"
        size = f"({a.size} {'*' if op == '*' else '+'} {b.size})"
        if op == "*":
            # Twice a count is a count; counts of two fields make none.
            side, factor = (b, node.left) if isinstance(node.left, Literal) else (a, node.right)
            times = literal(factor.value) if isinstance(factor, Literal) else None
            if side.counts is None or times.__class__ is not float or times != round(times):
                return _Side(text, size, None)
            return _Side(text, size, f"({times!r} * {side.counts})", f"({abs(times)!r} * {side.counts_size})")
        if a.counts is None or b.counts is None:
            return _Side(text, size, None)
        return _Side(text, size, f"({a.counts} {op} {b.counts})", f"({a.counts_size} + {b.counts_size})")


def linear_comparison(node: Expression, layout: SlotLayout) -> LinearComparison | None:
    """Read a condition as a comparison that floats may settle.

    Args:
        node: the condition.
        layout: knows the slots of its fields.

    Returns:
        The comparison; None when it is none, or when it is one of a field with a constant.
    """
    if isinstance(node, Not):
        inner = linear_comparison(node.operand, layout)
        if inner is not None:
            inner.negate()
        return inner
    if not isinstance(node, Compare):
        return None
    sides = (node.left, node.right)
    if not any(isinstance(side, _COMPUTED) for side in sides) and not all(isinstance(side, Path) for side in sides):
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
    # Two fields are compared as fast as they are looked at.
    if linear is None or not linear.computes:
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
    """A comparison of numbers for many rows at once."""

    def __init__(self, linear: LinearComparison) -> None:
        """Prepare it."""
        #: The slots of its fields.
        self.slots = tuple(linear.fields)
        self._linear = linear
        names = [*linear.fields.values(), *(f"constant{i}" for i in range(len(linear.constants)))]
        self._compute = _difference_and_size(linear.difference, linear.size, tuple(names))
        self._count = None
        if linear.counts is not None and linear.computes:
            self._count = _difference_and_size(*linear.counts, tuple(linear.fields.values()))

    def settle(self, fields: Sequence[Any]) -> tuple[Any, Any]:
        """Which rows pass, and for which floats can't tell.

        Args:
            fields: for each of `slots` float64[rows].

        Returns:
            bool[rows] and bool[rows].
        """
        linear = self._linear
        with np.errstate(all="ignore"):
            apart, size = self._compute(*fields, *linear.constants)
            clear = np.isfinite(apart)
            if linear.computes:
                clear &= np.abs(apart) > FAR * size
            passed = self._results(apart)
            if self._count is not None and not clear.all():
                close = np.flatnonzero(~clear)
                apart, is_exact = self._count_exactly([values[close] for values in fields])
                clear[close], passed[close] = is_exact, self._results(apart)
        return clear & passed, ~clear

    def _results(self, apart: Any) -> Any:
        linear = self._linear
        return np.where(apart < 0.0, linear.less, np.where(apart > 0.0, linear.more, linear.equal))

    def _count_exactly(self, fields: Sequence[Any]) -> tuple[Any, Any]:
        """The difference in ten-thousandths.

        Args:
            fields: for each of `slots` float64[rows].

        Returns:
            float64[rows], and bool[rows]: where it is exact, for all numbers are whole counts, and few enough.
        """
        near = [nearest_ten_thousandth(values) for values in fields]
        assert self._count is not None
        apart, size = self._count(*(np.rint(values * 1e4) for values in fields))
        is_exact = size < _MOST_COUNTS
        for values, nearest in zip(fields, near, strict=True):
            is_exact &= nearest == values
        return apart, is_exact


@functools.lru_cache(maxsize=1_024)
def _difference_and_size(difference: str, size: str, names: tuple[str, ...]) -> Any:
    """The code that computes both for whole columns, as `_factory` does for one record."""
    writer = FunctionWriter("difference_and_size", names)
    writer.line(f"return {difference}, {size}")
    return writer.compile()
