"""The values of one column of a decision table, cut where its cells cut them.  unary -> [axes] -> overlaps

A `ColumnDomain` numbers the stretches between the cuts, and the cuts themselves, from low to high: numbers, texts and
dates each by their order, then false, true and null. What a cell holds for is then a set of these numbers, kept as the
bits of an integer; and each bit has a sample value that proves a claim about it."""

import typing
from bisect import bisect_left
from collections.abc import Callable, Iterable

from engine.checks import ValueKind, kind_of_value
from engine.language import Literal, Scalar
from engine.schema import FieldSchema
from engine.tables.unary_tests import Comparison, Range, Tests
from engine.values import moment_between, number_between, text_between

#: The kinds that have an order, and what finds a value between two of their cuts.
_BETWEEN: dict[str, Callable[[typing.Any, typing.Any], Scalar]] = {
    "number": number_between,
    "text": text_between,
    "date": moment_between,
}


def reads_only_constants(tests: Tests | None) -> bool:
    """Whether a cell compares with constants alone, so that what it holds for is known here."""
    return tests is None or all(isinstance(test, Range) or isinstance(test.operand, Literal) for test in tests.tests)


class ColumnDomain:
    """One column.

    Args:
        kind: of the column; `any` has values of every kind.
        cells: every cell of the column that has only constants.
        field: what the schema says of the column's field; None when the column is no plain field.
    """

    def __init__(self, kind: ValueKind, cells: Iterable[Tests | None], field: FieldSchema | None) -> None:
        constants = [value for cell in cells if cell for value in _constants(cell)]
        for bound in (field.minimum, field.maximum) if field else ():
            constants += [] if bound is None else [bound]
        constants += field.values or () if field else ()
        #: Sorted cuts of each ordered kind.
        self._cuts: dict[str, list[Scalar]] = {}
        #: First bit of each kind; a kind with n cuts has 2 n + 1 bits.
        self._offsets: dict[str, int] = {}
        width = 0
        for ordered in _BETWEEN:
            if kind in (ordered, "any"):
                own = {value for value in constants if kind_of_value(value) == ordered}
                self._cuts[ordered] = sorted(own)  # type: ignore[type-var]
                self._offsets[ordered] = width
                width += 2 * len(own) + 1
        if kind in ("boolean", "any"):
            self._offsets["boolean"] = width
            width += 2
        self._offsets["null"] = width
        #: Bits of a set.
        self.width = width + 1
        self._universe = (1 << (width + 1)) - 1
        self._universe &= self._allowed(field)

    @property
    def universe(self) -> int:
        """Every value that the schema lets the column have."""
        return self._universe

    def _allowed(self, field: FieldSchema | None) -> int:
        allowed = self._universe
        if field is None:
            return allowed
        if field.required:
            allowed &= ~(1 << self._offsets["null"])
        null = allowed & (1 << self._offsets["null"])
        if field.minimum is not None:
            allowed &= self._comparison(">=", field.minimum) | null
        if field.maximum is not None:
            allowed &= self._comparison("<=", field.maximum) | null
        if field.values is not None:
            listed = null
            for value in field.values:
                listed |= self._comparison("==", value)
            allowed &= listed
        return allowed

    def bits(self, cell: Tests | None) -> int:
        """What a cell holds for; it has to have constants only."""
        if cell is None:
            return self._universe
        held = 0
        for test in cell.tests:
            if isinstance(test, Range):
                low = self._comparison(">=" if test.low_closed else ">", test.low.value)
                held |= low & self._comparison("<=" if test.high_closed else "<", test.high.value)
            elif isinstance(test.operand, Literal):
                held |= self._comparison(test.op, test.operand.value)
        return self._universe & (~held if cell.negated else held)

    def _comparison(self, op: str, value: Scalar) -> int:
        kind = kind_of_value(value)
        if kind not in self._offsets:
            return self._universe if op == "!=" else 0
        offset = self._offsets[kind]
        if kind not in self._cuts:
            bit = 1 << (offset + (value is True))
            return self._universe & ~bit if op == "!=" else bit
        cuts = self._cuts[kind]
        at = offset + 2 * bisect_left(cuts, value) + 1  # type: ignore[type-var]
        end = offset + 2 * len(cuts) + 1
        match op:
            case "==":
                return 1 << at
            case "!=":
                return self._universe & ~(1 << at)
            case "<":
                return _stretch(offset, at)
            case "<=":
                return _stretch(offset, at + 1)
            case ">":
                return _stretch(at + 1, end)
            case _:
                return _stretch(at, end)

    def sample(self, bits: int) -> Scalar:
        """A value that one of these bits stands for: a cut if there is one, for it reads better."""
        null = self._offsets["null"]
        positions = [position for position in range(null) if bits >> position & 1]
        if not positions:
            return None
        best = min(positions, key=lambda position: (self._kind_at(position)[1] % 2 == 0, position))
        kind, place = self._kind_at(best)
        if kind == "boolean":
            return place == 1
        cuts: list[typing.Any] = self._cuts[kind]
        if place % 2:
            sample: Scalar = cuts[place // 2]
            return sample
        below = cuts[place // 2 - 1] if place else None
        above = cuts[place // 2] if place // 2 < len(cuts) else None
        return _BETWEEN[kind](below, above)

    def _kind_at(self, position: int) -> tuple[str, int]:
        """The kind that a bit belongs to, and its place within it."""
        kind = max((kind for kind in self._offsets if self._offsets[kind] <= position), key=self._offsets.__getitem__)
        return kind, position - self._offsets[kind]


def _stretch(first: int, end: int) -> int:
    return (1 << end) - (1 << first) if end > first else 0


def _constants(cell: Tests) -> Iterable[Scalar]:
    for test in cell.tests:
        if isinstance(test, Range):
            yield test.low.value
            yield test.high.value
        elif isinstance(test, Comparison) and isinstance(test.operand, Literal):
            yield test.operand.value
