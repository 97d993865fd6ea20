"""Read one expression.  source -> lexer -> [expression_parser] -> parser, tables

Takes the tokens of a `Source`, gives an expression node, or reports to the source and raises `Slip`, which whoever
reads the statement catches to go on with the next. Binary operators are read by precedence climbing; nesting is counted
and refused long before Python's own limit. Methods become the same nodes as infix operators and calls here, so that
nothing after the parser knows of them. It knows no field and no function by name (`engine.checks` does)."""

import typing
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from engine.cursor import Cursor, Slip
from engine.lexer import Token
from engine.nodes import (
    Aggregate,
    AggregateKind,
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
    QuantifierKind,
    Span,
    TextOp,
    TextTest,
)
from engine.source import Source
from engine.walk import deeper_than, paths

#: Of parentheses, calls and lists within each other; written rules stay under ten.
MAX_NESTING = 50
#: Of operators on top of each other, in `a + b + c + …` too: the height of a tree.
MAX_DEPTH = 100
#: Of one list; more belongs in a table.
MAX_LIST_ITEMS = 10_000
#: Conditions joined by `&&` and `||` without parentheses.
MAX_OPERANDS = 1_000
_USE_A_TABLE = "a decision table says this in rows"

_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startswith", "endswith", "matches"))
_SUM, _PRODUCT = 1, 2
_POWERS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
_TEXT_TESTS: dict[str, TextOp] = {
    "contains": "contains",
    "hasprefix": "startsWith",
    "startswith": "startsWith",
    "hassuffix": "endsWith",
    "endswith": "endsWith",
    "matchstring": "matches",
    "matches": "matches",
}
_QUANTIFIERS: dict[str, QuantifierKind] = {"exists": "exists", "forall": "forall"}
_AGGREGATES: dict[str, AggregateKind] = {"count": "Count", "sum": "Sum", "min": "Min", "max": "Max", "avg": "Avg"}
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "nil": None}
#: Words that can't be the name of a fact.
RESERVED = frozenset(("in", *_QUANTIFIERS, *_CONSTANTS, "rule", "when", "then"))
_WORDS_FOR_OPERATORS = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "==", "mod": "%", "like": "matches"}
#: Words of other rule languages, and what to say to them.
NOT_YET = {
    "from": "streams ('from') are not in the language yet",
    "over": "windows ('over') are not in the language yet",
    "within": "windows ('within') are not in the language yet",
    "window": "windows are not in the language yet",
    "stream": "streams are not in the language yet",
    "accumulate": "'accumulate' is not in the language; write Count, Sum, Min, Max or Avg",
    "test": "'test' is not in the language; write the expression alone",
    "eval": "'eval' is not in the language; write the expression alone",
}


