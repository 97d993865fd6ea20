"""Comparisons of sums with a constant in them, read as comparisons of the rest with that constant.

`amount > price + 900` holds where `amount - price` is clearly above 900, and does not where it is clearly below; only
within a narrow band around 900 does the exact test decide. So many such comparisons of the same fields need one
subtraction and one look-up, as those of ratios do (`engine.matching.ratios`). Takes a comparison as floats settle it;
refuses what multiplies or divides, and what has more constants than one."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.evaluation import FAR, LinearComparison
from engine.facts import ORDINARY, FunctionWriter

#: Sums whose operands are larger than that together are left to exact tests: the band is made for those below.
_MOST = 1e7


@dataclass(frozen=True, slots=True)
class FieldSum:
    """A sum of fields, as Python text."""

    text: str
    #: The sum of the sizes of its operands, as text.
    size: str
    #: Slot of each field, and its name in the texts.
    operands: tuple[tuple[int, str], ...]

    def write(self, writer: FunctionWriter, load: Callable[[int], str]) -> str:
        """Write the lines that give the names their values.

        Args:
            writer: of the function.
            load: gives the text that reads a slot.

        Returns:
            The text of a condition: whether the sum is near enough to what decimals give.
        """
        writer.line("; ".join(f"{name} = {load(slot)}" for slot, name in self.operands))
        are_numbers = " and ".join(f"{name}.__class__ is float" for _, name in self.operands)
        return f"{are_numbers} and slots[{ORDINARY:d}] and {self.size} < {_MOST!r}"


@dataclass(frozen=True, slots=True)
class Offset:
    """A comparison of a sum of fields with a constant."""

    sum: FieldSum
    constant: float
    #: Whether it holds for a sum clearly below the constant.
    less: bool
    #: Whether it holds for a sum clearly above the constant.
    more: bool

    @property
    def band(self) -> tuple[float, float]:
        """Sums from the first on, and below the second, are too close to the constant to tell."""
        width = FAR * (_MOST + abs(self.constant))
        return self.constant - width, self.constant + width


def offset_of(linear: LinearComparison | None) -> Offset | None:
    """Read a comparison as one of a sum of fields with a constant; None when it is none."""
    rest = None if linear is None else linear.rest
    if linear is None or rest is None:
        return None
    text, size, constant = rest
    # Whoever looks at elements has names of its own for their fields.
    names = {name: f"operand{place}" for place, name in enumerate(linear.fields.values())}
    for name, other in reversed(names.items()):
        text, size = text.replace(name, other), size.replace(name, other)
    operands = tuple((slot, names[name]) for slot, name in linear.fields.items())
    return Offset(FieldSum(text, size, operands), constant, linear.less, linear.more)
