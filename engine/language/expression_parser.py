"""Read one expression.  cursor -> operand_parser -> [expression_parser] -> action_parser, tables

Takes the tokens of a `Source`, gives an expression node, or reports to the source and raises `StatementUnreadable`,
which whoever reads the statement catches to go on with the next. Nesting and height are counted and refused long before
Python's own limit, so that everything after may recurse over a tree."""

import typing

from engine.language.keywords import BINDING, FOR_OPERATORS, TEXT_TESTS
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
from engine.language.token_stream import StatementUnreadable
from engine.language.traversal import deeper_than

#: Of operators on top of each other, in `a + b + c + …` too: the height of a tree.
MAX_DEPTH = 100
#: Conditions joined by `&&` and `||` without parentheses.
MAX_OPERANDS = 1_000

_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "contains", "startswith", "endswith", "matches"))
_SUM, _PRODUCT = 1, 2
_POWERS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}


class ExpressionParser(OperandParser):
    """A cursor that reads expressions."""

    def expression(self) -> Expression:
        """Read one whole expression.

        Returns:
            The node; no part of it has more than `MAX_DEPTH` nodes above it.

        Raises:
            Slip: there is none, and why is reported.
        """
        start = self.token
        self._depth, self._in_quantifier = 0, False
        node = self.logic()
        if deeper_than(node, MAX_DEPTH):
            raise self._too_deep(start)
        return node

    def _too_deep(self, token: Token) -> StatementUnreadable:
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
        if word in FOR_OPERATORS:
            meant = FOR_OPERATORS[word]
            self.report_here("grl-operator", f"'{self.token.value}' is not an operator", f"did you mean '{meant}'?")
            self.replace(meant)
            return meant
        return word

    def logic(self) -> Expression:
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
                raise self.slip("grl-too-large", f"more than {MAX_OPERANDS:,} conditions in a row", USE_A_TABLE)
        self._depth -= 1
        alternatives.append(self._all_of(conjunction, inner))
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), span=self.span_from(start))

    def _all_of(self, operands: list[Expression], start: int) -> Expression:
        return operands[0] if len(operands) == 1 else And(tuple(operands), span=self.span_from(start))

    def _at_not(self) -> bool:
        """Whether `not` stands here, meant as an operator."""
        return self.word() == "not" and self.ahead(1).value != "."

    def _comparison(self) -> Expression:
        start = self.token.start
        left = self._arithmetic(_SUM)
        if self.at(":"):
            self._refuse_binding(left)
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
            raise self.slip("pattern-place", message, hint)

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
        while self.at("!") or self.at("-") or self.at("+") or self._at_not():
            if self.word() == "not":
                self.report_here("grl-operator", f"'{self.token.value}' is not an operator", "did you mean '!'?")
                self.replace("!")
            elif self.at("+"):
                raise self.slip("grl-syntax", "a value has no '+' before it", "drop the '+'")
            signs.append(self.advance())
            if len(signs) > MAX_DEPTH:
                raise self._too_deep(signs[0])
        node = self.signed_number(signs) if self.token.kind == "number" else self.primary()
        node = self.postfix(node)
        for sign in reversed(signs):
            span = self.span_from(sign.start)
            node = Not(node, span=span) if sign.value == "!" else Negate(node, span=span)
        return node
