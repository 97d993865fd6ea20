"""Functions out of lines of Python: the competitors that a programmer would write by hand are made so."""

from collections.abc import Sequence
from typing import Any


def made(name: str, lines: Sequence[str]) -> Any:
    """What some lines define.

    Args:
        name: of the function.
        lines: of a module that defines it; they come from the benchmark that asks, never from outside.
    """
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    return scope[name]
