"""What operators mean, as callables made of callables: comparison, arithmetic, calls, tests of texts, membership.

Takes operands that `engine.evaluation.expressions` has compiled, gives one callable for the whole. Nothing that it
gives raises, whatever the slots hold."""

from collections.abc import Callable
from datetime import tzinfo

from engine.facts import AS_OF, MEMO, Slots
from engine.functions import Function, invoke, lists, matches
from engine.values import (
    Value,
    at_most,
    clock_arithmetic,
    contains,
    divide,
    equal,
    less_than,
    multiply,
    negate,
    plus,
    remainder,
    subtract,
)

#: Computes a value.
Compute = Callable[[Slots], Value]
#: Tests a condition.
Test = Callable[[Slots], bool]

#: A list at least this long is searched through a set, so that looking into it for every element of another list
#: stays linear.
_LONG = 16


def all_hold(tests: list[Test]) -> Test:
    """A test that holds when all of several hold."""

    def every(slots: Slots) -> bool:
        for test in tests:  # noqa: SIM110 - a generator here costs more than the tests
            if not test(slots):
                return False
        return True

    return every


def some_hold(tests: list[Test]) -> Test:
    """A test that holds when one of several holds."""

    def some(slots: Slots) -> bool:
        for test in tests:  # noqa: SIM110 - a generator here costs more than the tests
            if test(slots):
                return True
        return False

    return some


def inverse(test: Test) -> Test:
    """A test that holds when another does not."""
    return lambda slots: not test(slots)


def is_true(compute: Compute) -> Test:
    """A test whether a value is `true`; no other value is."""
    return lambda slots: compute(slots) is True


def comparison(op: str, left: Compute, right: Compute) -> Test:
    """A test that compares two values.

    Args:
        op: `==`, `!=`, `<`, `<=`, `>` or `>=`.
        left: gives the first value.
        right: gives the second value.
    """
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
        return clock_arithmetic(op, left, right)

    return checked


def arithmetic(op: str, left: Compute, right: Compute) -> Compute:
    """What computes with two values; null unless the operator takes both.

    Args:
        op: `+`, `-`, `*`, `/` or `%`.
        left: gives the first value.
        right: gives the second value.
    """
    operate = operation(op)
    return lambda slots: operate(left(slots), right(slots))


def negation(operand: Compute) -> Compute:
    """What computes the negative of a number; null for what is none."""

    def negated(slots: Slots) -> Value:
        value = operand(slots)
        return negate(value) if value.__class__ is float else None

    return negated


def call(function: Function, args: list[Compute], zone: tzinfo) -> Compute:
    """What calls a function.

    Args:
        function: one of the registry.
        args: give its arguments, without the moment of judging, which a timed function gets first.
        zone: of the domain; a zoned function gets it before its arguments.
    """
    if function.zoned:
        args = [lambda slots: zone, *args]
    if function.timed:
        args = [lambda slots: slots[AS_OF], *args]
    return lambda slots: invoke(function, [arg(slots) for arg in args])


def text_test(op: str, left: Compute, right: Compute) -> Test:
    """A test of two texts; `contains` takes a list and an item, too.

    Args:
        op: `contains`, `startsWith`, `endsWith` or `matches`.
        left: gives the text.
        right: gives the part or the pattern.
    """

    def tested(slots: Slots) -> bool:
        whole, part = left(slots), right(slots)
        if whole.__class__ is tuple:
            return op == "contains" and is_member(slots, part, whole)
        return whole.__class__ is str and part.__class__ is str and _TEXT_TESTS[op](whole, part)

    return tested


def item_of(base: Compute, key: Compute) -> Compute:
    """What takes a value out of a list or an object; null when it is not there.

    Args:
        base: gives the list or the object.
        key: gives a whole number from 0 for a list, a text for an object.
    """

    def taken(slots: Slots) -> Value:
        whole, place = base(slots), key(slots)
        if place.__class__ is str:
            return whole.get(place) if whole.__class__ is dict else None
        if place.__class__ is not float or whole.__class__ is not tuple:
            return None
        return whole[int(place)] if place.is_integer() and 0 <= place < len(whole) else None

    return taken


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "matches": matches,
}


def is_member(slots: Slots, item: Value, container: Value) -> bool:
    """Whether an item is in a list, or a part in a text; a long list is made a set, once an evaluation.

    Args:
        slots: of the evaluation.
        item: what is looked for.
        container: where.
    """
    if container.__class__ is not tuple or len(container) < _LONG:
        return contains(item, container)
    memo = slots[MEMO]
    if memo is None:
        memo = slots[MEMO] = {}
    items = memo.get(id(container))
    if items is None:
        items = memo[id(container)] = lists.Items(container)
    return item in items
