"""Quantifiers that compare a number of each element with one that none of them has, as comparisons of an extreme.

language, slots -> [extremes] -> findings, compiler

Some element is greater than a value if the greatest one is, all are if the least one is: `exists(Line.amount >
Order.total + 5)` means `Max(Line.amount) > Order.total + 5`. So the lists are gone through once for all rules, instead
of once for each. Takes the condition of a rule and gives one that means the same; leaves alone what a schema does not
say to be a number, and lists that rules write."""

from engine.facts import SlotLayout
from engine.language import (
    Aggregate,
    AggregateKind,
    And,
    Bound,
    Compare,
    CompareOp,
    Expression,
    Literal,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    changed,
    walk,
)

#: Operator to what its left side, an element, is greatest or least in where it holds for some element.
_EXTREMES: dict[CompareOp, AggregateKind] = {">": "Max", ">=": "Max", "<": "Min", "<=": "Min"}
_OPPOSITE: dict[AggregateKind, AggregateKind] = {"Max": "Min", "Min": "Max"}
_MIRRORED: dict[CompareOp, CompareOp] = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


def with_extremes(condition: Expression, layout: SlotLayout, written: frozenset[str]) -> Expression:
    """The same condition, with comparisons of extremes in the place of quantifiers.

    Args:
        condition: of a rule.
        layout: has slots for all that it reads.
        written: the facts that some rule writes to.
    """
    if layout.schema is None:
        return condition

    def within(node: Expression) -> Expression:
        if isinstance(node, Quantifier):
            return _of_elements(node.kind == "exists", node.fact, node.condition, layout, written) or node
        return node if isinstance(node, Aggregate | Pattern) else changed(node, within)

    return within(condition)


def _of_elements(
    some: bool, fact: str, condition: Expression, layout: SlotLayout, written: frozenset[str]
) -> Expression | None:
    """The comparison of an extreme that means what a quantifier does; None where there is none.

    Args:
        some: whether some element has to fulfil the condition; else all of them.
        fact: the list.
        condition: about an element.
        layout: has slots for all that it reads.
        written: the facts that some rule writes to.
    """
    if isinstance(condition, Not):
        opposite = _of_elements(not some, fact, condition.operand, layout, written)
        return None if opposite is None else Not(opposite)
    if not isinstance(condition, Compare) or condition.op not in _EXTREMES:
        return None
    for element, other, op in (
        (condition.left, condition.right, condition.op),
        (condition.right, condition.left, _MIRRORED[condition.op]),
    ):
        if isinstance(element, Path) and element.fact == fact and _is_apart(other, fact):
            field = layout.field(element)
            if field is None or field.kind != "number" or len(element.steps) != 1 or fact in written:
                return None
            kind = _EXTREMES[op] if some else _OPPOSITE[_EXTREMES[op]]
            extreme = Compare(op, Aggregate(kind, fact, element), other)
            if some:
                return extreme
            # It does not hold for an element without a number, but for all elements of a list that has none.
            are_numbers = Quantifier("forall", fact, Compare("!=", element, Literal(None)))
            return Or((Quantifier("forall", fact, Literal(False)), And((are_numbers, extreme))))
    return None


def _is_apart(node: Expression, fact: str) -> bool:
    """Whether a side of a comparison is the same for all elements, and not for all facts: that is looked up anyway."""
    nodes = list(walk(node))
    if any(isinstance(one, Quantifier | Aggregate | Pattern | Bound) for one in nodes):
        return False
    paths = [one for one in nodes if isinstance(one, Path)]
    return bool(paths) and all(path.fact != fact for path in paths)
