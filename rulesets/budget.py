"""How much a change may do.  text, impact -> [budget] -> the limits that it breaks

`flips<0.5%,reject_new<20,errors_new=0`: limits on how many facts have another outcome. Refuses what is no limit by
name, and knows nothing of where an impact comes from."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rulefarm.errors import RulefarmError
from rulesets.flips import OUTCOMES, Impact

_LIMIT = re.compile(r"\s*([a-z_]+)\s*(<=|<|=)\s*(\d{1,12}(?:\.\d{1,9})?)\s*(%?)\s*")
_HOLDS: dict[str, Callable[[Fraction, Fraction], bool]] = {"<": operator.lt, "<=": operator.le, "=": operator.eq}
#: What is counted, by its name; `error_new` is for whoever goes by the names of outcomes.
_COUNTED = {"flips": None, "errors_new": "error"} | {f"{outcome}_new": outcome for outcome in OUTCOMES}


class BudgetRejected(RulefarmError):
    """A text that is no budget."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit."""

    #: As it was written.
    text: str
    name: str
    #: One of `_HOLDS`.
    sign: str
    value: Fraction
    #: Whether it is a share of all facts, in percent.
    is_share: bool

    def broken_by(self, impact: Impact) -> str | None:
        """How an impact breaks it, in a sentence; None: it keeps it."""
        outcome = _COUNTED[self.name]
        count = impact.flips if outcome is None else impact.became(outcome)
        measured = Fraction(count)
        if self.is_share:
            measured = Fraction(100 * count, impact.rows) if impact.rows else Fraction(0)
        if _HOLDS[self.sign](measured, self.value):
            return None
        share = f" ({float(measured):.4g}%)" if self.is_share else ""
        return f"{self.text}: {self.name} is {count:,}{share}"


def parse_budget(text: str) -> list[Limit]:
    """The limits that a text names.

    Args:
        text: limits between commas, each a name, one of `<`, `<=` and `=`, and a number or a share in percent.

    Raises:
        BudgetRejected: `bad-budget`.

    >>> [limit.name for limit in parse_budget("flips<0.5%, errors_new=0")]
    ['flips', 'errors_new']
    """
    limits = []
    for part in text.split(","):
        match = _LIMIT.fullmatch(part)
        if match is None:
            message = f"{part.strip()!r} is no limit"
            raise BudgetRejected("bad-budget", message, "write limits like flips<0.5%,reject_new<20,errors_new=0")
        name, sign, number, percent = match.groups()
        if name not in _COUNTED:
            raise BudgetRejected("bad-budget", f"{name!r} is not counted", f"counted are: {', '.join(_COUNTED)}")
        limits.append(Limit(part.strip(), name, sign, Fraction(number), bool(percent)))
    return limits


def broken(limits: Sequence[Limit], impact: Impact) -> list[str]:
    """The limits that an impact breaks, in sentences.

    Args:
        limits: of a budget.
        impact: over all facts.
    """
    return [told for limit in limits if (told := limit.broken_by(impact)) is not None]
