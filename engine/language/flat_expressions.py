"""Read expressions as nearly all are written, fast.  flat_words, operand_nodes -> [flat_expressions] -> flat_rules

Takes the offset where an expression begins, gives its node and the offset behind it, with one match of a pattern for a
whole comparison where it can. It reads a part of the language, and that part as `engine.language.expression_parser`
does, node by node and place by place (tests hold the two against each other). At anything else it raises `Surprised`,
reports nothing, and leaves the whole rule to that parser, which knows all that there is to say."""

import re
import typing
from collections.abc import Iterable
from decimal import Decimal

from engine.language.expression_parser import MAX_DEPTH, MAX_OPERANDS
from engine.language.flat_words import GAP, NAME, NUMBER, PATH, TEXT, FlatWords, Surprised
from engine.language.keywords import AGGREGATES, FACTS_TOO, NOT_YET, QUANTIFIERS, TEXT_TESTS
from engine.language.lexer import MAX_NAME_CHARACTERS
from engine.language.nodes import (
    Aggregate,
    And,
    Arithmetic,
    ArithmeticOp,
    Call,
    Compare,
    CompareOp,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Negate,
    Not,
    Or,
    Path,
    Quantifier,
    TextTest,
)
from engine.language.operand_nodes import call_node, lists_in
from engine.language.operand_parser import MAX_LIST_ITEMS, MAX_NESTING
from engine.language.source import Source
from engine.language.traversal import deeper_than
from engine.values import ValueRefused

#: Words that no call begins with; those of text tests are functions too.
_NO_CALLS = (FACTS_TOO - TEXT_TESTS.keys()) | NOT_YET.keys()
#: With so few operators and brackets in all, no tree is too high.
_FEW_OPERATORS = 24

_LITERAL = rf"(-?{NUMBER})|({TEXT})"
_END = r"(?=[);,\]]|then(?!\w)|\Z)"

_clause = re.compile(rf"{GAP}({PATH}){GAP}([=!]=|[<>]=?+){GAP}(?:{_LITERAL}|({PATH})){GAP}(?:(&&)|(\|\|)|{_END})").match
_CLAUSE_AND, _CLAUSE_OR = 6, 7
_connector = re.compile(rf"{GAP}(?:(&&)|(\|\|))").match
_comparison = re.compile(rf"{GAP}(?:([=!]=|[<>]=?+)|((?i:in|contains|startswith|endswith|matches))(?!\w))").match
# `--` is a comment elsewhere, and `->` an arrow.
_sign = re.compile(rf"{GAP}(?:([+*/%])|(-(?![->])))(?!=)").match
_operand = re.compile(rf"{GAP}(?:({PATH})(?:(?={GAP}([(.\[]))|)|({NUMBER})|({TEXT})|([(\[!]|-(?![->])))").match
_PLAIN, _FOLLOWED, _OPERAND_NUMBER, _OPERAND_TEXT = 1, 2, 3, 4
_number = re.compile(rf"{GAP}({NUMBER})").match
_item = re.compile(rf"{GAP}(?:{_LITERAL}){GAP}([,)\]])").match
_delimiter = re.compile(rf"{GAP}([,)\]])").match
_index = re.compile(rf"\[[ \t]*+(?:(0|[1-9][0-9]{{0,3}})|({TEXT}))[ \t]*+\]").match
_member = re.compile(rf"\.({NAME})(\()?").match
_open = re.compile(rf"{GAP}\(").match

#: A node, and where it begins and ends.
Read = tuple[Expression, int, int]


