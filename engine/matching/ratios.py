"""Comparisons of a field with a multiple of another, read as comparisons of their ratio with a constant.

`price < cost * 1.02` holds, for a cost above zero, where `price / cost` is clearly below 1.02, and does not where it is
clearly above; only within a narrow band around 1.02 does the exact test decide. So many such comparisons of two fields
need one division and one look-up."""

from dataclasses import dataclass

from engine.evaluation import FAR, results_when_clear
from engine.facts import SlotLayout
from engine.language import MIRRORED, Arithmetic, Compare, CompareOp, Expression, Literal, Not, Path
from engine.values import is_ordinary, literal

#: Two numbers whose ratio is that close to one are equal: numbers of 15 digits that differ do so by 1e-15 of their
#: size, and their floats and the division are off by a third of that at most.
_EQUAL = 2.0**-51


@dataclass(frozen=True, slots=True)
class Ratio:
    """`left op right * factor`, for numbers of ordinary size and a `right` above zero."""

    #: Slot of the field on the left.
    left: int
    #: Slot of the field on the right.
    right: int
    #: Not zero.
    factor: float
    #: Whether it holds for a ratio clearly below the factor.
    less: bool
    #: Whether it holds for a ratio clearly above the factor.
    more: bool
    #: Whether it compares the fields as they are: then nothing is rounded, and ratios within the band are of equals.
    plain: bool = False

    @property
    def band(self) -> tuple[float, float]:
        """Ratios from the first on, and below the second, are too close to the factor to tell."""
        width = _EQUAL if self.plain else abs(self.factor) * FAR
        return self.factor - width, self.factor + width


def ratio_of(node: Expression, layout: SlotLayout) -> Ratio | None:
    """Read a residual test as a comparison of ratios.

    Args:
        node: the test.
        layout: knows the slots of its fields.

    Returns:
        The comparison; None when it is none.
    """
    if isinstance(node, Not):
        inner = ratio_of(node.operand, layout)
        if inner is None:
            return None
        return Ratio(inner.left, inner.right, inner.factor, not inner.less, not inner.more, inner.plain)
    if not isinstance(node, Compare):
        return None
    if isinstance(node.left, Arithmetic) and node.left.op == "/" and isinstance(node.right, Literal):
        # a / b < c is a < b * c where b is above zero.
        dividend, divisor = _multiple(node.left.left), _multiple(node.left.right)
        factor = _number(node.right)
        if dividend is None or divisor is None:
            return None
        return _ratio(node.op if divisor[1] > 0.0 else MIRRORED[node.op], dividend, divisor, factor, layout)
    dividend, divisor = _multiple(node.left), _multiple(node.right)
    if dividend is None or divisor is None:
        return None
    plain = isinstance(node.left, Path) and isinstance(node.right, Path)
    return _ratio(node.op, dividend, divisor, 1.0, layout, plain=plain)


def _ratio(
    op: CompareOp,
    dividend: tuple[Path, float],
    divisor: tuple[Path, float],
    factor: float,
    layout: SlotLayout,
    *,
    plain: bool = False,
) -> Ratio | None:
    """`dividend op divisor * factor`, each a field with a factor of its own."""
    if dividend[1] < 0.0:
        op = MIRRORED[op]
    factor = factor * divisor[1] / dividend[1]
    if dividend[0] == divisor[0] or not is_ordinary(factor) or factor == 0.0:
        return None
    less, more = results_when_clear(op)
    left, right = (layout.slot(path.fact, path.steps) for path in (dividend[0], divisor[0]))
    return Ratio(left, right, factor, less, more, plain)


def _multiple(node: Expression) -> tuple[Path, float] | None:
    """A field, or a field times a constant other than zero."""
    match node:
        case Path():
            return node, 1.0
        case Arithmetic("*", Path() as path, Literal() as constant) | Arithmetic(
            "*", Literal() as constant, Path() as path
        ):
            factor = _number(constant)
            return (path, factor) if factor else None
        case _:
            return None


def _number(node: Literal) -> float:
    """A constant of ordinary size, or zero, which is no factor."""
    value = literal(node.value)
    return float(value) if value.__class__ is float and is_ordinary(value) else 0.0
