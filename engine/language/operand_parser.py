"""Read one operand: a literal, a field, a call, a list.  token_stream -> [operand_parser] -> expression_parser

Takes tokens, gives the node of one operand, or reports why there is none and raises `StatementUnreadable`. Methods
become the same nodes as infix operators and calls here, and quantifiers and aggregates find the list that they are
about, so that nothing after the parser knows of them. It knows no field by name, and of functions only
what else they are called (`engine.checks.rule_checks` knows both)."""

import typing
from collections.abc import Callable, Iterable
from decimal import Decimal

from engine.diagnostics import Span
from engine.language.keywords import (
    AGGREGATES,
    CONSTANTS,
    FOR_OPERATORS,
    FOREIGN_INFIX,
    FOREIGN_PREFIX,
    NOT_YET,
    QUANTIFIERS,
    RESERVED,
    TEXT_TESTS,
)
from engine.language.lexer import Token
from engine.language.nodes import (
    Aggregate,
    AggregateKind,
    Call,
    Expression,
    Item,
    ListLiteral,
    Literal,
    Membership,
    Path,
    Quantifier,
    QuantifierKind,
    Scalar,
)
from engine.language.operand_nodes import call_node, lists_in
from engine.language.token_stream import PERCENTAGE, TokenStream
from engine.values import ValueRefused

#: Of parentheses, calls and lists within each other; written rules stay under ten.
MAX_NESTING = 50
#: Of one list; more belongs in a table.
MAX_LIST_ITEMS = 10_000
#: What to write instead of something that is too long.
USE_A_TABLE = "a decision table says this in rows"
#: What to write instead of a text that is no date.
DATE_FORMS = 'write "2026-01-31" or "2026-01-31T09:30:00+00:00"'

#: Words that may follow an operand, so that what stands before them is one.
_INFIX = RESERVED | FOR_OPERATORS.keys() | TEXT_TESTS.keys() | FOREIGN_INFIX.keys()
_INDEXES = 'for example tags[0], sizes["xl"] or rates[Order.country]'


