"""Bring conditions to a disjunction of conjunctions.

A conjunction is a set of allowed values for each field that is compared with constants, and residual tests for all
else. A condition that would make too many conjunctions stays whole, as a residual test of its own. Every truth is
two-valued, so that `!` can be pushed down to the tests, where it complements the set."""

from collections.abc import Iterable, Iterator
from typing import Any

from engine.evaluation import Expressions
from engine.facts import SlotLayout
from engine.functions import FUNCTIONS
from engine.language import (
    MIRRORED,
    Aggregate,
    And,
    Call,
    Compare,
    CompareOp,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Not,
    Or,
    Path,
    Quantifier,
    Rule,
    TextTest,
    walk,
)
from engine.plain_class import dataclass
from engine.values import (
    ANYTHING,
    NOTHING,
    NULL,
    TRUE,
    Day,
    Value,
    ValueSet,
    among,
    compared,
    literal,
    starting_with,
)

#: A condition that would make more of them keeps its alternatives as residual tests.
MAX_CONJUNCTIONS = 32
#: Of all conditions of a domain; from there on none is taken apart any more. Each takes about a kilobyte.
MAX_ALL_CONJUNCTIONS = 100_000


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Tests that have to hold together."""

    #: Slot to the values that it may have.
    allowed: dict[int, ValueSet]
    #: Conditions that have to hold besides.
    residuals: tuple[Expression, ...] = ()

    def __and__(self, other: "Conjunction") -> "Conjunction | None":
        """Both; None when they can't hold together."""
        if not self.allowed:
            return Conjunction(other.allowed, self.residuals + other.residuals)
        allowed = dict(self.allowed)
        for slot, values in other.allowed.items():
            both = allowed[slot] & values if slot in allowed else values
            if both.is_empty:
                return None
            allowed[slot] = both
        return Conjunction(allowed, self.residuals + other.residuals)


_ALWAYS = Conjunction({})


