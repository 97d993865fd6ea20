"""Going through a tree of nodes.  nodes -> [traversal] -> operand_nodes, checks, facts, matching, lint

Takes a node, gives its operands, all nodes below it, or a tree like it. What only looks is iterative, so that it is
safe on a tree whose depth nobody has checked yet; it decides nothing about what it sees."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.language.nodes import (
    Action,
    Aggregate,
    And,
    Arithmetic,
    Assign,
    Bound,
    Call,
    Compare,
    Decide,
    Emit,
    Expression,
    Item,
    ListLiteral,
    Literal,
    Log,
    Membership,
    Negate,
    Not,
    Or,
    Path,
    Pattern,
    Quantifier,
    Rule,
    TextTest,
)

#: The agenda group that has the focus.
_MAIN = "MAIN"


def has_focus(rule: Rule) -> bool:
    """Whether a rule is in the agenda group that has the focus."""
    return rule.agenda_group in (None, _MAIN)


def children(node: Expression) -> tuple[Expression, ...]:
    """The operands of a node, left to right."""
    match node:
        # Most nodes are these: asked first, they are not compared with all other kinds.
        case Path() | Literal() | Bound():
            return ()
        case And(operands) | Or(operands) | Pattern(_, operands):
            return operands
        case Compare(_, left, right) | Arithmetic(_, left, right) | TextTest(_, left, right):
            return (left, right)
        case Membership(item, container):
            return (item, container)
        case Item(base, key):
            return (base, key)
        case Not(operand) | Negate(operand):
            return (operand,)
        case Call(_, args):
            return args
        case ListLiteral(items):
            return items
        case Quantifier(_, _, operand) | Aggregate(_, _, operand):
            return (operand,)


def changed(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The node with each of its operands changed.

    Args:
        node: of any kind.
        change: takes an operand, gives what is to stand in its place.

    Returns:
        A new node; the same one when it has no operands.
    """
    match node:
        case Path() | Literal() | Bound():
            return node
        case And(operands) | Or(operands) | Pattern(_, operands):
            return replace(node, operands=tuple(map(change, operands)))
        case Compare(_, left, right) | Arithmetic(_, left, right) | TextTest(_, left, right):
            return replace(node, left=change(left), right=change(right))
        case Membership(item, container):
            return replace(node, item=change(item), container=change(container))
        case Item(base, key):
            return replace(node, base=change(base), key=change(key))
        case Not(operand) | Negate(operand) | Aggregate(_, _, operand):
            return replace(node, operand=change(operand))
        case Call(_, args):
            return replace(node, args=tuple(map(change, args)))
        case ListLiteral(items):
            return replace(node, items=tuple(map(change, items)))
        case Quantifier(_, _, condition):
            return replace(node, condition=change(condition))


def walk(root: Expression) -> Iterator[Expression]:
    """Every node of a tree: parents first, left to right."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def paths(root: Expression) -> Iterator[Path]:
    """Every path of a tree, left to right."""
    return (node for node in walk(root) if isinstance(node, Path))


def pattern_of(condition: Expression) -> Pattern | None:
    """The pattern of a condition, if it has one: it can stand in one place only."""
    last = condition.operands[-1] if isinstance(condition, And) else condition
    return last if isinstance(last, Pattern) else None


def deeper_than(root: Expression, limit: int) -> bool:
    """Whether some node has more than so many nodes above it.

    Args:
        root: of the tree.
        limit: how many are allowed.
    """
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > limit:
            return True
        stack.extend((child, depth + 1) for child in children(node))
    return False


def action_expressions(action: Action) -> tuple[Expression, ...]:
    """What an action computes when it runs; the target of an assignment is not among it."""
    match action:
        case Assign(_, _, value):
            return (value,)
        case Decide(_, reason):
            return (reason,)
        case Log(text):
            return (text,)
        case Emit(_, args):
            return args
        case _:
            return ()


def rule_expressions(rule: Rule) -> Iterator[Expression]:
    """The condition of a rule, then what its actions compute."""
    yield rule.condition
    for action in rule.actions:
        yield from action_expressions(action)
