"""A face that loads a room's modules one by one, when a name of theirs is asked for.  a face -> [lazy_face] -> modules

`rulefarm` and `rulefarm.messaging` hand on names that bring along Celery and redis, which take longer to load than
a list of verdicts to print: what only reads Postgres loads neither. Catches nothing: what a module raises while it
loads, its user sees."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def lazily(face: ModuleType, where: dict[str, str]) -> Callable[[str], Any]:
    """What a face has as its `__getattr__`.

    Args:
        face: the module that hands names on.
        where: each name to the module that has it, named from the face on.

    Returns:
        A function that gives the value of a name, which the face has itself from then on.
    """

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {face.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{face.__name__}.{where[name]}"), name)
        setattr(face, name, value)
        return value

    return get