class NormalForm:
    """Brings the conditions of one program to normal form."""

    def __init__(self, layout: SlotLayout, expressions: Expressions) -> None:
        self._layout = layout
        self._zone = layout.zone
        self._expressions = expressions
        self._count = 0
        #: Operator and number, or text, to what compares so with it: rules name the same ones again and again.
        self._known: dict[tuple[str, float | str], ValueSet] = {}

    def of(self, condition: Expression) -> list[Conjunction]:
        """The conjunctions of a condition; none when it never holds."""
        if self._count >= MAX_ALL_CONJUNCTIONS:
            return [_residual(condition, False)]
        conjunctions = self._split(condition, False)
        self._count += len(conjunctions)
        return conjunctions

    def _split(self, node: Expression, negated: bool) -> list[Conjunction]:
        if isinstance(node, Or if negated else And):
            # Looking for one field in conjoined tests first would look at each twice.
            return self._conjoined(_flat(node), negated)
        single = self._single(node)
        if single is None:
            return self._several(node, negated)
        slot, values = single
        values = ~values if negated else values
        if values.is_empty:
            return []
        return [_ALWAYS if values.is_full else Conjunction({slot: values})]

    def _several(self, node: Expression, negated: bool) -> list[Conjunction]:
        """The conjunctions of what is no test on one field, nor conjoined tests."""
        if isinstance(node, Not):
            return self._split(node.operand, not negated)
        if isinstance(node, And | Or):
            alternatives = [conjunction for one in _flat(node) for conjunction in self._split(one, negated)]
            if _ALWAYS in alternatives:
                return [_ALWAYS]
            return alternatives if len(alternatives) <= MAX_CONJUNCTIONS else [_residual(node, negated)]
        return [_residual(node, negated)]

    def _conjoined(self, nodes: Iterable[Expression], negated: bool) -> list[Conjunction]:
        """All ways to take one conjunction of each test; tests with several are left whole when there get too many."""
        allowed: dict[int, ValueSet] = {}
        residuals: list[Expression] = []
        several = []
        for node in nodes:
            single = self._single(node)
            if single is not None:
                # Nearly all tests are such: no conjunction of its own is made of one.
                slot, values = single
                tests = {slot: ~values if negated else values}
            else:
                conjunctions = self._several(node, negated)
                if not conjunctions:
                    return []
                if len(conjunctions) > 1:
                    several.append((node, conjunctions))
                    continue
                residuals += conjunctions[0].residuals
                tests = conjunctions[0].allowed
            for slot, values in tests.items():
                both = allowed[slot] & values if slot in allowed else values
                if both.is_cut:
                    allowed[slot] = both
                elif both.is_empty:
                    return []
                elif not both.is_full:
                    allowed[slot] = both
        product = [Conjunction(allowed, tuple(residuals))]
        for node, conjunctions in sorted(several, key=lambda part: len(part[1])):
            if len(product) * len(conjunctions) > MAX_CONJUNCTIONS:
                conjunctions = [_residual(node, negated)]
            pairs = [left & right for left in product for right in conjunctions]
            product = [both for both in pairs if both is not None]
        return product

    def _single(self, node: Expression) -> tuple[int, ValueSet] | None:
        """A condition on one field alone: its slot and the values for which it holds."""
        if isinstance(node, Compare):
            return self._comparison(node.op, node.left, node.right)
        match node:
            case Not(operand):
                inner = self._single(operand)
                return None if inner is None else (inner[0], ~inner[1])
            case And(operands) | Or(operands):
                return self._merged(operands, isinstance(node, And))
            case Literal(value):
                # No field at all: slot 0 stands in, where every value is in or out.
                return 0, ANYTHING if value is True else NOTHING
            case Path():
                return self._layout.slot(node.fact, node.steps), TRUE
            case Membership(Path() as path, container):
                return self._held(path, self._listed(container))
            case TextTest("startsWith", Path() as path, Literal(str() as prefix)):
                return self._held(path, starting_with(prefix))
            case Call("IsNull", (Path() as path,)):
                return self._held(path, NULL)
            case _:
                return None

    def _comparison(self, op: CompareOp, left: Expression, right: Expression) -> tuple[int, ValueSet] | None:
        if isinstance(left, Path):
            return self._held(left, self._compared(op, right))
        match left:
            case Call("Coalesce", (Path() as path, Literal(value))):
                return self._held(path, self._coalesced(op, literal(value), right))
        return self._held(right, self._compared(MIRRORED[op], left)) if isinstance(right, Path) else None

    def _held(self, path: Path, values: ValueSet | None) -> tuple[int, ValueSet] | None:
        return None if values is None else (self._layout.slot(path.fact, path.steps), values)

    def _merged(self, operands: tuple[Expression, ...], both: bool) -> tuple[int, ValueSet] | None:
        """Alternatives on one field are one set; so are conjoined tests, which saves looking at them apart."""
        slot, values = 0, ANYTHING if both else NOTHING
        for operand in operands:
            single = self._single(operand)
            if single is None or (slot and single[0] and single[0] != slot):
                return None
            slot = slot or single[0]
            values = values & single[1] if both else values | single[1]
        return slot, values

    def _compared(self, op: str, other: Expression) -> ValueSet | None:
        constant = self._constant(other)
        if constant is None:
            return None
        [value] = constant
        if value.__class__ is not float and value.__class__ is not str:
            return compared(op, value, self._zone)
        known = self._known.get((op, value))
        if known is None:
            known = self._known[op, value] = compared(op, value) or NOTHING
        return known

    def _coalesced(self, op: str, instead: Value, other: Expression) -> ValueSet | None:
        """The values `x` for which `Coalesce(x, instead) op other` holds."""
        values = self._compared(op, other)
        if values is None:
            return None
        return values | NULL if instead in values else values & ~NULL

    def _listed(self, container: Expression) -> ValueSet | None:
        if not isinstance(container, ListLiteral):
            return None
        constants = [self._constant(item) for item in container.items]
        return among([one[0] for one in constants if one], self._zone) if all(constants) else None

    def _constant(self, node: Expression) -> tuple[Value] | None:
        """The value of an expression that is the same for all facts."""
        if isinstance(node, Literal):
            return (literal(node.value),)
        for inner in walk(node):
            timed = isinstance(inner, Call) and FUNCTIONS[inner.name].timed
            if timed or isinstance(inner, Path | Quantifier | Aggregate):
                return None
        scratch: list[Any] = [None] * self._layout.size
        return (self._expressions.value_of(node)(scratch),)


def _flat(node: And | Or) -> Iterator[Expression]:
    for operand in node.operands:
        if type(operand) is type(node):
            yield from _flat(operand)
        else:
            yield operand


def _residual(node: Expression, negated: bool) -> Conjunction:
    return Conjunction({}, (Not(node) if negated else node,))


def validity(rule: Rule) -> ValueSet | None:
    """The moments at which a rule is in force: from `date-effective`, itself included, to `date-expires`, excluded
    when it is a moment, to its end when it is a day.

    Returns:
        A set of dates, empty when it ends before it begins; None: always.
    """
    if rule.date_effective is None and rule.date_expires is None:
        return None
    moments = ANYTHING
    for op, bound in ((">=", literal(rule.date_effective)), ("<", literal(rule.date_expires))):
        if bound is not None:
            moments &= compared("<=" if op == "<" and isinstance(bound, Day) else op, bound) or NOTHING
    return None if moments.is_full else moments
