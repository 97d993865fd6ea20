"""The set of values that a field can have, from its schema.  schema -> [possible_values] -> tables, lint

Takes one field, gives a `ValueSet`. Knows no rule: what rules write to a derived field narrows it further, and whoever
reads the rules does that."""

from engine.schema.schema import FieldSchema, Kind
from engine.values import ANYTHING, NULL, IntervalSet, ValueSet, among, compared, literal

_ALL = IntervalSet(inside=True)
#: Every value of a kind; lists and objects are not told apart.
_OF_KIND: dict[Kind, ValueSet] = {
    "number": ValueSet(numbers=_ALL),
    "text": ValueSet(texts=_ALL),
    "date": ValueSet(dates=_ALL, days=_ALL),
    "time": ValueSet(times=_ALL),
    "duration": ValueSet(durations=_ALL),
    "boolean": ValueSet(true=True, false=True),
    "list": ValueSet(rest=True),
    "object": ValueSet(rest=True),
}


def values_of_kind(kind: Kind) -> ValueSet:
    """Every value of a kind, without null.

    >>> 3.0 in values_of_kind("number"), "3" in values_of_kind("number"), None in values_of_kind("number")
    (True, False, False)
    """
    return _OF_KIND[kind]


def possible_values(field: FieldSchema) -> ValueSet:
    """Every value that a field can have: of its kind, within its bounds and `values`; null unless it is required.

    >>> from decimal import Decimal
    >>> price = possible_values(FieldSchema("price", "number", minimum=Decimal(0)))
    >>> 0.0 in price, -1.0 in price, None in price
    (True, False, True)
    """
    values = values_of_kind(field.kind)
    for op, bound in ((">=", field.minimum), ("<=", field.maximum)):
        if bound is not None:
            values &= compared(op, literal(bound)) or ANYTHING
    if field.values is not None:
        values &= among(literal(value) for value in field.values) or ANYTHING
    return values if field.required else values | NULL
