"""Read one operand: a literal, a field, a call, a list.  cursor -> [operand_parser] -> expression_parser

Methods become the same nodes as infix operators and calls here, and quantifiers and aggregates find the list that they
are about, so that nothing after the parser knows of them. It knows no field and no function by name
(`engine.checks.rule_checks` does)."""

from abc import abstractmethod
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from engine.diagnostics import Span
from engine.language.keywords import AGGREGATES, CONSTANTS, NOT_YET, QUANTIFIERS, RESERVED, TEXT_TESTS
from engine.language.lexer import Token
from engine.language.nodes import (
    Aggregate,
    AggregateKind,
    Call,
    Expression,
    ListLiteral,
    Literal,
    Membership,
    Path,
    Quantifier,
    QuantifierKind,
    TextTest,
)
from engine.language.source import Source
from engine.language.token_stream import TokenStream
from engine.language.traversal import paths

#: Of parentheses, calls and lists within each other; written rules stay under ten.
MAX_NESTING = 50
#: Of one list; more belongs in a table.
MAX_LIST_ITEMS = 10_000
#: What to write instead of something that is too long.
USE_A_TABLE = "a decision table says this in rows"


class OperandParser(TokenStream):
    """A cursor that reads operands.

    Args:
        source: the text; takes the problems.
        list_facts: names of the facts that are lists of objects; None: not known, so that the first fact named in a
            quantifier is taken for its list.
    """

    def __init__(self, source: Source, list_facts: Iterable[str] | None = None) -> None:
        super().__init__(source)
        self._list_facts = None if list_facts is None else frozenset(list_facts)
        self._depth = 0
        self._in_quantifier = False

    @abstractmethod
    def logic(self) -> Expression:
        """Read what may stand in parentheses."""

    def signed_number(self, signs: list[Token]) -> Expression:
        """Read a number; a minus just before it belongs to it and is taken off the signs."""
        token = self.advance()
        value = token.value
        if signs and signs[-1].value == "-":
            start = signs.pop().start
            return Literal(-value if value else value, span=self.source.span(start, token.end))  # type: ignore[operator]
        return Literal(value, span=self.source.span(token.start, token.end))

    def primary(self) -> Expression:
        """Read an operand, without what follows it (`postfix` does)."""
        token = self.token
        if token.kind == "text":
            self.advance()
            return Literal(token.value, span=self.source.span(token.start, token.end))
        if self.take("("):
            node = self.logic()
            if self.at(","):
                raise self.slip("grl-syntax", "expected ')', found ','", "a list stands in brackets: [a, b]")
            self.expect(")", "to close the parenthesis")
            return node
        if self.take("["):
            items = self._items("]", "to close the list")
            return ListLiteral(items, span=self.span_from(token.start))
        if token.kind == "name":
            return self._name()
        hint = ""
        if token.kind == "op" and str(token.value) in ("&&", "||", "=="):
            hint = "an operand is missing"
        raise self.slip("grl-syntax", f"expected a value{self._after()}, found {self.found()}", hint)

    def _after(self) -> str:
        written = self.source.text[self.before.start : self.before.end]
        return f" after '{written}'" if written and len(written) <= 30 and "'" not in written else ""

    def _name(self) -> Expression:
        token = self.advance()
        name, word = str(token.value), str(token.value).lower()
        if word in CONSTANTS and not self.at("("):
            return Literal(CONSTANTS[word], span=self.source.span(token.start, token.end))
        if word in NOT_YET and self.at("("):
            raise self.slip("grl-unsupported", NOT_YET[word], token=token)
        if word in RESERVED and word not in QUANTIFIERS:
            raise self.slip("grl-syntax", f"expected a value, found the word '{name}'", token=token)
        if not self.at("("):
            return Path(name, span=self.source.span(token.start, token.end))
        if word in QUANTIFIERS:
            return self._quantifier(QUANTIFIERS[word], token)
        self.advance()
        if word in AGGREGATES:
            return self._aggregate(AGGREGATES[word], token)
        args = self._items(")", f"to close {name}(")
        return self._call(name, args, token)

    def _call(self, name: str, args: tuple[Expression, ...], token: Token) -> Expression:
        """A call, or the operator that it is another way to write."""
        span = self.span_from(token.start)
        operator = TEXT_TESTS.get(name.lower())
        if operator and len(args) == 2:
            return TextTest(operator, args[0], args[1], span=span)
        if (
            name.lower() == "date"
            and len(args) == 1
            and isinstance(args[0], Literal)
            and isinstance(args[0].value, str)
        ):
            moment = read_moment(args[0].value)
            if moment is None:
                hint = 'write "2026-01-31" or "2026-01-31T09:30:00+00:00"'
                raise self.slip("grl-date", f"'{args[0].value[:40]}' is not a date", hint, token)
            return Literal(moment, span=span)
        return Call(name, args, span=span)

    def _items(self, close: str, where: str) -> tuple[Expression, ...]:
        """Expressions with commas between them, up to the closing bracket."""
        items: list[Expression] = []
        if self.take(close):
            return ()
        while True:
            items.append(self.logic())
            if len(items) > MAX_LIST_ITEMS:
                raise self.slip("grl-too-large", f"a list has at most {MAX_LIST_ITEMS:,} items", USE_A_TABLE)
            if not self.take(","):
                break
        self.expect(close, where)
        return tuple(items)

    def _quantifier(self, kind: QuantifierKind, token: Token) -> Expression:
        self.advance()
        nested, self._in_quantifier = self._in_quantifier, True
        operand = self.logic()
        self._in_quantifier = nested
        if self.at(","):
            raise self.slip("grl-syntax", f"'{kind}' takes one argument: a condition on a list fact")
        self.expect(")", f"to close {kind}(")
        fact, condition = self._over_list(token, kind, operand, nested)
        return Quantifier(kind, fact, condition, span=self.span_from(token.start))

    def _aggregate(self, kind: AggregateKind, token: Token) -> Expression:
        """`Sum(Line.amount)`; or a call, such as `Max(a, b)` and `Sum([1, 2])`, when it is about no list fact."""
        nested, self._in_quantifier = self._in_quantifier, True
        args = self._items(")", f"to close {kind}(")
        self._in_quantifier = nested
        if len(args) == 1 and (kind == "Count" or self._lists(args[0])):
            fact, operand = self._over_list(token, kind, args[0], nested)
            return Aggregate(kind, fact, operand, span=self.span_from(token.start))
        return Call(kind, args, span=self.span_from(token.start))

    def _lists(self, operand: Expression) -> list[str]:
        """The list facts that an expression names."""
        named = list(dict.fromkeys(path.fact for path in paths(operand)))
        return named[:1] if self._list_facts is None else [fact for fact in named if fact in self._list_facts]

    def _over_list(self, token: Token, kind: str, operand: Expression, nested: bool) -> tuple[str, Expression]:
        """The list that a quantifier or an aggregate is about, and what it asks of each element."""
        lists = self._lists(operand)
        if nested:
            hint = "compute the inner one in a rule of its own, and read the field it wrote"
            message = f"'{kind}' can't stand inside another quantifier or aggregate"
            self.source.report("nested-list", token.start, token.end, message, hint)
        elif len(lists) != 1:
            message = f"'{kind}' has to be about one list fact, and " + (
                f"this is about {' and '.join(lists)}" if lists else "none is named here"
            )
            hint = f"list facts: {', '.join(sorted(self._list_facts))}" if self._list_facts else ""
            self.source.report("list-fact", token.start, token.end, message, hint)
        lists = lists or [""]
        if isinstance(operand, Path) and not operand.steps and (kind == "Count" or kind in QUANTIFIERS):
            return lists[0], Literal(True, span=operand.span)
        return lists[0], operand

    def postfix(self, node: Expression) -> Expression:
        """Members, positions and methods of a value."""
        while True:
            if self.take("."):
                member = self.token
                if member.kind != "name":
                    raise self.slip("grl-syntax", f"expected a name after '.', found {self.found()}")
                self.advance()
                if self.take("("):
                    node = self._method(node, member)
                else:
                    node = self._step(node, str(member.value), member)
            elif self.at("["):
                opened = self.advance()
                key = self.token
                if key.kind not in ("text", "number") or (key.kind == "number" and key.value != int(key.value)):
                    hint = 'for example tags[0] or sizes["xl"]'
                    raise self.slip("grl-syntax", "an index is a whole number from 0 or a text", hint)
                self.advance()
                self.expect("]", "to close the index")
                if isinstance(key.value, Decimal) and key.value >= MAX_LIST_ITEMS:
                    raise self.slip("grl-too-large", f"an index is under {MAX_LIST_ITEMS:,}", token=key)
                node = self._step(node, key.value if isinstance(key.value, str) else int(key.value), opened)
            else:
                return node

    def _step(self, node: Expression, step: str | int, token: Token) -> Expression:
        if not isinstance(node, Path):
            raise self.slip("grl-syntax", "only a fact has members and positions", token=token)
        if len(node.steps) >= MAX_NESTING:
            raise self.slip("grl-too-deep", f"a path has at most {MAX_NESTING} steps", token=token)
        begin = node.span.column if node.span else 0
        span = self.source.span(self.before.start, self.before.end)
        if node.span and node.span.line == span.line:
            span = Span(span.source, span.line, begin, span.column + span.length - begin)
        return Path(node.fact, (*node.steps, step), span=span)

    def _method(self, receiver: Expression, member: Token) -> Expression:
        """`receiver.Name(args)`, as what it is another way to write."""
        name, word = str(member.value), str(member.value).lower()
        if word in AGGREGATES and self.take(")"):
            kind = AGGREGATES[word]
            if kind == "Count" or self._lists(receiver):
                fact, operand = self._over_list(member, kind, receiver, self._in_quantifier)
                return Aggregate(kind, fact, operand, span=self.span_from(member.start))
            return Call(kind, (receiver,), span=self.span_from(member.start))
        args = self._items(")", f"to close {name}(")
        if word == "in" and args:
            single = args[0] if len(args) == 1 and not isinstance(args[0], Literal) else None
            container = single or ListLiteral(args, span=self.span_from(member.start))
            return Membership(receiver, container, span=self.span_from(member.start))
        return self._call(name, (receiver, *args), member)


def read_moment(text: str) -> datetime | None:
    """The moment that an ISO 8601 text means: a bare date is its midnight, and no offset means UTC; else None.

    >>> read_moment("2026-01-31")
    datetime.datetime(2026, 1, 31, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    # An offset can push a moment of year 1 or 9999 out of the calendar.
    except (ValueError, OverflowError):
        return None
