"""Paths into facts: follow one, replace what it leads to, name it in a message.

Takes objects and lists, as they were sent (any mapping, list or tuple) or as values of the language (dict and tuple),
and the steps into them: a text is a member of an object, a number a place in a list. Changes nothing that it is given;
knows no schema and no slot."""

from collections.abc import Mapping
from typing import Any

from engine.values import Value, normal_name

#: The steps from a fact to one of its parts.
Steps = tuple[str | int, ...]

#: A fact and the steps into it.
Place = tuple[str, Steps]


def get_path(value: Any, steps: Steps) -> Any:
    """Follow steps into a value.

    Args:
        value: where the path begins.
        steps: the path; numbers count from 0.

    Returns:
        What is there; None where a step leads nowhere.

    >>> get_path({"lines": [{"sku": "A7"}]}, ("lines", 0, "sku"))
    'A7'
    """
    for step in steps:
        if isinstance(step, str):
            # Asking an abstract class costs ten times as much; nearly every object is a dict, or missing.
            if value.__class__ is not dict and (value is None or not isinstance(value, Mapping)):
                return None
            found = value.get(step)
            value = found if found is not None or step.isascii() else _decomposed(value, step)
        elif isinstance(value, list | tuple) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _decomposed(members: Mapping[Any, Any], name: str) -> Any:
    """The first member whose name has a normal form; None if there is none."""
    return next((item for one, item in members.items() if item is not None and normal_name(str(one)) == name), None)


def with_path(value: Any, steps: Steps, new: Any, *, keep_null: bool = True) -> Any:
    """A copy of a value, with another one where a path leads; shares with it what is not on the path.

    Args:
        value: where the path begins.
        steps: the path; a missing object on it is made.
        new: what stands there then; at the end of no steps it is the result.
        keep_null: whether an object keeps a member that becomes null; default True. Objects in slots have none.

    Raises:
        LookupError: a step into what is no object, or to a place that a list does not have.

    >>> with_path({"lines": [{"sku": "A7"}]}, ("lines", 0, "qty"), 2)
    {'lines': [{'sku': 'A7', 'qty': 2}]}
    """
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if not isinstance(value, Mapping | None):
            raise LookupError(f"there is no object to hold {step!r}")
        members = {} if value is None else dict(value)
        inner = members.get(step)
        if not step.isascii():
            inner = _decomposed(members, step) if inner is None else inner
            # The caller may write the name of this member in another way.
            members = {name: item for name, item in members.items() if name == step or normal_name(name) != step}
        members[step] = with_path(inner, rest, new, keep_null=keep_null)
        if members[step] is None and not keep_null:
            del members[step]
        return members
    if not isinstance(value, list | tuple) or step >= len(value):
        raise LookupError(f"there is no list with a place {step}")
    items = [*value[:step], with_path(value[step], rest, new, keep_null=keep_null), *value[step + 1 :]]
    return tuple(items) if isinstance(value, tuple) else items


def path_label(fact: str, steps: Steps) -> str:
    """A path as messages and changes name it.

    Args:
        fact: its first part.
        steps: the rest.

    >>> path_label("Order", ("lines", 0, "sku"))
    'Order.lines[0].sku'
    """
    return fact + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def present(members: dict[str, Value]) -> dict[str, Value]:
    """An object without its null members: null and missing are the same value."""
    return {name: value for name, value in members.items() if value is not None}
