"""Turn expressions into callables over slots.  nodes -> normal_form -> [expressions] -> index, cycle

`value_of` gives what computes a value, `truth_of` what tests a condition; both exactly, with decimals where a number is
computed. They defer only to `engine.evaluation.float_filter`, which settles most comparisons of computed numbers in
float64 first. Nothing that they give raises, whatever the slots hold."""

from collections.abc import Callable

from engine.evaluation import float_filter
from engine.evaluation.event_matcher import Matcher
from engine.facts import AS_OF, MEMO, SlotLayout, Slots, get_path
from engine.functions import FUNCTIONS, Function, invoke, lists, matches
from engine.language import (
    Aggregate,
    And,
    Arithmetic,
    Bound,
    Call,
    Compare,
    Expression,
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
from engine.values import (
    Value,
    at_most,
    contains,
    divide,
    equal,
    less_than,
    literal,
    multiply,
    negate,
    plus,
    remainder,
    subtract,
)

Compute = Callable[[Slots], Value]
Test = Callable[[Slots], bool]

#: A list at least this long is searched through a set, so that looking into it for every element of another list
#: stays linear.
_LONG = 16


class Expressions:
    """Compiles the expressions of one program."""

    def __init__(self, layout: SlotLayout) -> None:
        self._layout = layout
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
                return _arithmetic(op, self.value_of(left), self.value_of(right))
            case Negate(operand):
                return _negation(self.value_of(operand))
            case Call(name, args):
                return _call(FUNCTIONS[name], [self.value_of(arg) for arg in args])
            case Aggregate():
                return self._aggregate(node)
            case _:
                return self.truth_of(node)

    def truth_of(self, node: Expression) -> Test:
        """A callable that tests whether an expression is true; anything but `true` itself is not."""
        match node:
            case And(operands):
                return every([self.truth_of(operand) for operand in operands])
            case Or(operands):
                return _any([self.truth_of(operand) for operand in operands])
            case Not(operand):
                return _not(self.truth_of(operand))
            case Compare(op, left, right):
                exact = _comparison(op, self.value_of(left), self.value_of(right))
                return exact if self._bound else float_filter.filtered(node, self._layout, exact)
            case Membership(item, container):
                return self._membership(item, container)
            case TextTest(op, left, right):
                return _text_test(op, self.value_of(left), self.value_of(right))
            case Quantifier():
                return self._quantifier(node)
            case Pattern():
                return self.matcher(node).test
            case _:
                return _is_true(self.value_of(node))

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
            known = frozenset(map(lists.frozen, items([])))
            return lambda slots: lists.frozen(value(slots)) in known
        return lambda slots: _holds(slots, value(slots), items(slots))

    def _within(self, node: Quantifier | Aggregate) -> tuple[Callable[[Slots], tuple[Value, ...]], int]:
        """What gives the elements, and the slot that each is put into."""
        slot = self._layout.slot(node.fact)

        def elements(slots: Slots) -> tuple[Value, ...]:
            value = slots[slot]
            if value.__class__ is tuple:
                return tuple(value)
            return (value,) if value.__class__ is dict else ()

        return elements, self._layout.element(node.fact)

    def _quantifier(self, node: Quantifier) -> Test:
        elements, slot = self._within(node)
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
        elements, slot = self._within(node)
        outside, self._bound = self._bound, self._bound | {node.fact}
        if node.kind == "Count":
            compute: Compute = self.truth_of(node.operand)
        else:
            compute = self.value_of(node.operand)
        self._bound = outside
        fold = _FOLDS[node.kind]

        def aggregated(slots: Slots) -> Value:
            values = []
            for element in elements(slots):
                slots[slot] = element
                values.append(compute(slots))
            return fold(tuple(values))

        return aggregated


def _event_field(slot: int, steps: tuple[str | int, ...]) -> Compute:
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


def every(tests: list[Test]) -> Test:
    """A test that holds when all of several hold."""

    def all_hold(slots: Slots) -> bool:
        for test in tests:  # noqa: SIM110 - a generator here costs more than the tests
            if not test(slots):
                return False
        return True

    return all_hold


def _any(tests: list[Test]) -> Test:
    def some(slots: Slots) -> bool:
        for test in tests:  # noqa: SIM110 - a generator here costs more than the tests
            if test(slots):
                return True
        return False

    return some


def _not(test: Test) -> Test:
    return lambda slots: not test(slots)


def _is_true(compute: Compute) -> Test:
    return lambda slots: compute(slots) is True


def _comparison(op: str, left: Compute, right: Compute) -> Test:
    match op:
        case "==":
            return lambda slots: equal(left(slots), right(slots))
        case "!=":
            return lambda slots: not equal(left(slots), right(slots))
        case "<":
            return lambda slots: less_than(left(slots), right(slots))
        case "<=":
            return lambda slots: at_most(left(slots), right(slots))
        case ">":
            return lambda slots: less_than(right(slots), left(slots))
        case _:
            return lambda slots: at_most(right(slots), left(slots))


_OPERATIONS: dict[str, Callable[[float, float], float | None]] = {
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
}


def operation(op: str) -> Callable[[Value, Value], Value]:
    """What an arithmetic operator means for two values of any kind."""
    if op == "+":
        return plus
    operate = _OPERATIONS[op]

    def checked(left: Value, right: Value) -> Value:
        if left.__class__ is float and right.__class__ is float:
            return operate(left, right)
        return None

    return checked


def _arithmetic(op: str, left: Compute, right: Compute) -> Compute:
    operate = operation(op)
    return lambda slots: operate(left(slots), right(slots))


def _negation(operand: Compute) -> Compute:
    def negated(slots: Slots) -> Value:
        value = operand(slots)
        return negate(value) if value.__class__ is float else None

    return negated


def _call(function: Function, args: list[Compute]) -> Compute:
    if function.timed:
        args = [lambda slots: slots[AS_OF], *args]
    return lambda slots: invoke(function, [arg(slots) for arg in args])


def _text_test(op: str, left: Compute, right: Compute) -> Test:
    def tested(slots: Slots) -> bool:
        whole, part = left(slots), right(slots)
        if whole.__class__ is tuple:
            return op == "contains" and _holds(slots, part, whole)
        return whole.__class__ is str and part.__class__ is str and _TEXT_TESTS[op](whole, part)

    return tested


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "matches": matches,
}


def _holds(slots: Slots, item: Value, container: Value) -> bool:
    """`contains`, with what a long list holds remembered for the rest of the evaluation."""
    if container.__class__ is not tuple or len(container) < _LONG:
        return contains(item, container)
    memo = slots[MEMO]
    if memo is None:
        memo = slots[MEMO] = {}
    # The list is kept beside its set: while it is alive, no other can have its identity.
    entry = memo.get(id(container))
    if entry is None:
        entry = memo[id(container)] = (container, frozenset(map(lists.frozen, container)))
    return lists.frozen(item) in entry[1]