class ExpressionParser(Cursor):
    """A cursor that reads expressions.

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

    def expression(self) -> Expression:
        """Read one whole expression.

        Returns:
            The node; no part of it has more than `MAX_DEPTH` nodes above it.

        Raises:
            Slip: there is none, and why is reported.
        """
        start = self.token
        self._depth, self._in_quantifier = 0, False
        node = self._logic()
        if deeper_than(node, MAX_DEPTH):
            raise self._too_deep(start)
        return node

    def _too_deep(self, token: Token) -> Slip:
        return self.slip("grl-too-deep", f"more than {MAX_DEPTH} operators on top of each other", token=token)

    def _operator(self) -> str:
        """The binary operator here, in lower case; empty when there is none."""
        if self.at("="):
            self.report_here("grl-assignment", "'=' assigns, it does not compare", "did you mean '=='?")
            self.replace("==")
        if self.token.kind == "op":
            return str(self.token.value)
        word = self.word()
        if word == "not":
            self.report_here("grl-operator", f"'{self.token.value}' is not an operator", "write !(x in […])")
            self.advance()
            return self.word()
        if word in _WORDS_FOR_OPERATORS:
            meant = _WORDS_FOR_OPERATORS[word]
            self.report_here("grl-operator", f"'{self.token.value}' is not an operator", f"did you mean '{meant}'?")
            self.replace(meant)
            return meant
        return word

    def _logic(self) -> Expression:
        """`||` over `&&` over comparisons: everything that may stand in parentheses."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self.slip("grl-too-deep", f"more than {MAX_NESTING} parentheses within each other")
        start = inner = self.token.start
        operands = 1
        alternatives: list[Expression] = []
        conjunction = [self._comparison()]
        while (operator := self._operator()) in ("&&", "||"):
            if operator == "||":
                alternatives.append(self._all_of(conjunction, inner))
                conjunction = []
            self.advance()
            inner = inner if conjunction else self.token.start
            conjunction.append(self._comparison())
            operands += 1
            if operands > MAX_OPERANDS:
                raise self.slip("grl-too-large", f"more than {MAX_OPERANDS:,} conditions in a row", _USE_A_TABLE)
        self._depth -= 1
        alternatives.append(self._all_of(conjunction, inner))
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), span=self.span_from(start))

    def _all_of(self, operands: list[Expression], start: int) -> Expression:
        return operands[0] if len(operands) == 1 else And(tuple(operands), span=self.span_from(start))

    def _comparison(self) -> Expression:
        start = self.token.start
        left = self._arithmetic(_SUM)
        operator = self._operator()
        if operator not in _COMPARISONS:
            return left
        self.advance()
        right = self._arithmetic(_SUM)
        if self._operator() in _COMPARISONS:
            raise self.slip("grl-syntax", "a comparison can't be compared again", "write a < b && b < c")
        span = self.span_from(start)
        if operator == "in":
            return Membership(left, right, span=span)
        if operator in _TEXT_TESTS:
            return TextTest(_TEXT_TESTS[operator], left, right, span=span)
        return Compare(typing.cast(CompareOp, operator), left, right, span=span)

    def _arithmetic(self, weakest: int) -> Expression:
        start = self.token.start
        left = self._unary()
        height = 0
        while _POWERS.get(operator := self._operator(), 0) >= weakest:
            height += 1
            if height > MAX_DEPTH:
                raise self._too_deep(self.token)
            self.advance()
            right = self._arithmetic(_PRODUCT + 1) if operator in ("*", "/", "%") else self._arithmetic(_PRODUCT)
            left = Arithmetic(typing.cast(ArithmeticOp, operator), left, right, span=self.span_from(start))
        return left

    def _unary(self) -> Expression:
        signs: list[Token] = []
        while self.at("!") or self.at("-") or self.at("+") or self.word() == "not":
            if self.word() == "not":
                self.report_here("grl-operator", f"'{self.token.value}' is not an operator", "did you mean '!'?")
                self.replace("!")
            elif self.at("+"):
                raise self.slip("grl-syntax", "a value has no '+' before it", "drop the '+'")
            signs.append(self.advance())
            if len(signs) > MAX_DEPTH:
                raise self._too_deep(signs[0])
        node = self._signed_number(signs) if self.token.kind == "number" else self._primary()
        node = self._postfix(node)
        for sign in reversed(signs):
            span = self.span_from(sign.start)
            node = Not(node, span=span) if sign.value == "!" else Negate(node, span=span)
        return node

    def _signed_number(self, signs: list[Token]) -> Expression:
        token = self.advance()
        value = token.value
        if signs and signs[-1].value == "-":
            start = signs.pop().start
            return Literal(-value if value else value, span=self.source.span(start, token.end))  # type: ignore[operator]
        return Literal(value, span=self.source.span(token.start, token.end))

    def _primary(self) -> Expression:
        token = self.token
        if token.kind == "text":
            self.advance()
            return Literal(token.value, span=self.source.span(token.start, token.end))
        if self.take("("):
            node = self._logic()
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
        if word in _CONSTANTS and not self.at("("):
            return Literal(_CONSTANTS[word], span=self.source.span(token.start, token.end))
        if word in NOT_YET and (self.at("(") or word == "from"):
            raise self.slip("grl-unsupported", NOT_YET[word], token=token)
        if word in RESERVED and word not in _QUANTIFIERS:
            raise self.slip("grl-syntax", f"expected a value, found the word '{name}'", token=token)
        if not self.at("("):
            return Path(name, span=self.source.span(token.start, token.end))
        if word in _QUANTIFIERS:
            return self._quantifier(_QUANTIFIERS[word], token)
        self.advance()
        if word in _AGGREGATES:
            return self._aggregate(_AGGREGATES[word], token)
        args = self._items(")", f"to close {name}(")
        return self._call(name, args, token)

    def _call(self, name: str, args: tuple[Expression, ...], token: Token) -> Expression:
        """A call, or the operator that it is another way to write."""
        span = self.span_from(token.start)
        operator = _TEXT_TESTS.get(name.lower())
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
            items.append(self._logic())
            if len(items) > MAX_LIST_ITEMS:
                raise self.slip("grl-too-large", f"a list has at most {MAX_LIST_ITEMS:,} items", _USE_A_TABLE)
            if not self.take(","):
                break
        self.expect(close, where)
        return tuple(items)

    def _quantifier(self, kind: QuantifierKind, token: Token) -> Expression:
        self.advance()
        nested, self._in_quantifier = self._in_quantifier, True
        operand = self._logic()
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
        if isinstance(operand, Path) and not operand.steps and (kind == "Count" or kind in _QUANTIFIERS):
            return lists[0], Literal(True, span=operand.span)
        return lists[0], operand

    def _postfix(self, node: Expression) -> Expression:
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
        if word in _AGGREGATES and self.take(")"):
            kind = _AGGREGATES[word]
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
