"""Paths into facts: follow one, and name it in a message.

Takes values of the language and steps, gives the value there or null; knows no schema and no slot."""

from engine.values import Value

#: A fact and the steps into it.
Place = tuple[str, tuple[str | int, ...]]


def get_path(value: Value, steps: tuple[str | int, ...]) -> Value:
    """Follow steps into a value; None where one leads nowhere."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if value.__class__ is dict else None
        else:
            value = value[step] if value.__class__ is tuple and 0 <= step < len(value) else None
    return value


def path_label(fact: str, steps: tuple[str | int, ...]) -> str:
    """A path as messages and changes name it.

    >>> path_label("Order", ("lines", 0, "sku"))
    'Order.lines[0].sku'
    """
    return fact + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def present(members: dict[str, Value]) -> dict[str, Value]:
    """An object without its null members: null and missing are the same value."""
    return {name: value for name, value in members.items() if value is not None}
