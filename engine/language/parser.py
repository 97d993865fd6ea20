"""Read the rules of one GRL file.  expression_parser -> action_parser -> [parser] -> checks -> ruleset

Takes the text of a file, gives its rules in order, or every problem of the file: after a problem it goes on with the
next statement, or the next rule. It knows the grammar of a rule and nothing of fields, functions or other files."""

import typing
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.diagnostics import Span
from engine.errors import RulesetRejected
from engine.language.action_parser import ActionParser
from engine.language.expression_parser import ExpressionParser
from engine.language.lexer import MAX_NAME_CHARACTERS
from engine.language.nodes import Action, Expression, Literal, Rule
from engine.language.operand_parser import read_moment
from engine.language.source import Source, TooManyProblems, open_source
from engine.language.token_stream import StatementUnreadable
from engine.suggestions import did_you_mean

#: Of one ruleset, rows of tables too; the index is built for ten thousand.
MAX_RULES = 20_000
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
    rules = read_rules(opened, list_facts) if readable else ()
    if any(diagnostic.severity == "error" for diagnostic in opened.diagnostics):
        raise RulesetRejected(opened.sorted_diagnostics())
    return rules


def read_rules(source: Source, list_facts: Iterable[str] | None = None) -> tuple[Rule, ...]:
    """Every rule of a source that has a name; the problems are the source's diagnostics.

    A rule that could not be read whole has `true` for its condition when that was lost, and the actions that could be
    read: enough to check the rest of it.

    Args:
        source: the file.
        list_facts: as in `parse_rules`.
    """
    rules: list[Rule] = []
    with suppress(TooManyProblems):
        # Making the parser reads the first token, which can be one problem too many already.
        for rule in RuleParser(source, list_facts).rules():
            rules.append(rule)
    return tuple(rules)


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
    except (StatementUnreadable, TooManyProblems):
        return None
    return node if len(source.diagnostics) == before else None


class RuleParser(ActionParser):
    """Reads rules to the end of its source; its problems are the source's diagnostics."""

    def rules(self) -> Iterator[Rule]:
        """Every rule that has a name, in order."""
        count = 0
        while self.token.kind != "end":
            rule = self._rule()
            if rule is not None:
                count += 1
                if count > MAX_RULES:
                    self.slip("too-many-rules", f"a ruleset has at most {MAX_RULES:,} rules")
                    return
                yield rule

    def _rule(self) -> Rule | None:
        if self.word() != "rule":
            self._stray()
            return None
        self.advance()
        header = _Header()
        try:
            self._header(header)
        except StatementUnreadable:
            self.skip_to(("{",), ("when",))
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
            hint = did_you_mean(self.word(), ["rule"]) or "a rule begins with the word 'rule'"
        self.report_here("grl-syntax", f"expected a rule, found {self.found()}", hint)
        self.advance()
        self.skip_to((), ())

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
        if not header.name.strip() or len(header.name) > MAX_NAME_CHARACTERS:
            message = f"the name of a rule has 1 to {MAX_NAME_CHARACTERS} characters"
            self.source.report_at(header.span, "grl-name", message)
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
            hint = did_you_mean(name.replace("_", "-"), ATTRIBUTES) or f"attributes: {', '.join(ATTRIBUTES)}"
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
            self.skip_to(("}",), ("when", "then"))
        if self.word() == "when":
            self.advance()
            try:
                condition = self.condition()
                if self.word() != "then":
                    raise self.unexpected("'then'")
            except StatementUnreadable:
                self.skip_to(("}",), ("then",))
        if self.word() != "then":
            self.take("}")
            return condition, ()
        then = self.advance()
        before = len(self.source.diagnostics)
        actions = self.actions()
        if not actions and len(self.source.diagnostics) == before:
            self.source.report("grl-no-actions", then.start, then.end, "a rule needs at least one action")
        return condition, actions
