"""The condition that a cell of a decision table stands for.  unary_tests -> [cell_nodes] -> reader

Takes the tests of a cell and the expression of its column, gives one node, placed where the cell stands. Reads no text
and refuses nothing."""

from engine.checks import ValueKind
from engine.diagnostics import Span
from engine.language import (
    And,
    Compare,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Not,
    Or,
    Path,
    TextTest,
)
from engine.tables.unary_tests import CellTests, Comparison, Range


def to_node(tests: CellTests, subject: Expression, kind: ValueKind, span: Span) -> Expression:
    """The condition that a cell stands for.

    Args:
        tests: the cell.
        subject: the expression of its column.
        kind: of the column; in a column of lists a value is looked for in the list.
        span: the place of the cell.

    Returns:
        The node; several plain values become one membership.
    """
    if len(tests.tests) > 1 and kind != "list" and all(_plain(test) for test in tests.tests):
        items = tuple(_at(test.operand, span) for test in tests.tests if isinstance(test, Comparison))
        node: Expression = Membership(subject, ListLiteral(items, span=span), span=span)
    else:
        nodes = tuple(_one(test, subject, kind, span) for test in tests.tests)
        node = nodes[0] if len(nodes) == 1 else Or(nodes, span=span)
    return Not(node, span=span) if tests.negated else node


def _plain(test: Comparison | Range) -> bool:
    return isinstance(test, Comparison) and test.op == "==" and isinstance(test.operand, Literal)


def _one(test: Comparison | Range, subject: Expression, kind: ValueKind, span: Span) -> Expression:
    if isinstance(test, Range):
        low = Compare(">=" if test.low_closed else ">", subject, _at(test.low, span), span=span)
        high = Compare("<=" if test.high_closed else "<", subject, _at(test.high, span), span=span)
        return And((low, high), span=span)
    # A list that is missing is null itself; null within one is for a rule to ask.
    if kind == "list" and test.op == "==" and test.operand != Literal(None):
        return TextTest("contains", subject, _at(test.operand, span), span=span)
    return Compare(test.op, subject, _at(test.operand, span), span=span)


def _at(node: Expression, span: Span) -> Expression:
    """The same constant or path, at the place of its cell."""
    if isinstance(node, Literal):
        return Literal(node.value, span=span)
    return Path(node.fact, node.steps, span=span) if isinstance(node, Path) else node
