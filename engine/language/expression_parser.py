"""Read one expression.  token_stream, operand_parser -> [expression_parser] -> condition_parser, action_parser, parser

Takes tokens, gives an expression node, or reports to the source and raises `StatementUnreadable`, which whoever reads
the statement catches to go on with the next. Nesting and height are counted and refused long before Python's own limit,
so that everything after may recurse over a tree. It knows no rule around an expression: what else than comparisons may
stand between the outermost `&&`, the condition parser reads when asked."""

import typing
from collections.abc import Callable, Iterable

from engine.language.keywords import BINDING, FOR_OPERATORS, FOREIGN_IS, TEXT_TESTS
from engine.language.lexer import Token
from engine.language.nodes import (
    And,
    Arithmetic,
    ArithmeticOp,
    Compare,
    CompareOp,
    Expression,
    Membership,
    Negate,
    Not,
    Or,
    Path,
    TextTest,
)
from engine.language.operand_parser import MAX_NESTING, USE_A_TABLE, OperandParser
from engine.language.token_stream import StatementUnreadable, TokenStream
from engine.language.traversal import deeper_than

#: Of operators on top of each other, in `a + b + c + …` too: the height of a tree.
MAX_DEPTH = 100
#: Conditions joined by `&&` and `||` without parentheses.
MAX_OPERANDS = 1_000

_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startswith", "endswith", "matches"))
#: Operators that are words, of here and of elsewhere.
_WORDS = frozenset(("in", "contains", "startswith", "endswith", "matches", "like", "equals", "between"))
_SUM, _PRODUCT = 1, 2
_POWERS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}

#: Reads what is no comparison but may stand between the outermost `&&`; None when no such thing stands here.
ReadClause = Callable[[], Expression | None]


