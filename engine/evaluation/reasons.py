"""What rules say when they fire: outcomes, reasons, and the reasons that are known before any fact is.

Most rules only decide, with literal text. Their reasons are constants, and a `ReasonTable` holds them for all who put
evaluations together from the rules that matched: the cycle, the leaves of the index and the columnar pass."""

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.values import clock_text

#: From good to bad: the worst that any fired rule asks for wins.
OUTCOMES = ("accept", "review", "reject", "error")

#: What JSON has, too: most values.
_PLAIN = frozenset({float, str, int, bool, type(None)})

Outcome = typing.Literal["accept", "review", "reject", "error"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an evaluation came out as it did."""

    #: The rule that says so; None when no single rule does.
    rule: str | None
    #: What it asks for.
    outcome: Outcome
    #: In the words of the rule; may be empty.
    text: str
    #: Stable, for errors only: `facts-rejected`, `assignment-refused`, `rules-diverged`.
    code: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The reason as plain data."""
        return {"rule": self.rule, "outcome": self.outcome, "text": self.text, "code": self.code}


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """A call that a fired rule made. Nothing was executed: whoever gets the verdict acts on it."""

    name: str
    #: Plain values, as those of changes are.
    arguments: list[Any]
    #: The rule that made it.
    rule: str

    def to_json(self) -> dict[str, Any]:
        """The event as plain data; dates as ISO 8601 text."""
        return {"name": self.name, "arguments": json_value(self.arguments), "rule": self.rule}


def json_value(value: Any) -> Any:
    """A value of a change or an event as JSON has it: dates, times and durations become ISO 8601 text."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time | timedelta):
        return clock_text(value)
    if isinstance(value, list):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {name: json_value(item) for name, item in value.items()}
    return value


def worst(reasons: list[Reason]) -> Outcome:
    """The worst outcome that any reason asks for; `accept` when there is none."""
    outcome: Outcome = "accept"
    for reason in reasons:
        asked = reason.outcome
        if asked == "reject":
            return asked
        if asked == "review":
            outcome = asked
    return outcome


class ReasonTable:
    """Names and constant reasons of rules, by their position: on the agenda, or among the bits of a leaf."""

    def __init__(self, names: Sequence[str], reasons: Sequence[tuple[Reason, ...] | None]) -> None:
        """Keep them.

        Args:
            names: of the rules.
            reasons: of each rule, when giving them is all that it does; None for any other.
        """
        self.names = names
        self.reasons = reasons

    def select(self, positions: Sequence[int]) -> "ReasonTable":
        """The table of some of the rules: the first of them gets position 0, and so on."""
        return ReasonTable([self.names[one] for one in positions], [self.reasons[one] for one in positions])

    def of_bits(self, bits: int) -> list[Reason]:
        """The reasons of the rules whose bit is set, in order; the lowest bit is that of position 0.

        >>> table = ReasonTable(["A", "B"], [(Reason("A", "review", "why"),), (Reason("B", "accept", ""),)])
        >>> [reason.rule for reason in table.of_bits(0b11)]
        ['A', 'B']
        """
        single_bits, positions = self.single_bits, []
        while bits:
            length = bits.bit_length()
            bits ^= single_bits[length]
            positions.append(length - 1)
        return [reason for position in reversed(positions) for reason in self.reasons[position] or ()]

    @cached_property
    def single_bits(self) -> list[int]:
        """The bit of each rule, found by its bit length, which begins at one: the first item is never asked for."""
        return [0, *(1 << i for i in range(len(self.names)))]

    @cached_property
    def name_array(self) -> npt.NDArray[np.object_]:
        """object[rules]: the names."""
        return _objects(self.names)

    @cached_property
    def worst_outcomes(self) -> npt.NDArray[np.int64]:
        """int64[rules]: the worst outcome that each rule asks for, as its position in `OUTCOMES`."""
        outcomes = [[OUTCOMES.index(reason.outcome) for reason in reasons or ()] for reasons in self.reasons]
        return np.array([max(each, default=0) for each in outcomes], np.int64)

    def of_positions(self, positions: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], list[Reason]]:
        """The reasons of many rules.

        Args:
            positions: int64[hits], of the rules; one may stand there often.

        Returns:
            int64[hits + 1], where the reasons of each hit begin, and where those of the last one end; and the reasons
            of all hits, one after the other.
        """
        starts, counts, reasons = self._flat
        own_counts = counts[positions]
        ends = np.concatenate([[0], np.cumsum(own_counts)])
        picked = np.repeat(starts[positions] - ends[:-1], own_counts) + np.arange(ends[-1])
        return ends, reasons[picked].tolist()

    @cached_property
    def _flat(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.object_]]:
        """int64[rules] where the reasons of each rule begin, int64[rules] how many there are, object[reasons]."""
        counts = np.array([len(reasons or ()) for reasons in self.reasons], np.int64)
        return np.cumsum(counts) - counts, counts, _objects([one for reasons in self.reasons for one in reasons or ()])


def _objects(items: Sequence[object]) -> npt.NDArray[np.object_]:
    # Given to `np.array`, items that are sequences themselves would become further dimensions.
    array = np.empty(len(items), np.object_)
    array[:] = items
    return array
