"""Read the rules of one GRL file.  lexer -> expression_parser -> [parser] -> checks -> ruleset

Takes the text of a file, gives its rules in order, or every problem of the file: after a problem it goes on with the
next statement, or the next rule. It knows the grammar of a rule and nothing of fields, functions or other files."""

import difflib
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.cursor import Slip
from engine.errors import RulesetRejected
from engine.expression_parser import NOT_YET, RESERVED, ExpressionParser, read_moment
from engine.lexer import Token
from engine.nodes import (
    Action,
    Assign,
    AssignOp,
    Complete,
    Decide,
    Expression,
    Literal,
    Log,
    Outcome,
    Path,
    Retract,
    Rule,
    Span,
)
from engine.source import Source, TooManyProblems, open_source

#: Of one ruleset, rows of tables too; the index is built for ten thousand.
MAX_RULES = 20_000
#: Of one rule.
MAX_ACTIONS = 1_000
#: Far beyond what anybody orders by hand.
MAX_SALIENCE = 1_000_000_000

ATTRIBUTES = (
    "salience",
    "no-loop",
    "lock-on-active",
    "agenda-group",
    "activation-group",
    "date-effective",
    "date-expires",
)
_OUTCOMES: dict[str, Outcome] = {"accept": "accept", "review": "review", "reject": "reject"}
_ACTIONS = ("Accept", "Review", "Reject", "Log", "Retract", "Complete")
#: What other rule engines have here.
_FOREIGN_ACTIONS = {
    "changed": "drop it: every assignment is noticed",
    "forget": "drop it: every assignment is noticed",
    "set": "write Fact.field = value;",
    "modify": "write Fact.field = value;",
    "update": "write Fact.field = value;",
    "insert": "facts come with the job; rules change their fields",
    "print": "did you mean 'Log'?",
    "println": "did you mean 'Log'?",
    "approve": "did you mean 'Accept'?",
    "deny": "did you mean 'Reject'?",
}
_ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=")


@dataclass(slots=True)
class _Header:
    """What stands between `rule` and `{`."""

    name: str = ""
    span: Span | None = None
    description: str = ""
    attributes: dict[str, typing.Any] = field(default_factory=dict)


def parse_rules(
    text: str | bytes, source: str = "rules.grl", list_facts: Iterable[str] | None = None
) -> tuple[Rule, ...]:
    """Read a GRL file.

    Args:
        text: its content; bytes have to be UTF-8.
        source: name for the diagnostics; default `rules.grl`.
        list_facts: names of the facts that are lists; None: the first fact in a quantifier is taken for its list.

    Returns:
        The rules, in order.

    Raises:
        RulesetRejected: something is wrong with the text; every problem is in it.
    """
    opened, readable = open_source(source, text)
    rules = RuleParser(opened, list_facts).rules() if readable else ()
    if any(diagnostic.severity == "error" for diagnostic in opened.diagnostics):
        raise RulesetRejected(opened.sorted_diagnostics())
    return rules


def parse_expression(text: str, source: str = "expression", list_facts: Iterable[str] | None = None) -> Expression:
    """Read one expression that is the whole of a text.

    Args:
        text: the expression.
        source: name for the diagnostics; default `expression`.
        list_facts: as in `parse_rules`.

    Returns:
        The node.

    Raises:
        RulesetRejected: something is wrong with the text.

    >>> parse_expression("Product.price < 10")
    Compare(op='<', left=Path(fact='Product', steps=('price',)), right=Literal(value=Decimal('1E+1')))
    """
    opened, readable = open_source(source, text)
    node = read_expression(opened, list_facts) if readable else None
    if node is None:
        raise RulesetRejected(opened.sorted_diagnostics())
    return node


def read_expression(source: Source, list_facts: Iterable[str] | None = None) -> Expression | None:
    """Read one expression that is the whole of a source; None when it has problems, which the source then holds."""
    before = len(source.diagnostics)
    try:
        parser = ExpressionParser(source, list_facts)
        node = parser.expression()
        if parser.token.kind != "end":
            parser.slip("grl-syntax", f"expected the end of the expression, found {parser.found()}")
    except (Slip, TooManyProblems):
        return None
    return node if len(source.diagnostics) == before else None