class ExpressionParser:
    """Reads expressions, and counts how deep their parts stand within each other.

    Args:
        tokens: of the source.
        list_facts: names of the facts that are lists of objects; default None: not known, so that the first fact named
            in a quantifier is taken for its list.
    """

    def __init__(self, tokens: TokenStream, list_facts: Iterable[str] | None = None) -> None:
        self._tokens = tokens
        #: Reads what stands between operators.
        self.operands = OperandParser(tokens, self._logic, list_facts)
        #: Parentheses, calls and lists around what is read, the whole expression included.
        self._depth = 0
        self._read_clause: ReadClause | None = None

    def expression(self, read_clause: ReadClause | None = None) -> Expression:
        """Read one whole expression.

        Args:
            read_clause: asked first wherever an operand of the outermost `&&` or `||` begins; default: nothing but
                comparisons stands there.

        Returns:
            The node; no part of it has more than `MAX_DEPTH` nodes above it.

        Raises:
            StatementUnreadable: there is none, and why is reported.
        """
        start = self._tokens.token
        self._depth, self._read_clause = 0, read_clause
        node = self._logic()
        if deeper_than(node, MAX_DEPTH):
            raise self._too_deep(start)
        return node

    def target(self, fact: Path) -> Expression:
        """Read the members and places that follow the fact that an assignment begins with.

        Args:
            fact: the first part of the path.

        Raises:
            StatementUnreadable: one can't be read, and why is reported.
        """
        self._depth, self._read_clause = 0, None
        return self.operands.postfix(fact)

    def _too_deep(self, token: Token) -> StatementUnreadable:
        message = f"more than {MAX_DEPTH} operators on top of each other"
        return self._tokens.unreadable("grl-too-deep", message, token=token)

    def _operator(self) -> str:
        """The binary operator here, in lower case; empty when there is none."""
        tokens = self._tokens
        token = tokens.token
        if token.kind == "op":
            if token.value == "!" and str(tokens.ahead(1).value).lower() in _WORDS:
                return self._negated("!")
            if token.value != "=":
                return str(token.value)
            tokens.report_here("grl-assignment", "'=' assigns, it does not compare", "did you mean '=='?")
            tokens.replace("==")
            return "=="
        word = tokens.word()
        if word == "not":
            return self._negated(str(token.value))
        if word == "is" and str(tokens.ahead(1).value).lower() == "not":
            tokens.report_here("grl-operator", "'is not' is not an operator", "did you mean '!='?")
            tokens.advance()
            tokens.replace("!=")
            return "!="
        phrase = str(tokens.ahead(1).value).lower() if word == "is" else ""
        if phrase in FOREIGN_IS:
            message = f"'{token.value} {phrase}' is not an operator"
            raise tokens.unreadable("grl-operator", message, FOREIGN_IS[phrase])
        if word in FOR_OPERATORS:
            meant = FOR_OPERATORS[word]
            tokens.report_here("grl-operator", f"'{token.value}' is not an operator", f"did you mean '{meant}'?")
            tokens.replace(meant)
            return meant
        return word

    def _negated(self, sign: str) -> str:
        """The operator that a `!` or `not` before it is meant to turn round, which is reported; empty when none is."""
        tokens = self._tokens
        word = str(tokens.ahead(1).value).lower()
        hint = f"write !(x {FOR_OPERATORS.get(word, word)} …)"
        hint = "write !(a <= x && x <= b)" if word == "between" else hint
        tokens.report_here("grl-operator", f"'{sign}' does not stand before an operator", hint)
        tokens.advance()
        if word in FOR_OPERATORS:
            tokens.replace(FOR_OPERATORS[word])
            return FOR_OPERATORS[word]
        # What follows the operator is most likely of the same language: `not in (1, 2)`.
        tokens.source.mark(tokens.ahead(1).start)
        if tokens.word() not in _COMPARISONS:
            tokens.source.mark(tokens.token.start)
        return tokens.word()

    def _logic(self) -> Expression:
        """`||` over `&&` over comparisons: everything that may stand in parentheses."""
        tokens = self._tokens
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise tokens.unreadable("grl-too-deep", f"more than {MAX_NESTING} parentheses within each other")
        read = self._comparison if self._depth > 1 or self._read_clause is None else self._clause
        start = inner = tokens.token.start
        operands = 1
        alternatives: list[Expression] = []
        conjunction = [read()]
        while (operator := self._operator()) in ("&&", "||"):
            if operator == "||":
                alternatives.append(self._all_of(conjunction, inner))
                conjunction = []
            tokens.advance()
            inner = inner if conjunction else tokens.token.start
            conjunction.append(read())
            operands += 1
            if operands > MAX_OPERANDS:
                message = f"more than {MAX_OPERANDS:,} conditions in a row"
                raise tokens.unreadable("grl-too-large", message, USE_A_TABLE)
        self._depth -= 1
        alternatives.append(self._all_of(conjunction, inner))
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), span=tokens.span_from(start))

    def _all_of(self, operands: list[Expression], start: int) -> Expression:
        return operands[0] if len(operands) == 1 else And(tuple(operands), span=self._tokens.span_from(start))

    def _clause(self) -> Expression:
        clause = self._read_clause() if self._read_clause is not None else None
        return self._comparison() if clause is None else clause

    def _comparison(self) -> Expression:
        """A comparison; or `not` before one, as other languages have it, which is reported."""
        tokens = self._tokens
        turns, start = 0, tokens.token
        while tokens.word() == "not" and not tokens.comes("["):
            hint = "write !( … ) around all that it turns round; ! by itself binds tighter than a comparison"
            if not turns:
                tokens.report_here("grl-operator", f"'{start.value}' is not an operator", hint)
            turns += 1
            if turns > MAX_DEPTH:
                raise self._too_deep(start)
            tokens.advance()
        node = self._plain_comparison()
        return Not(node, span=tokens.span_from(start.start)) if turns % 2 else node

    def _plain_comparison(self) -> Expression:
        tokens = self._tokens
        start = tokens.token.start
        left = self._arithmetic(_SUM)
        if tokens.at(":"):
            self._refuse_binding(left)
        operator = self._operator()
        if operator not in _COMPARISONS:
            return left
        sign = tokens.advance()
        right = self._arithmetic(_SUM)
        if self._operator() in _COMPARISONS:
            if tokens.source.is_marked(sign.start):
                raise StatementUnreadable
            raise tokens.unreadable("grl-syntax", "a comparison can't be compared again", "write a < b && b < c")
        span = tokens.span_from(start)
        if tokens.at(".."):
            # Reported where it stands; what is before it is half of a range.
            raise StatementUnreadable
        if operator == "in":
            return Membership(left, right, span=span)
        if operator in TEXT_TESTS:
            return TextTest(TEXT_TESTS[operator], left, right, span=span)
        return Compare(typing.cast(CompareOp, operator), left, right, span=span)

    def _refuse_binding(self, name: Expression) -> None:
        """Say what is wrong with a binding that stands where it can't, if it is one."""
        hint = f"when {BINDING} && … then …"
        if isinstance(name, Not):
            name, hint = name.operand, "for an absence write 'not' between the outermost '&&': not a: Payment from …"
        if isinstance(name, Path) and not name.steps:
            message = "an event is bound between the outermost '&&' of a condition, and nowhere else"
            raise self._tokens.unreadable("pattern-place", message, hint)

    def _arithmetic(self, weakest: int) -> Expression:
        tokens = self._tokens
        start = tokens.token.start
        left = self._unary()
        height = 0
        while _POWERS.get(operator := self._operator(), 0) >= weakest:
            height += 1
            if height > MAX_DEPTH:
                raise self._too_deep(tokens.token)
            tokens.advance()
            right = self._arithmetic(_PRODUCT + 1) if operator in ("*", "/", "%") else self._arithmetic(_PRODUCT)
            left = Arithmetic(typing.cast(ArithmeticOp, operator), left, right, span=tokens.span_from(start))
        return left

    def _unary(self) -> Expression:
        tokens = self._tokens
        signs: list[Token] = []
        while self._at_sign():
            signs.append(tokens.advance())
            if len(signs) > MAX_DEPTH:
                raise self._too_deep(signs[0])
        operands = self.operands
        node = operands.signed_number(signs) if tokens.token.kind == "number" else operands.primary()
        node = operands.postfix(node)
        for sign in reversed(signs):
            span = tokens.span_from(sign.start)
            node = Not(node, span=span) if sign.value == "!" else Negate(node, span=span)
        return node

    def _at_sign(self) -> bool:
        """Whether `!` or `-` stands here; or what was meant as one, which is reported."""
        tokens = self._tokens
        token = tokens.token
        if token.kind == "op":
            if token.value == "+":
                raise tokens.unreadable("grl-syntax", "a value has no '+' before it", "drop the '+'")
            return token.value in ("!", "-")
        if tokens.word() != "not" or tokens.comes("["):
            return False
        tokens.report_here("grl-operator", f"'{token.value}' is not an operator", "did you mean '!'?")
        tokens.replace("!")
        return True