class FlatExpressions:
    """Reads expressions of one source.

    Args:
        source: the text; it takes no problems.
        list_facts: names of the facts that are lists of objects; None: not known, as in the parser.
    """

    def __init__(self, source: Source, list_facts: Iterable[str] | None = None) -> None:
        self.words = FlatWords(source)
        self._span = self.words.span
        self._text = source.text
        self._list_facts = None if list_facts is None else frozenset(list_facts)
        #: Operators and brackets of the expression so far.
        self._operators = 0
        self._in_quantifier = False

    def expression(self, position: int) -> tuple[Expression, int]:
        """Read a whole expression.

        Args:
            position: where it begins, or white space before it.

        Returns:
            The node, and the offset behind its last character. What follows there, the caller has to look at.

        Raises:
            Surprised: the parser has to read it.
        """
        self._operators, self._in_quantifier = 0, False
        node, _, end = self._logic(position, 1)
        if self._operators > _FEW_OPERATORS and deeper_than(node, MAX_DEPTH):
            raise Surprised
        return node, end

    # Operators

    def _logic(self, position: int, depth: int) -> Read:
        """`||` over `&&` over comparisons."""
        if depth > MAX_NESTING:
            raise Surprised
        text, span, words = self._text, self._span, self.words
        alternatives: list[Expression] = []
        conjunction: list[Expression] = []
        count, first, inner = 0, -1, -1
        while True:
            count += 1
            if count > MAX_OPERANDS:
                raise Surprised
            node: Expression
            if match := _clause(text, position):
                left, op, number, quoted, right = match.group(1, 2, 3, 4, 5)
                start, middle = match.span(1)
                at, end = match.span(5 if right else 3 if number else 4)
                of_path, place, whole = words.clause_spans(start, middle, at, end)
                path = words.path(left, of_path)
                operand = words.path(right, place) if right else Literal(words.constant(number, quoted), span=place)
                node = Compare(typing.cast(CompareOp, op), path, operand, span=whole)
                last, position = match.lastindex or 0, match.end()
            else:
                node, start, end = self._comparison(position, depth)
                match = _connector(text, end)
                last = 0
                if match is not None:
                    last, position = _CLAUSE_AND - 1 + (match.lastindex or 0), match.end()
            conjunction.append(node)
            first, inner = start if first < 0 else first, start if inner < 0 else inner
            if last == _CLAUSE_AND:
                continue
            if len(conjunction) > 1:
                conjunction = [And(tuple(conjunction), span=span(inner, end))]
            alternatives += conjunction
            if last != _CLAUSE_OR:
                break
            conjunction, inner = [], -1
        node = alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), span=span(first, end))
        return node, first, end

    def _comparison(self, position: int, depth: int) -> Read:
        left, start, end = self._sum(position, depth)
        match = _comparison(self._text, end)
        if match is None:
            return left, start, end
        op, word = match.group(1, 2)
        right, _, end = self._sum(match.end(), depth)
        span = self._span(start, end)
        if op is not None:
            return Compare(typing.cast(CompareOp, op), left, right, span=span), start, end
        word = word.lower()
        if word == "in":
            return Membership(left, right, span=span), start, end
        return TextTest(TEXT_TESTS[word], left, right, span=span), start, end

    def _sum(self, position: int, depth: int, only_products: bool = False) -> Read:
        """`*` over `+`, each from left to right."""
        left, start, end = self._unary(position, depth)
        height = 0
        while match := _sign(self._text, end):
            sign = match[1] or "-"
            if sign in "*/%":
                right, _, end = self._unary(match.end(), depth)
            elif only_products:
                break
            else:
                right, _, end = self._sum(match.end(), depth, True)
            self._operators += 1
            height += 1
            if height > MAX_DEPTH:
                raise Surprised
            left = Arithmetic(typing.cast(ArithmeticOp, sign), left, right, span=self._span(start, end))
        return left, start, end

    def _unary(self, position: int, depth: int) -> Read:
        match = _operand(self._text, position)
        if match is None:
            raise Surprised
        kind = match.lastindex or 0
        if kind == _FOLLOWED:
            return self._followed(match[1], match.start(1), depth)
        start, end = match.span(kind)
        written = match[kind]
        if kind == _PLAIN:
            return self.words.path(written, self._span(start, end)), start, end
        if kind == _OPERAND_NUMBER:
            return self.words.literal(written, "", start), start, end
        if kind == _OPERAND_TEXT:
            return self.words.literal(None, written, start), start, end
        self._operators += 1
        if depth > MAX_NESTING:
            raise Surprised
        if written == "(":
            node, _, end = self._logic(end, depth + 1)
            return node, start, self._closed(end, ")")
        if written == "[":
            items, end = self._items(end, "]", depth)
            return ListLiteral(items, span=self._span(start, end)), start, end
        if written == "-" and (number := _number(self._text, end)):
            value = typing.cast(Decimal, self.words.literal(number[1], "", number.start(1)).value)
            end = number.end()
            return Literal(-value if value else value, span=self._span(start, end)), start, end
        node, _, end = self._unary(end, depth + 1)
        span = self._span(start, end)
        return (Not(node, span=span) if written == "!" else Negate(node, span=span)), start, end

    def _closed(self, position: int, close: str) -> int:
        match = _delimiter(self._text, position)
        if match is None or match[1] != close:
            raise Surprised
        return match.end()

    def _items(self, position: int, close: str, depth: int) -> tuple[tuple[Expression, ...], int]:
        """Expressions with commas between them, up to the closing bracket; and the offset behind that."""
        text, literal = self._text, self.words.literal
        self._operators += 1
        if depth >= MAX_NESTING:
            raise Surprised
        if _delimiter(text, position):
            return (), self._closed(position, close)
        items: list[Expression] = []
        delimiter = ","
        while delimiter == "," and len(items) < MAX_LIST_ITEMS:
            if match := _item(text, position):
                number, quoted, delimiter = match.group(1, 2, 3)
                items.append(literal(number, quoted, match.start(1 if number else 2)))
                position = match.end()
                continue
            node, _, end = self._logic(position, depth + 1)
            items.append(node)
            match = _delimiter(text, end)
            if match is None:
                raise Surprised
            delimiter, position = match[1], match.end()
        if delimiter != close:
            raise Surprised
        return tuple(items), position

    # What has brackets behind its name

    def _followed(self, written: str, start: int, depth: int) -> Read:
        """A path with a place, a method or a call behind it, and what follows that."""
        if depth >= MAX_NESTING:
            raise Surprised
        end = start + len(written)
        match = _open(self._text, end)
        if match is None:
            node = self.words.path(written, self._span(start, end))
        elif "." not in written:
            node, end = self._call(written, start, match.end(), depth)
        else:
            owner, _, name = written.rpartition(".")
            receiver = self.words.path(owner, self._span(start, start + len(owner)))
            node, end = self._method(receiver, name, end - len(name), match.end(), depth)
        while True:
            if match := _member(self._text, end):
                if match[2]:
                    node, end = self._method(node, match[1], match.start(1), match.end(), depth)
                    continue
                step: str | int = match[1]
            elif match := _index(self._text, end):
                step = self.words.text(match[2]) if match[2] else int(match[1])
            else:
                return node, start, end
            end = match.end()
            if not isinstance(node, Path):
                raise Surprised
            node = self.words.longer(node, step, start, end)

    def _method(self, receiver: Expression, name: str, start: int, position: int, depth: int) -> tuple[Expression, int]:
        """`receiver.name(…)`, from behind its opening parenthesis."""
        if not isinstance(receiver, Path | Call) or name.lower() in AGGREGATES or name.lower() == "in":
            raise Surprised
        args, end = self._items(position, ")", depth)
        return self._call_node(name, (receiver, *args), start, end), end

    def _call(self, name: str, start: int, position: int, depth: int) -> tuple[Expression, int]:
        """`name(…)`, from behind its opening parenthesis."""
        word = name.lower()
        if word in QUANTIFIERS or word in AGGREGATES:
            return self._over_list(word, start, position, depth)
        if word in _NO_CALLS:
            raise Surprised
        args, end = self._items(position, ")", depth)
        return self._call_node(name, args, start, end), end

    def _call_node(self, name: str, args: tuple[Expression, ...], start: int, end: int) -> Expression:
        if len(name) > MAX_NAME_CHARACTERS:
            raise Surprised
        try:
            return call_node(name, args, self._span(start, end))
        except ValueRefused:
            raise Surprised from None

    def _over_list(self, word: str, start: int, position: int, depth: int) -> tuple[Expression, int]:
        """A quantifier, an aggregate, or the call `Max(a, b)`."""
        is_inner, self._in_quantifier = self._in_quantifier, True
        args, end = self._items(position, ")", depth)
        self._in_quantifier = is_inner
        span = self._span(start, end)
        if word in AGGREGATES and word != "count" and (len(args) != 1 or not lists_in(args[0], self._list_facts)):
            return Call(AGGREGATES[word], args, span=span), end
        if is_inner or len(args) != 1:
            raise Surprised
        (operand,) = args
        lists = lists_in(operand, self._list_facts)
        if len(lists) != 1:
            raise Surprised
        if isinstance(operand, Path) and not operand.steps and (word == "count" or word in QUANTIFIERS):
            operand = Literal(True, span=operand.span)
        if word in QUANTIFIERS:
            return Quantifier(QUANTIFIERS[word], lists[0], operand, span=span), end
        return Aggregate(AGGREGATES[word], lists[0], operand, span=span), end
