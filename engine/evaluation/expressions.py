"""Compile expressions to callables over slots: `value_of` computes a value, `truth_of` tests a condition.

Takes nodes that `engine.checks` accepted, and the slots of their paths. Both are exact, with decimals where a number is
computed; only `engine.evaluation.float_filter` settles most comparisons of computed numbers in float64 first. What
operators mean stands in `engine.evaluation.operators`. Nothing that they give raises, whatever the slots hold."""

from collections.abc import Callable

from engine.evaluation.event_matcher import Matcher
from engine.evaluation.float_filter import with_float_filter
from engine.evaluation.operators import (
    Compute,
    Test,
    all_hold,
    arithmetic,
    call,
    comparison,
    inverse,
    is_member,
    is_true,
    item_of,
    negation,
    some_hold,
    text_test,
)
from engine.facts import SlotLayout, Slots, Steps, get_path
from engine.functions import FUNCTIONS, lists
from engine.language import (
    Aggregate,
    And,
    Arithmetic,
    Bound,
    Call,
    Compare,
    Expression,
    Item,
    ListLiteral,
    Literal,
    Membership,
    Negate,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    TextTest,
)
from engine.values import Value, literal


class Expressions:
    """Compiles the expressions of one program."""

    def __init__(self, layout: SlotLayout) -> None:
        self._layout = layout
        #: The zone of the domain.
        self.zone = layout.zone
        #: The list facts whose elements are being looked at.
        self._bound: frozenset[str] = frozenset()

    def value_of(self, node: Expression) -> Compute:
        """A callable that computes the value of an expression."""
        match node:
            case Literal() | ListLiteral():
                return self._constant(node)
            case Path():
                return self._path(node)
            case Bound(name, _, steps):
                return _event_field(self._layout.event(name), steps)
            case Arithmetic(op, left, right):
                return arithmetic(op, self.value_of(left), self.value_of(right))
            case Negate(operand):
                return negation(self.value_of(operand))
            case Item(base, key):
                return item_of(self.value_of(base), self.value_of(key))
            case Call(name, args):
                return call(FUNCTIONS[name], [self.value_of(arg) for arg in args], self.zone)
            case Aggregate():
                return self._aggregate(node)
            case _:
                return self.truth_of(node)

    def truth_of(self, node: Expression) -> Test:
        """A callable that tests whether an expression is true; anything but `true` itself is not."""
        match node:
            case And(operands):
                return all_hold([self.truth_of(operand) for operand in operands])
            case Or(operands):
                return some_hold([self.truth_of(operand) for operand in operands])
            case Not(operand):
                return inverse(self.truth_of(operand))
            case Compare(op, left, right):
                exact = comparison(op, self.value_of(left), self.value_of(right))
                return exact if self._bound else with_float_filter(node, self._layout, exact)
            case Membership(item, container):
                return self._membership(item, container)
            case TextTest(op, left, right):
                return text_test(op, self.value_of(left), self.value_of(right))
            case Quantifier():
                return self._quantifier(node)
            case Pattern():
                return self.matcher(node).test
            case _:
                return is_true(self.value_of(node))

    def matcher(self, pattern: Pattern) -> Matcher:
        """What finds the events that a pattern is about."""
        return Matcher(pattern, self._layout, self)

    def _constant(self, node: Literal | ListLiteral) -> Compute:
        if isinstance(node, Literal):
            value = literal(node.value)
            return lambda slots: value
        items = [self.value_of(item) for item in node.items]
        if all(isinstance(item, Literal) for item in node.items):
            values = tuple(item([]) for item in items)
            return lambda slots: values
        return lambda slots: tuple([item(slots) for item in items])

    def _path(self, path: Path) -> Compute:
        if path.fact not in self._bound:
            slot = self._layout.slot(path.fact, path.steps)
            return lambda slots: slots[slot]
        steps, slot = path.steps, self._layout.element(path.fact)
        return lambda slots: get_path(slots[slot], steps)

    def _membership(self, item: Expression, container: Expression) -> Test:
        value, items = self.value_of(item), self.value_of(container)
        if isinstance(container, ListLiteral) and all(isinstance(one, Literal) for one in container.items):
            if lists.has_dates(items([])):
                dates = lists.Items(items([]))
                return lambda slots: value(slots) in dates
            constants = frozenset(map(lists.frozen, items([])))
            return lambda slots: lists.frozen(value(slots)) in constants
        return lambda slots: is_member(slots, value(slots), items(slots))

    def _elements(self, node: Quantifier | Aggregate) -> tuple[Callable[[Slots], tuple[Value, ...]], int]:
        """What gives the elements of the list, and the slot that each is put into."""
        slot = self._layout.slot(node.fact)

        def elements(slots: Slots) -> tuple[Value, ...]:
            value = slots[slot]
            if value.__class__ is tuple:
                return tuple(value)
            return (value,) if value.__class__ is dict else ()

        return elements, self._layout.element(node.fact)

    def _quantifier(self, node: Quantifier) -> Test:
        elements, slot = self._elements(node)
        outside, self._bound = self._bound, self._bound | {node.fact}
        test = self.truth_of(node.condition)
        self._bound = outside
        # exists: stop at the first that holds; forall: stop at the first that does not.
        stop = node.kind == "exists"

        def quantified(slots: Slots) -> bool:
            for element in elements(slots):
                slots[slot] = element
                if test(slots) is stop:
                    return stop
            return not stop

        return quantified

    def _aggregate(self, node: Aggregate) -> Compute:
        elements, slot = self._elements(node)
        outside, self._bound = self._bound, self._bound | {node.fact}
        if node.kind == "Count":
            compute: Compute = self.truth_of(node.operand)
        else:
            compute = self.value_of(node.operand)
        self._bound = outside
        fold, slot_of_fact = _FOLDS[node.kind], self._layout.slot(node.fact)
        # Which facts are lists, the facts alone say where no schema does: `Sum(A.l)` is about `l` when A is an object.
        may_be_object = self._layout.schema is None and node.kind != "Count"

        def aggregated(slots: Slots) -> Value:
            if may_be_object and slots[slot_of_fact].__class__ is dict:
                slots[slot] = slots[slot_of_fact]
                value = compute(slots)
                return fold(value if value.__class__ is tuple else (value,)) if value is not None else None
            values = []
            for element in elements(slots):
                slots[slot] = element
                values.append(compute(slots))
            return fold(tuple(values))

        return aggregated


def _event_field(slot: int, steps: Steps) -> Compute:
    if len(steps) > 1:
        return lambda slots: get_path(slots[slot], steps)
    field = steps[0]

    def field_of(slots: Slots) -> Value:
        event = slots[slot]
        return event.get(field) if event.__class__ is dict else None

    return field_of


def _count(values: tuple[Value, ...]) -> float:
    return float(values.count(True))


_FOLDS: dict[str, Callable[[tuple[Value, ...]], Value]] = {
    "Count": _count,
    "CountDistinct": lists.count_distinct,
    "Sum": lists.total,
    "Avg": lists.mean,
    "Min": lists.least,
    "Max": lists.greatest,
}