class OperandParser:
    """Reads operands.

    Args:
        tokens: of the source.
        nested: reads what may stand in parentheses, in a call and in a list; the expression parser counts these.
        list_facts: names of the facts that are lists of objects; None: not known, so that the first fact named in a
            quantifier is taken for its list.
    """

    def __init__(
        self, tokens: TokenStream, nested: Callable[[], Expression], list_facts: Iterable[str] | None = None
    ) -> None:
        self._tokens = tokens
        self._nested = nested
        self._list_facts = None if list_facts is None else frozenset(list_facts)
        #: Whether what is read stands inside a quantifier or an aggregate, where no other may stand.
        self._in_quantifier = False

    def signed_number(self, signs: list[Token]) -> Expression:
        """Read a number; a minus just before it belongs to it and is taken off the signs."""
        token = self._tokens.advance()
        value = token.value
        if signs and signs[-1].value == "-":
            start = signs.pop().start
            span = self._tokens.source.span(start, token.end)
            return Literal(-value if value else value, span=span)  # type: ignore[operator]
        return Literal(value, span=self._tokens.span_of(token))

    def primary(self) -> Expression:
        """Read an operand, without what follows it (`postfix` does).

        Raises:
            StatementUnreadable: there is none, and why is reported.
        """
        tokens = self._tokens
        token = tokens.token
        if token.kind == "name":
            return self._name()
        if token.kind == "text":
            tokens.advance()
            return Literal(token.value, span=tokens.span_of(token))
        if tokens.take("("):
            node = self._nested()
            if tokens.at(","):
                if tokens.source.is_marked(token.start):
                    tokens.source.mark(tokens.token.start)
                raise tokens.unreadable("grl-syntax", "expected ')', found ','", "a list stands in brackets: [a, b]")
            tokens.expect(")", "to close the parenthesis")
            return node
        if tokens.take("["):
            items = self._items("]", "to close the list")
            return ListLiteral(items, span=tokens.span_from(token.start))
        raise tokens.no_value()

    def _name(self) -> Expression:
        tokens = self._tokens
        token = tokens.advance()
        name, word = str(token.value), str(token.value).lower()
        if tokens.at(".") or tokens.at("["):
            return Path(name, span=tokens.span_of(token))
        if word in CONSTANTS and not tokens.at("("):
            return Literal(CONSTANTS[word], span=tokens.span_of(token))
        if word in NOT_YET and tokens.at("("):
            raise tokens.unreadable("grl-unsupported", NOT_YET[word], token=token)
        if word in RESERVED and word not in QUANTIFIERS:
            is_share = tokens.source.text[max(0, token.start - 20) : token.start].rstrip().endswith("%")
            message = f"expected a value, found the word '{name}'"
            raise tokens.unreadable("grl-syntax", message, PERCENTAGE if is_share else "", token)
        goes_on = tokens.word() not in _INFIX or (word == "case" and tokens.word() == "when")
        if word in FOREIGN_PREFIX and tokens.token.kind in ("name", "number", "text") and goes_on:
            problem = tokens.unreadable("grl-operator", f"'{name}' is not an operator", FOREIGN_PREFIX[word], token)
            if word in ("if", "case"):
                # Its own 'then' begins no actions.
                tokens.skip_branches()
            raise problem
        if not tokens.at("("):
            return Path(name, span=tokens.span_of(token))
        tokens.advance()
        if word in QUANTIFIERS:
            return self._quantifier(QUANTIFIERS[word], token)
        if word in AGGREGATES:
            return self._aggregate(AGGREGATES[word], token)
        args = self._items(")", f"to close {name}(")
        return self._call(name, args, token)

    def _call(self, name: str, args: tuple[Expression, ...], token: Token) -> Expression:
        """A call, or the operator that it is another way to write."""
        try:
            return call_node(name, args, self._tokens.span_from(token.start))
        except ValueRefused as refused:
            is_date = name.lower() == "date"
            code, hint = "grl-date" if is_date else "grl-clock", DATE_FORMS if is_date else ""
            text = str(args[0].value) if isinstance(args[0], Literal) else ""
            raise self._tokens.unreadable(code, f"'{text[:40]}' {refused}", hint, token) from None

    def _items(self, close: str, purpose: str) -> tuple[Expression, ...]:
        """Expressions with commas between them, up to the closing bracket."""
        tokens = self._tokens
        items: list[Expression] = []
        if tokens.take(close):
            return ()
        while True:
            items.append(self._nested())
            if len(items) > MAX_LIST_ITEMS:
                message = f"a list has at most {MAX_LIST_ITEMS:,} items"
                raise tokens.unreadable("grl-too-large", message, USE_A_TABLE)
            if not tokens.take(","):
                break
        tokens.expect(close, purpose)
        return tuple(items)

    # Lists of objects

    def _quantifier(self, kind: QuantifierKind, token: Token) -> Expression:
        is_inner, self._in_quantifier = self._in_quantifier, True
        try:
            operand = self._whole_list() or self._nested()
        finally:
            self._in_quantifier = is_inner
        if self._tokens.at(","):
            raise self._tokens.unreadable("grl-syntax", f"'{kind}' takes one argument: a condition on a list fact")
        self._tokens.expect(")", f"to close {kind}(")
        fact, condition = self._over_list(token, kind, operand, is_inner)
        return Quantifier(kind, fact, condition, span=self._tokens.span_from(token.start))

    def _aggregate(self, kind: AggregateKind, token: Token) -> Expression:
        """`Sum(Line.amount)`; or a call, such as `Max(a, b)` and `Sum([1, 2])`, when it is about no list fact."""
        is_inner, self._in_quantifier = self._in_quantifier, True
        try:
            whole = self._whole_list() if kind == "Count" else None
            args = self._items(")", f"to close {kind}(") if whole is None else (whole,)
        finally:
            self._in_quantifier = is_inner
        if whole is not None:
            self._tokens.expect(")", f"to close {kind}(")
        if len(args) == 1 and (kind == "Count" or self._lists(args[0])):
            fact, operand = self._over_list(token, kind, args[0], is_inner)
            return Aggregate(kind, fact, operand, span=self._tokens.span_from(token.start))
        return Call(kind, args, span=self._tokens.span_from(token.start))

    def _whole_list(self) -> Path | None:
        """A list fact by a name that is a word of the language: `exists(Rule)`; None when none stands here."""
        tokens = self._tokens
        if tokens.word() not in RESERVED or tokens.word() in CONSTANTS or not tokens.comes(")"):
            return None
        token = tokens.advance()
        return Path(str(token.value), span=tokens.span_of(token))

    def _lists(self, operand: Expression) -> list[str]:
        """The list facts that an expression names."""
        return lists_in(operand, self._list_facts)

    def _over_list(self, token: Token, kind: str, operand: Expression, is_inner: bool) -> tuple[str, Expression]:
        """The list that a quantifier or an aggregate is about, and what it asks of each element."""
        source, lists = self._tokens.source, self._lists(operand)
        if is_inner:
            hint = "compute the inner one in a rule of its own, and read the field it wrote"
            message = f"'{kind}' can't stand inside another quantifier or aggregate"
            source.report("nested-list", token.start, token.end, message, hint)
        elif len(lists) != 1:
            message = f"'{kind}' has to be about one list fact, and " + (
                f"this is about {' and '.join(lists)}" if lists else "none is named here"
            )
            hint = f"list facts: {', '.join(sorted(self._list_facts))}" if self._list_facts else ""
            if not lists and isinstance(operand, Path) and kind == "Count":
                hint = "a list that is a field has Len(Order.tags) items"
            source.report("list-fact", token.start, token.end, message, hint)
        if not lists:
            # One mistake: what is asked of an element makes no sense where there are none.
            return "", Literal(True, span=operand.span)
        if isinstance(operand, Path) and not operand.steps and (kind == "Count" or kind in QUANTIFIERS):
            return lists[0], Literal(True, span=operand.span)
        return lists[0], operand

    # What follows an operand

    def postfix(self, node: Expression) -> Expression:
        """Read the members, positions and methods of a value.

        Raises:
            StatementUnreadable: one can't be read, and why is reported.
        """
        tokens = self._tokens
        while True:
            if tokens.take("."):
                member = tokens.token
                if member.kind != "name":
                    raise tokens.unreadable("grl-syntax", f"expected a name after '.', found {tokens.shown()}")
                tokens.advance()
                if tokens.take("("):
                    node = self._method(node, member)
                else:
                    node = self._step(node, Literal(str(member.value)), member)
            elif tokens.at("["):
                node = self._index(node)
            else:
                return node

    def _index(self, node: Expression) -> Expression:
        tokens = self._tokens
        bracket = tokens.advance()
        first = tokens.token
        if tokens.at("]"):
            raise tokens.unreadable("grl-syntax", f"expected an index, found {tokens.shown()}", _INDEXES)
        key = self._nested()
        if isinstance(key, Literal):
            value = key.value
            if not isinstance(value, str) and not _is_place(value):
                raise tokens.unreadable("grl-syntax", "an index is a whole number from 0 or a text", _INDEXES, first)
            if isinstance(value, Decimal) and value >= MAX_LIST_ITEMS:
                raise tokens.unreadable("grl-too-large", f"an index is under {MAX_LIST_ITEMS:,}", token=first)
        tokens.expect("]", "to close the index")
        return self._step(node, key, bracket)

    def _step(self, node: Expression, key: Expression, token: Token) -> Expression:
        """A member or a place of a value; `key` is a literal text, a place, or what the facts say."""
        tokens = self._tokens
        if not isinstance(node, Path | Item | Call | ListLiteral):
            raise tokens.unreadable("grl-syntax", "only facts, lists and calls have members and places", token=token)
        begin = node.span.column if node.span else 0
        span = tokens.span_of(tokens.before)
        if node.span and node.span.line == span.line:
            span = Span(span.source, span.line, begin, span.column + span.length - begin)
        if not isinstance(node, Path) or not isinstance(key, Literal):
            return Item(node, key, span=span)
        if len(node.steps) >= MAX_NESTING:
            raise tokens.unreadable("grl-too-deep", f"a path has at most {MAX_NESTING} steps", token=token)
        step = key.value if isinstance(key.value, str) else int(typing.cast(Decimal, key.value))
        return Path(node.fact, (*node.steps, step), span=span)

    def _method(self, receiver: Expression, member: Token) -> Expression:
        """`receiver.Name(args)`, as what it is another way to write."""
        name, word = str(member.value), str(member.value).lower()
        if word in AGGREGATES and self._tokens.take(")"):
            kind = AGGREGATES[word]
            if kind == "Count" or self._lists(receiver):
                fact, operand = self._over_list(member, kind, receiver, self._in_quantifier)
                return Aggregate(kind, fact, operand, span=self._tokens.span_from(member.start))
            return Call(kind, (receiver,), span=self._tokens.span_from(member.start))
        args = self._items(")", f"to close {name}(")
        if word == "in" and args:
            single = args[0] if len(args) == 1 and not isinstance(args[0], Literal) else None
            container = single or ListLiteral(args, span=self._tokens.span_from(member.start))
            return Membership(receiver, container, span=self._tokens.span_from(member.start))
        return self._call(name, (receiver, *args), member)


def _is_place(value: Scalar) -> bool:
    return isinstance(value, Decimal) and value >= 0 and value == value.to_integral_value()
