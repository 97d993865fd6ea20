"""What a call and a list mean, once read.  nodes, traversal -> [operand_nodes] -> operand_parser, flat_expressions

Takes names and nodes, gives the node that they stand for: a method or a call that is another way to write an operator
becomes that operator. Reads no text and reports nothing; the two readers of operands agree, for both ask here."""

from collections.abc import Collection

from engine.diagnostics import Span
from engine.functions import ALIASES
from engine.language.keywords import COMPARISONS, TEXT_TESTS
from engine.language.nodes import Call, Compare, Expression, ListLiteral, Literal, TextTest
from engine.language.traversal import paths
from engine.language.written_values import read_clock, read_moment
from engine.values import ValueRefused


def call_node(name: str, args: tuple[Expression, ...], span: Span) -> Expression:
    """A call, or the operator or the constant that it is another way to write.

    Args:
        name: as it is written.
        args: of it; the receiver of a method is the first.
        span: of the whole.

    Raises:
        ValueRefused: it should be a date, a time or a duration, and its text is none.
    """
    word = name.lower()
    operator = TEXT_TESTS.get(word)
    if operator and len(args) == 2:
        return TextTest(operator, args[0], args[1], span=span)
    if word in COMPARISONS and len(args) == 2:
        return Compare(COMPARISONS[word], args[0], args[1], span=span)
    match args:
        case (Literal(str() as text),) if word == "date":
            written = read_moment(text)
            if written is None:
                raise ValueRefused("is not a date")
            return Literal(written, span=span)
        case (Literal(str() as text),) if word in ("time", "duration"):
            return Literal(read_clock(text, word), span=span)
    return Call(ALIASES.get(name, name), args, span=span)


def lists_in(operand: Expression, list_facts: Collection[str] | None) -> list[str]:
    """The list facts that an expression names.

    Args:
        operand: of a quantifier or an aggregate.
        list_facts: their names; None: not known, so that the first fact is taken for one.
    """
    if list_facts is None and isinstance(operand, ListLiteral):
        # What is listed here is the list; with no schema to say so, any fact in it could be taken for one.
        return []
    facts = list(dict.fromkeys(path.fact for path in paths(operand)))
    return facts[:1] if list_facts is None else [fact for fact in facts if fact in list_facts]
