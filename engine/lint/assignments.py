"""Which values an assignment can leave in its field, as value sets.  nodes, value_set -> [assignments] -> feasibility

Takes an assignment and the values that its field may have before, gives those that it may have after, or says that the
two are the same one by one. An upper bound: whatever a rule computes counts as anything, but for what holds for every
operand, such as null plus a number. Whether the schema then takes the value is for others to say."""

from engine.language import Assign, Literal, Path
from engine.schema import FieldSchema
from engine.values import ANYTHING, NOTHING, NULL, ValueSet, among, literal

_ZERO = among([0.0]) or NOTHING
_NUMBERS = ValueSet(numbers=ANYTHING.numbers)
#: The number that each operator leaves every number as it is with.
_NEUTRAL = {"+=": 0.0, "-=": 0.0, "*=": 1.0, "/=": 1.0}


def left_by(action: Assign, before: ValueSet, field: FieldSchema | None) -> ValueSet:
    """The values that a field may have after an assignment.

    Args:
        action: the assignment.
        before: the values that its field may have when it runs.
        field: what the schema says of the field; None: nothing.

    Returns:
        A set that holds all of them, and perhaps others.
    """
    constant = among([literal(action.value.value)]) if isinstance(action.value, Literal) else None
    if action.op == "=":
        if action.value == action.target:
            return before
        return ANYTHING if constant is None else constant
    counted = _counted(before, field)
    if counted & ~NULL == NOTHING or constant == NULL:
        return NULL
    if leaves_alone(action, counted, None):
        return counted
    if action.op in ("*=", "/=") and counted & ~(_ZERO | NULL) == NOTHING:
        # Nothing becomes of zero by multiplying it, and null of null, or of zero and null.
        return _ZERO | NULL
    return ANYTHING


def leaves_alone(action: Assign, before: ValueSet, field: FieldSchema | None) -> bool:
    """Whether an assignment leaves every value as it is that its field may have.

    Args:
        action: the assignment.
        before: the values that its field may have when it runs.
        field: as for `left_by`.
    """
    if action.op == "=":
        return action.value == action.target
    if not isinstance(action.value, Literal) or _counted(before, field) != before:
        return False
    value = literal(action.value.value)
    # Python takes True for 1.
    return before & ~(_NUMBERS | NULL) == NOTHING and value.__class__ is float and value == _NEUTRAL[action.op]


def overlap(one: Path, other: Path) -> bool:
    """Whether one of two paths leads to, or into, the other.

    Args:
        one: a path.
        other: a path.
    """
    shorter = min(len(one.steps), len(other.steps))
    return one.fact == other.fact and one.steps[:shorter] == other.steps[:shorter]


def _counted(before: ValueSet, field: FieldSchema | None) -> ValueSet:
    """The values that `+=` and its kin compute with."""
    if field is None or field.start is None or None not in before:
        return before
    return (before & ~NULL) | (among([literal(field.start)]) or NOTHING)
