"""Make functions out of text: the only place in the engine where text becomes code.

A `FunctionWriter` takes lines of Python from a module of the engine and values that the lines are about, and gives the
function. Lines hold operators, slot numbers, floats as Python writes them, and names that are made here or in the
module that writes. All else that comes from rules, schemas and facts is bound to a name as a value: it never becomes
text, whatever it is, so there is nothing to escape. The lines themselves are not checked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any

#: Texts whose code is kept: whoever explains or tries compiles the same rules again and again.
_KEPT = 32


class FunctionWriter:
    """Writes one function, and collects the values that its names stand for.

    >>> writer = FunctionWriter("is_cheap", ["price"])
    >>> writer.line(f"return price < {writer.bind(2.5)}")
    >>> writer.compile()(2.0)
    True
    """

    def __init__(self, name: str, parameters: Sequence[str]) -> None:
        """Begin a function.

        Args:
            name: what tracebacks call it.
            parameters: the names of its arguments.
        """
        self._name = name
        self._lines = [f"    def {name}({', '.join(parameters)}):"]
        self._first = 1
        self._depth = 2
        self._values: dict[str, Any] = {}
        self._names = 0

    def line(self, text: str) -> None:
        """Add a line of the body."""
        self._lines.append("    " * self._depth + text)

    def first(self, text: str) -> None:
        """Add a line of the body that comes before all that `line` adds."""
        self._lines.insert(self._first, f"        {text}")
        self._first += 1

    @contextmanager
    def indent(self) -> Iterator[None]:
        """The lines that are added within belong to the line before."""
        self._depth += 1
        yield
        self._depth -= 1

    def variable(self) -> str:
        """A new name for something that the function computes."""
        self._names += 1
        return f"value{self._names}"

    def bind(self, value: Any, name: str = "") -> str:
        """A name in the function that stands for a value.

        Args:
            value: anything.
            name: the name it gets; default: a new one.
        """
        if not name:
            self._names += 1
            name = f"bound{self._names}"
        self._values[name] = value
        return name

    def compile(self) -> Any:
        """The function, its names bound to their values."""
        return self.compile_factory([*self._values])(*self._values.values())

    def compile_factory(self, names: Sequence[str]) -> Any:
        """What takes the values of some names and gives the function: functions that differ in those share their code.

        Args:
            names: all names that the lines use and do not set, builtins aside; `bind` is not needed for them.
        """
        lines = [f"def make({', '.join(names)}):", *self._lines, f"    return {self._name}"]
        scope: dict[str, Any] = {}
        exec(_code("\n".join(lines)), scope)
        # The scope is the function's own: with itself in it, the collector alone could free it.
        return scope.pop("make")


@lru_cache(maxsize=_KEPT)
def _code(text: str) -> CodeType:
    return compile(text, "<string>", "exec")
