"""The text of one generated function, and what all its writers share.  [step_code] -> condition_writer, rule_writer

Like a probe (`engine.matching.probes`), what is written holds slot numbers, names that are made here and numbers as the
engine writes them; all that comes from rules is bound as a value. A field stands in the slots and, within the function,
in a variable; whoever writes it writes both, so that closures which read the slots may be called at any time."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.facts import FunctionWriter

#: Kinds of which Python's own operators tell two values, null included, apart.
PLAIN = ("number", "text", "boolean")


class Odd(Exception):
    """Something that generated steps leave to the cycle, which begins again on fresh slots."""


class StepCode:
    """A function that is being written."""

    def __init__(self, name: str, parameters: Sequence[str], kinds: Mapping[int, str]) -> None:
        """Begin.

        Args:
            name: of the function.
            parameters: its arguments; `slots` is one of them.
            kinds: slot to the kind of its values, where the schema says so.
        """
        self.writer = FunctionWriter(name, parameters)
        self.kinds = kinds
        self._fields: set[int] = set()
        self._kept: set[int] = set()
        self._bound: dict[int, str] = {}
        self.odd = self.bind(Odd)

    def line(self, text: str) -> None:
        """Add a line."""
        self.writer.line(text)

    def bind(self, value: Any) -> str:
        """The name of a value; what is bound twice as the same object has one name."""
        name = self._bound.get(id(value))
        if name is None:
            # The writer keeps the value, so that no other one gets its id.
            name = self._bound[id(value)] = self.writer.bind(value)
        return name

    def field(self, slot: int) -> str:
        """The variable of a field."""
        if slot not in self._fields:
            self._fields.add(slot)
            self.writer.first(f"field{slot:d} = slots[{slot:d}]")
        return f"field{slot:d}"

    def kept(self, slot: int) -> str:
        """The variable that holds what a field was at first."""
        if slot not in self._kept:
            self._kept.add(slot)
            self.writer.first(f"first{slot:d} = slots[{slot:d}]")
        return f"first{slot:d}"
