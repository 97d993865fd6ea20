"""A change of one number that gives a better outcome, and how it is said.

Plain values for the caller: what `engine.explanation.counterfactual_search` gives. Says the numbers that give an
outcome as a range in words, and rounds what differs by rounding only: 9.86 stands for 9.86000000000001."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from engine.evaluation import Outcome
from engine.values import number_at, ordinal, to_python

#: A number of at most so many digits is round; what differs from one in the thirteenth digit does so by rounding.
_MAX_ROUND_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A change of one number that gives a better outcome."""

    #: As `Evaluation.changes` names it.
    field: str
    #: Its number in the facts.
    value: Any
    #: The nearest number to it that gives the outcome.
    nearest: Any
    #: The farthest that does, or a better one; None when there is no end, or only what the schema takes.
    farthest: Any
    #: The better outcome that it gives.
    outcome: Outcome

    @property
    def range(self) -> str:
        """The numbers that give the outcome, in words."""
        up = self.nearest > self.value
        near, far = ("{} or more", "more than {}"), ("up to {}", "but less than {}")
        if not up:
            near, far = ("{} or less", "less than {}"), ("down to {}", "but more than {}")
        if self.farthest is None:
            return _edge(self.nearest, up, *near)
        only = _rounder(self.nearest, up)
        if self.nearest == self.farthest or only == _rounder(self.farthest, not up):
            return f"exactly {only}"
        return f"{_edge(self.nearest, up, *near)}, {_edge(self.farthest, not up, *far)},"

    def __str__(self) -> str:
        """`Product.average_price is 9.8; 9.86 or more passes`."""
        ends = {"accept": "passes", "review": "is for review only", "reject": "is rejected"}[self.outcome]
        return f"{self.field} is {self.value}; {self.range} {ends}"

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        names = ("field", "value", "nearest", "farthest", "outcome")
        return {name: getattr(self, name) for name in names} | {"text": str(self)}


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """The result of a search."""

    #: The smallest change that gives a better outcome; when that is not `accept`, also the smallest that does.
    changes: tuple[Counterfactual, ...] = ()
    #: Why there is none, or what was left untried; empty when there is nothing to say.
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The changes and the note as plain data."""
        return {"nearest": [change.to_json() for change in self.changes], "nearest_note": self.note}


def _edge(edge: int | float, is_low: bool, closed: str, open_: str) -> str:
    """An end of a range in words: 9.86000000000001 reads better as more than 9.86.

    Args:
        edge: the last number within the range.
        is_low: whether it is the low end.
        closed: the words for a range with this end, `{}` for the end.
        open_: the words for a range up to the number beyond it.
    """
    neighbour = to_python(number_at(ordinal(float(edge)) + (-1 if is_low else 1)))
    if _digits(neighbour) < _digits(edge):
        return open_.format(neighbour)
    return closed.format(_rounder(edge, is_low))


def _rounder(edge: int | float, is_low: bool) -> int | float:
    """A rounder number within the range, if its end differs from that by rounding only; else the end."""
    exact = Decimal(repr(edge))
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 11), ROUND_CEILING if is_low else ROUND_FLOOR)
    shown: int | float = to_python(float(rounded))
    return shown if _digits(shown) <= _MAX_ROUND_DIGITS else edge


def _digits(value: int | float) -> int:
    return len(Decimal(repr(value)).normalize().as_tuple().digits)
