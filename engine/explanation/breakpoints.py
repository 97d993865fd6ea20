"""The numbers at which a field may begin or cease to matter to the rules, for given facts.

Takes a program and facts, gives breakpoints as ordinals (`engine.values.ordinal`: 15-digit numbers, counted in their
order). Of the rules that depend on the field, every number that stands in a condition is a breakpoint; and a comparison
of the field with arithmetic is solved, first roughly, as if it were a straight line, then exactly, down to two
neighbouring numbers. Gives candidates only: whether they change anything is for the evaluator to say."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engine.errors import FactsRejected
from engine.evaluation import Compute, Expressions, Test
from engine.explanation.dependencies import DependencyGraph, Dependents, touches
from engine.facts import Place, Slots
from engine.language import Compare, Expression, Literal, Path, walk
from engine.program import Program
from engine.values import Value, first_that, literal, number, number_at, ordinal

#: Steps towards the root of a comparison; a straight line takes one, and rounding another.
_MAX_STEPS = 30
#: The exact root is searched among so many numbers on either side of the rough one.
_REACH = 1 << 20

#: The facts with another number in the field.
WithNumber = Callable[[float], Mapping[str, Any]]


class Breakpoints:
    """Finds the breakpoints of one set of facts."""

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: Value) -> None:
        """Read the facts, so that single leaves can be tested.

        Args:
            program: the rules.
            facts: as they were judged; may break the schema.
            as_of: the moment they were judged at, in UTC.
        """
        self._as_of = as_of
        compiled = program.compiled
        self._read = compiled.reader.read
        self._expressions = Expressions(compiled.layout)
        #: Every path that some rule reads or writes.
        self.places: list[Place] = [*compiled.layout.places, *compiled.layout.columns]
        self._given = self._slots(facts)
        #: Which rules depend on which field.
        self.dependencies = DependencyGraph(program.rules, as_of, self._truth)

    def ordinals(self, place: Place, dependents: Dependents, value: float, with_number: WithNumber) -> set[int]:
        """The breakpoints of a field.

        Args:
            place: the field.
            dependents: what depends on it.
            value: its number.
            with_number: gives the facts with another number in it.
        """
        ordinals: set[int] = set()
        for name in dependents.rules:
            for leaf, paths in self.dependencies.leaves[name]:
                if not any(touches(each, *read) for read in paths for each in dependents.places):
                    continue
                for node in walk(leaf):
                    if isinstance(node, Literal) and isinstance(node.value, Decimal):
                        ordinals.add(ordinal(literal(node.value)))
                if isinstance(leaf, Compare) and not _is_plain(leaf) and any(touches(place, *read) for read in paths):
                    ordinals |= self._solved(leaf, value, with_number)
        return ordinals

    def _truth(self, leaf: Expression) -> bool | None:
        """Whether a leaf held before any rule fired; None when the facts were refused."""
        test = self._expressions.truth_of(leaf)
        return None if self._given is None else test(self._given)

    def _solved(self, leaf: Compare, value: float, with_number: WithNumber) -> set[int]:
        """The ordinals around which one side of a comparison begins or ceases to be less than the other, or equal."""
        left, right = self._expressions.value_of(leaf.left), self._expressions.value_of(leaf.right)
        tests = [self._expressions.truth_of(Compare(op, leaf.left, leaf.right)) for op in ("<", "<=")]
        difference = _Difference(left, right, lambda x: self._slots(with_number(x)))
        root = difference.root(value)
        if root is None:
            return set()
        return {flip for test in tests for flip in difference.flips(test, ordinal(root))}

    def _slots(self, facts: Mapping[str, Any]) -> Slots | None:
        """The facts in slots; None when they can't be judged."""
        try:
            return self._read(facts, self._as_of)
        except FactsRejected:
            return None


class _Difference:
    """The difference of two expressions, as a function of one number."""

    def __init__(self, left: Compute, right: Compute, slots_at: Callable[[float], Slots | None]) -> None:
        self._left, self._right, self._slots_at = left, right, slots_at

    def root(self, start: float) -> float | None:
        """About where the two are equal, by the secant method: exact for a straight line, up to rounding.

        Args:
            start: the number to begin at.

        Returns:
            None when the difference has no value, or is the same everywhere.
        """
        x, y = start, self._at(start)
        next_x = number(Decimal(repr(start)) * Decimal("1.01")) or 1.0
        for _ in range(_MAX_STEPS):
            if y is None or y == 0.0:
                break
            next_y = self._at(next_x)
            if next_y is None or next_y == y:
                return None
            root = _at_15_digits(x - y * (next_x - x) / (next_y - y))
            if root is None or root in (x, next_x):
                return root
            x, y, next_x = next_x, next_y, root
        return x if y is not None else None

    def flips(self, test: Test, near: int) -> set[int]:
        """The two ordinals between which a test changes, and the next one; none when it does not change.

        Args:
            test: of the slots.
            near: the ordinal to search around, `_REACH` on either side.
        """

        def holds(place: int) -> bool:
            slots = self._slots_at(number_at(place))
            return slots is not None and test(slots)

        reach = 1
        while reach <= _REACH:
            inner, outer = near - reach, near + reach
            if holds(inner) and not holds(outer):
                inner, outer = outer, inner
            if holds(outer) and not holds(inner):
                flip = first_that(holds, inner, outer)
                return {flip - 1, flip, flip + 1}
            reach *= 4
        return set()

    def _at(self, x: float) -> float | None:
        slots = self._slots_at(x)
        if slots is None:
            return None
        left, right = self._left(slots), self._right(slots)
        return left - right if left.__class__ is float and right.__class__ is float else None


def _is_plain(leaf: Compare) -> bool:
    """Whether a path is compared with a constant."""
    sides = (leaf.left, leaf.right)
    return any(isinstance(side, Path) for side in sides) and any(isinstance(side, Literal) for side in sides)


def _at_15_digits(value: float) -> float | None:
    return number(Decimal(repr(value)))