class RuleParser(ExpressionParser):
    """Reads rules to the end of its source; its problems are the source's diagnostics."""

    def rules(self) -> tuple[Rule, ...]:
        """Every rule that has a name.

        One that could not be read whole has a problem among the diagnostics, `true` for its condition when that was
        lost, and the actions that could be read: enough to check the rest of it.
        """
        rules: list[Rule] = []
        try:
            while self.token.kind != "end":
                rule = self._rule()
                if rule is not None:
                    rules.append(rule)
                if len(rules) > MAX_RULES:
                    self.slip("too-many-rules", f"a ruleset has at most {MAX_RULES:,} rules")
                    break
        except TooManyProblems:
            pass
        return tuple(rules)

    def _rule(self) -> Rule | None:
        if self.word() != "rule":
            self._stray()
            return None
        self.advance()
        header = _Header()
        try:
            self._header(header)
        except Slip:
            self._skip_to(("{",), ("when",))
            if not self.take("{") and self.word() != "when":
                return None
        condition, actions = self._body()
        if header.span is None:
            return None
        return Rule(header.name, condition, actions, header.description, span=header.span, **header.attributes)

    def _stray(self) -> None:
        """Something between rules."""
        hint = ""
        if self.at("}") or self.at(";"):
            hint = "drop it"
        elif self.word():
            near = difflib.get_close_matches(self.word(), ["rule"], 1)
            hint = "did you mean 'rule'?" if near else "a rule begins with the word 'rule'"
        self.report_here("grl-syntax", f"expected a rule, found {self.found()}", hint)
        self.advance()
        self._skip_to((), ())

    def _skip_to(self, operators: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Go to one of these, to the next rule, or to the end."""
        while self.token.kind != "end":
            if self.token.kind == "op" and self.token.value in operators:
                return
            if self.before.value != "." and self.word() in ("rule", *words):
                return
            self.advance()

    # Header

    def _header(self, header: _Header) -> None:
        start = self.token
        if start.kind == "text":
            self.advance()
            header.name = str(start.value)
        elif start.kind == "name":
            header.name = self._hyphenated()
        else:
            raise self.slip("grl-syntax", f"expected the name of the rule, found {self.found()}", 'rule "Name" { … }')
        header.span = self.span_from(start.start)
        if not header.name.strip():
            self.source.report_at(header.span, "grl-syntax", "the name of a rule can't be empty")
        if self.token.kind == "text":
            header.description = str(self.advance().value)
        while self.token.kind == "name" and self.word() != "when":
            self._attribute(header.attributes)
        if self.word() == "when":
            self.report_here("grl-syntax", "expected '{' before 'when'", "the body of a rule stands in braces")
            return
        self.expect("{", "to begin the rule")
        effective, expires = (header.attributes.get(key) for key in ("date_effective", "date_expires"))
        if effective is not None and expires is not None and effective >= expires:
            self.source.report_at(header.span, "grl-date", "the rule expires before it takes effect")

    def _hyphenated(self) -> str:
        """A name that may have hyphens in it: `no-loop`."""
        parts = [str(self.advance().value)]
        while self.at("-") and self.token.start == self.before.end:
            self.advance()
            if self.token.kind not in ("name", "number") or self.token.start != self.before.end:
                raise self.slip("grl-syntax", f"expected a name after '-', found {self.found()}")
            parts.append(self.source.text[self.token.start : self.token.end])
            self.advance()
        return "-".join(parts)

    def _attribute(self, attributes: dict[str, typing.Any]) -> None:
        start = self.token
        written = self._hyphenated()
        name = written.lower()
        if name not in ATTRIBUTES:
            near = difflib.get_close_matches(name.replace("_", "-"), ATTRIBUTES, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"attributes: {', '.join(ATTRIBUTES)}"
            token = start._replace(end=self.before.end)
            raise self.slip("grl-attribute", f"'{written}' is not an attribute of a rule", hint, token)
        key = name.replace("-", "_")
        if key in attributes:
            self.source.report("grl-attribute", start.start, self.before.end, f"'{name}' is given twice")
        if name == "salience":
            attributes[key] = self._salience()
        elif name in ("no-loop", "lock-on-active"):
            flag = self.word()
            if flag in ("true", "false"):
                self.advance()
            attributes[key] = flag != "false"
        elif self.token.kind not in ("text", "name"):
            raise self.slip("grl-attribute", f"expected a text after '{name}', found {self.found()}")
        elif name.startswith("date-"):
            attributes[key] = self._moment()
        else:
            attributes[key] = str(self.advance().value)

    def _salience(self) -> int:
        start = self.token.start
        negative = self.take("-")
        value = self.token.value
        if not isinstance(value, Decimal) or value != value.to_integral_value():
            raise self.slip("grl-attribute", f"expected a whole number after 'salience', found {self.found()}")
        self.advance()
        if value > MAX_SALIENCE:
            self.source.report("grl-attribute", start, self.before.end, f"salience is at most {MAX_SALIENCE:,}")
            return 0
        return -int(value) if negative else int(value)

    def _moment(self) -> datetime | None:
        moment = read_moment(str(self.token.value))
        if moment is None:
            hint = 'write "2026-01-31" or "2026-01-31T09:30:00+00:00"'
            self.report_here("grl-date", f"{self.found()} is not a date", hint)
        self.advance()
        return moment

    # Body

    def _body(self) -> tuple[Expression, tuple[Action, ...]]:
        condition: Expression = Literal(True)
        if self.word() != "when":
            hint = "a rule reads: when <condition> then <actions>"
            self.report_here("grl-syntax", f"expected 'when', found {self.found()}", hint)
            self._skip_to(("}",), ("when", "then"))
        if self.word() == "when":
            self.advance()
            try:
                condition = self.expression()
                if self.word() != "then":
                    raise self._unexpected("'then'")
            except Slip:
                self._skip_to(("}",), ("then",))
        if self.word() != "then":
            self.take("}")
            return condition, ()
        then = self.advance()
        actions = self._actions()
        if not actions and self.before.kind == "op":
            self.source.report("grl-no-actions", then.start, then.end, "a rule needs at least one action")
        return condition, actions

    def _unexpected(self, expected: str) -> Slip:
        word = self.word()
        if word in NOT_YET:
            return self.slip("grl-unsupported", NOT_YET[word])
        hint = "operators are infix: a < b, a && b, a in [b, c]" if word and word not in RESERVED else ""
        if self.at(";"):
            hint = "a condition ends without ';'"
        return self.slip("grl-syntax", f"expected {expected}, found {self.found()}", hint)

    def _actions(self) -> tuple[Action, ...]:
        actions: list[Action] = []
        while not self.take("}"):
            if self.token.kind == "end" or self.word() == "rule":
                self.report_here("grl-syntax", f"expected '}}' to end the rule, found {self.found()}")
                break
            if self.take(";"):
                continue
            try:
                actions.append(self._action())
                if len(actions) > MAX_ACTIONS:
                    raise self.slip("grl-too-large", f"a rule has at most {MAX_ACTIONS:,} actions")
                self._end_of_action()
            except Slip:
                self._skip_to((";", "}"), ())
        return tuple(actions)

    def _end_of_action(self) -> None:
        if self.at(";") or self.at("}"):
            return
        if self.token.kind != "name":
            raise self._unexpected("';'")
        end = self.before.end
        self.source.report("grl-semicolon", end - 1, end, "expected ';' after this action", "actions end with ';'")

    def _action(self) -> Action:
        token = self.token
        if token.kind != "name" or self.word() in RESERVED:
            raise self.slip(
                "grl-syntax", f"expected an action, found {self.found()}", f"actions: {', '.join(_ACTIONS)}"
            )
        self.advance()
        if self.take("("):
            return self._effect(token)
        target = self._postfix(Path(str(token.value), span=self.source.span(token.start, token.end)))
        if not isinstance(target, Path):
            raise self.slip("grl-action", "a method is not an action", "assign its result: Fact.field = …;", token)
        if not target.steps:
            if self.token.kind != "op" or self.token.value not in _ASSIGNMENTS:
                raise self._unknown_action(token)
            raise self.slip("grl-action", f"'{target.fact}' is a whole fact", "assign to a field of it", token)
        return self._assignment(token.start, target)

    def _assignment(self, start: int, target: Path) -> Action:
        if self.at("=="):
            self.report_here("grl-assignment", "'==' compares, it does not assign", "did you mean '='?")
            self.replace("=")
        operator = str(self.token.value)
        if self.token.kind != "op" or operator not in _ASSIGNMENTS:
            hint = "write += 1;" if operator in ("+", "-") else ""
            raise self.slip("grl-syntax", f"expected '=' after the field, found {self.found()}", hint)
        self.advance()
        value = self.expression()
        return Assign(target, typing.cast(AssignOp, operator), value, span=self.span_from(start))

    def _effect(self, token: Token) -> Action:
        """`Reject(…)`, `Log(…)`, `Retract(…)`, `Complete()`."""
        word = str(token.value).lower()
        known = word in _OUTCOMES or word in ("log", "retract", "complete")
        if not known:
            raise self._unknown_action(token)
        argument = None if self.at(")") else self.expression()
        if self.at(","):
            raise self.slip("grl-syntax", f"'{token.value}' takes one argument", "join texts with '+'")
        self.expect(")", f"to close {token.value}(")
        span = self.span_from(token.start)
        if word in _OUTCOMES:
            return Decide(_OUTCOMES[word], Literal("") if argument is None else argument, span=span)
        if word == "complete":
            if argument is not None:
                raise self.slip("grl-syntax", "'Complete' takes no argument", token=token)
            return Complete(span=span)
        if argument is None:
            raise self.slip("grl-syntax", f"'{token.value}' takes one argument", token=token)
        if word == "log":
            return Log(argument, span=span)
        if not isinstance(argument, Literal) or not isinstance(argument.value, str):
            raise self.slip("grl-syntax", "'Retract' takes the name of a rule", 'Retract("Name")', token)
        return Retract(argument.value, span=argument.span)

    def _unknown_action(self, token: Token) -> Slip:
        name = str(token.value)
        near = difflib.get_close_matches(name.capitalize(), _ACTIONS, 1)
        hint = _FOREIGN_ACTIONS.get(name.lower()) or (
            f"did you mean '{near[0]}'?" if near else f"actions: {', '.join(_ACTIONS)}, and assignments"
        )
        return self.slip("grl-action", f"'{name}' is not an action", hint, token)
