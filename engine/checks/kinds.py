"""What kind of value an expression gives.  language, schema -> [kinds] -> resolve, path_checks, rule_checks, tables

Looks at an expression and the schema, gives one of the schema's kinds, `null` for the constant, or `any` where nobody
can say before the facts are there. It judges nothing (`engine.checks.rule_checks` does)."""

import typing
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

from engine.functions import FUNCTIONS
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
    Or,
    Path,
    Scalar,
)
from engine.schema import Kind, Schema

ValueKind = Kind | typing.Literal["null", "any"]


def kind_of(node: Expression, schema: Schema | None) -> ValueKind:
    """The kind of an expression's value, should it have one.

    Args:
        node: the expression.
        schema: kinds of the fields; None: every field is of any kind.

    Returns:
        A kind; every operand of a wrong kind counts as `any`.

    >>> kind_of(Negate(Literal(Decimal(3))), None)
    'number'
    """
    match node:
        case Literal():
            return kind_of_value(node.value)
        case And() | Or() | Compare() | Membership():
            return "boolean"
        case ListLiteral():
            return "list"
        case Path():
            return path_kind(node, schema)
        case Item():
            path = known_path(node, schema)
            return "any" if path is None else path_kind(path, schema)
        case Bound(_, stream, steps):
            return path_kind(Path(stream, (0, *steps)), schema)
        case Negate() | Aggregate("Count" | "CountDistinct" | "Sum" | "Avg"):
            return "number"
        case Aggregate(_, _, operand):
            # Of a list, which only a fact without a schema can have there, it is an item.
            kind = kind_of(operand, schema)
            return "any" if kind == "list" else kind
        case Arithmetic("+", left, right):
            kinds = {kind_of(left, schema), kind_of(right, schema)}
            if "text" in kinds or "duration" in kinds:
                return "text" if "text" in kinds else "duration"
            return "number" if kinds == {"number"} else "any"
        case Arithmetic(_, left, right):
            return "duration" if "duration" in (kind_of(left, schema), kind_of(right, schema)) else "number"
        case Call(name):
            function = FUNCTIONS.get(name)
            return function.result if function else "any"
        case _:
            return "boolean"


def known_path(node: Expression, schema: Schema | None) -> Path | None:
    """A path to a field of the kind that an item has; None when the schema says nothing about it.

    Args:
        node: an item, or what it is an item of.
        schema: of the domain.

    >>> known_path(Item(Path("A", ("l",)), Path("A", ("i",))), None)
    """
    match node:
        case Path():
            return node
        case Item(base, key):
            path = known_path(base, schema)
            if path is None or schema is None:
                return None
            if isinstance(key, Literal):
                step = key.value if isinstance(key.value, str) else int(typing.cast(Decimal, key.value))
                return replace(path, steps=(*path.steps, step), span=node.span)
            # Every element of a list fact has the same fields.
            is_list = not path.steps and path.fact in schema.list_facts
            return replace(path, steps=(0,), span=node.span) if is_list else None
        case _:
            return None


def kind_of_value(value: Scalar) -> ValueKind:
    """The kind of a constant."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Decimal):
        return "number"
    return "time" if isinstance(value, time) else "duration" if isinstance(value, timedelta) else "date"


def path_kind(path: Path, schema: Schema | None) -> ValueKind:
    """The kind of what a path leads to.

    Args:
        path: a fact, then members and positions.
        schema: of the domain.

    Returns:
        A kind; `any` when the schema does not say.
    """
    if schema is None or path.fact not in schema.facts:
        return "any"
    fact, steps = schema.facts[path.fact], path.steps
    if fact.is_list and steps and isinstance(steps[0], int):
        steps = steps[1:]
        if not steps:
            return "object"
    if not steps:
        return "list" if fact.is_list else "object"
    field = fact.fields.get(str(steps[0]))
    return field.kind if field is not None and len(steps) == 1 else "any"
