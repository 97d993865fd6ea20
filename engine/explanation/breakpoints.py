"""Where the value of one number may matter to the rules.  rules, facts -> [cuts] -> nearest

Of the rules that the field has influence on (`engine.explanation.dependencies`), every number that stands in a
condition is a cut, and a comparison of the field with arithmetic is solved: first roughly, as if it were a straight
line, then exactly, down to two neighbouring 15-digit numbers. Gives candidates; whether they change anything is for the
evaluator to say."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from engine.compiler import Compiler
from engine.errors import FactsRejected
from engine.evaluation import Compute, Expressions, Test
from engine.explanation.dependencies import DependencyGraph, Dependents, touches
from engine.facts import Place, Slots, fast_intake
from engine.language import Compare, Expression, Literal, Path, walk
from engine.program import Program
from engine.values import Value, first_that, literal, number, number_at, ordinal

#: Steps towards the root of a comparison; a straight line takes one, and rounding another.
_MAX_STEPS = 30
#: The root is looked for among so many numbers on either side of where the line points.
_REACH = 1 << 20

#: The facts with another number in the field.
WithNumber = Callable[[float], Mapping[str, Any]]


class Breakpoints:
    """Finds the cut points of one set of facts."""

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: Value) -> None:
        """Compile what is needed to test single leaves.

        Args:
            program: the rules.
            facts: as they were judged; may break the schema.
            as_of: the moment they were judged at, in UTC.
        """
        self._as_of = as_of
        compiled = Compiler(program.rules, program.schema, program.max_firings)
        self._intake, self._layout = compiled.intake, compiled.layout
        self._expressions = Expressions(compiled.layout)
        self._fast = fast_intake(compiled.layout, compiled.intake)
        #: Every path that some rule reads or writes.
        self.places: list[Place] = [*compiled.layout.places, *compiled.layout.columns]
        self._given = self._slots(facts)
        #: Which rules a field may matter to.
        self.influence = DependencyGraph(program.rules, as_of, self._truth)

    def of(self, place: Place, affected: Dependents, value: float, with_number: WithNumber) -> set[int]:
        """The ordinals at which a field may begin or cease to matter.

        Args:
            place: the field.
            affected: what it has influence on.
            value: its number.
            with_number: gives the facts with another number in it.
        """
        found: set[int] = set()
        for name in affected.rules:
            for leaf, paths in self.influence.leaves[name]:
                if not any(touches(one, *read) for read in paths for one in affected.places):
                    continue
                for node in walk(leaf):
                    if isinstance(node, Literal) and isinstance(node.value, Decimal):
                        found.add(ordinal(literal(node.value)))
                if isinstance(leaf, Compare) and not _is_plain(leaf) and any(touches(place, *read) for read in paths):
                    found |= self._solved(leaf, value, with_number)
        return found

    def _truth(self, leaf: Expression) -> bool | None:
        """Whether a leaf held before any rule fired; None when the facts were refused."""
        test = self._expressions.truth_of(leaf)
        if self._given is None:
            return None
        self._given += [None] * (self._layout.size - len(self._given))
        return test(self._given)

    def _solved(self, leaf: Compare, value: float, with_number: WithNumber) -> set[int]:
        """The numbers from which on one side of a comparison is above the other, or no more below it."""
        left, right = self._expressions.value_of(leaf.left), self._expressions.value_of(leaf.right)
        tests = [self._expressions.truth_of(Compare(op, leaf.left, leaf.right)) for op in ("<", "<=")]
        line = _Line(left, right, lambda at: self._slots(with_number(at)))
        root = line.root(value)
        if root is None:
            return set()
        return {cut for test in tests for cut in line.flips(test, ordinal(root))}

    def _slots(self, facts: Mapping[str, Any]) -> Slots | None:
        """The facts in slots; None when they can't be judged."""
        try:
            slots = self._fast(facts, self._as_of) or self._intake.read(facts, self._as_of)
        except FactsRejected:
            return None
        # A leaf that goes through a list needs a slot for its elements, made when it is compiled.
        return slots + [None] * (self._layout.size - len(slots))


class _Line:
    """The difference of two expressions, as a function of one number."""

    def __init__(self, left: Compute, right: Compute, slots_at: Callable[[float], Slots | None]) -> None:
        self._left, self._right, self._slots_at = left, right, slots_at

    def root(self, start: float) -> float | None:
        """About where the two are equal; exact for a straight line, up to rounding."""
        x, y = start, self._difference(start)
        other = number(Decimal(repr(start)) * Decimal("1.01")) or 1.0
        for _ in range(_MAX_STEPS):
            if y is None or y == 0.0:
                break
            slope_y = self._difference(other)
            if slope_y is None or slope_y == y:
                return None
            step = _at_15_digits(x - y * (other - x) / (slope_y - y))
            if step is None or step in (x, other):
                return step
            x, y, other = other, slope_y, step
        return x if y is not None else None

    def flips(self, test: Test, near: int) -> set[int]:
        """The two neighbours between which a test changes, around an ordinal; none when it does not."""

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

    def _difference(self, at: float) -> float | None:
        slots = self._slots_at(at)
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
