"""Read the rules of one GRL file.  flat_rules; header_parser, condition_parser, action_parser -> [parser] -> ruleset

Takes the text of a file, gives its rules in order, or every problem of the file: after a problem it goes on with the
next statement, or the next rule. Each part of a rule has a reader, and all of them hold one stream of tokens. It knows
the grammar of a rule and nothing of fields, functions or other files."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from engine.errors import RulesetRejected
from engine.language.action_parser import ActionParser
from engine.language.condition_parser import ConditionParser
from engine.language.expression_parser import ExpressionParser
from engine.language.flat_rules import FlatRules
from engine.language.flat_words import Surprised
from engine.language.header_parser import HeaderParser, RuleHeader
from engine.language.nodes import Action, Expression, Literal, Rule
from engine.language.source import Source, TooManyProblems, open_source
from engine.language.token_stream import StatementUnreadable, TokenStream
from engine.suggestions import did_you_mean

#: Of one ruleset, rows of tables too; the index is built for ten thousand.
MAX_RULES = 20_000


def parse_rules(
    text: str | bytes, source: str = "rules.grl", list_facts: Iterable[str] | None = None, calls: Iterable[str] = ()
) -> tuple[Rule, ...]:
    """Read a GRL file.

    Args:
        text: its content; bytes have to be UTF-8.
        source: name for the diagnostics; default `rules.grl`.
        list_facts: names of the facts that are lists; None: the first fact in a quantifier is taken for its list.
        calls: names that stand for a call where an action is wanted; default: there are none.

    Returns:
        The rules, in order.

    Raises:
        RulesetRejected: something is wrong with the text; every problem is in it.
    """
    opened, readable = open_source(source, text)
    rules = read_rules(opened, list_facts, calls) if readable else ()
    if any(diagnostic.severity == "error" for diagnostic in opened.diagnostics):
        raise RulesetRejected(opened.sorted_diagnostics())
    return rules


def read_rules(source: Source, list_facts: Iterable[str] | None = None, calls: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Every rule of a source that has a name; the problems are the source's diagnostics.

    A rule that could not be read whole has `true` for its condition when that was lost, and the actions that could be
    read: enough to check the rest of it.

    Args:
        source: the file.
        list_facts: as in `parse_rules`.
        calls: as in `parse_rules`.
    """
    rules: list[Rule] = []
    with suppress(TooManyProblems):
        for rule in _rules(source, list_facts, calls):
            rules.append(rule)
    return tuple(rules)


def _rules(source: Source, list_facts: Iterable[str] | None, calls: Iterable[str]) -> Iterator[Rule]:
    """Each rule read flat if it can be, and by the parser else; from the first problem on all by the parser."""
    flat = FlatRules(source, list_facts, calls)
    position = count = 0
    while not flat.is_end(position):
        if count < MAX_RULES:
            try:
                rule, position = flat.rule(position)
            except Surprised:
                pass
            else:
                count += 1
                yield rule
                continue
        # Making the parser reads the first token, which can be one problem too many already.
        parser = RuleParser(source, list_facts, calls, position)
        if count < MAX_RULES and not source.diagnostics:
            by_parser = parser.rule()
            if by_parser is not None:
                count += 1
                yield by_parser
            position = parser.position
        if count == MAX_RULES or source.diagnostics:
            yield from parser.rules(count)
            return


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
    """Read one expression that is the whole of a source.

    Args:
        source: the text.
        list_facts: as in `parse_rules`.

    Returns:
        The node; None when it has problems, which the source then holds.
    """
    before = len(source.diagnostics)
    try:
        tokens = TokenStream(source)
        node = ExpressionParser(tokens, list_facts).expression()
        if tokens.token.kind != "end":
            tokens.report_here("grl-syntax", f"expected the end of the expression, found {tokens.shown()}")
    except (StatementUnreadable, TooManyProblems):
        return None
    return node if len(source.diagnostics) == before else None


class RuleParser:
    """Reads rules to the end of a source, which takes the problems.

    Args:
        source: the file.
        list_facts: as in `parse_rules`.
        calls: as in `parse_rules`.
        position: the offset to begin at, behind the end of a rule; default: the whole source.
    """

    def __init__(
        self,
        source: Source,
        list_facts: Iterable[str] | None = None,
        calls: Iterable[str] = (),
        position: int = 0,
    ) -> None:
        self._tokens = TokenStream(source, position)
        expressions = ExpressionParser(self._tokens, list_facts)
        self._headers = HeaderParser(self._tokens)
        self._conditions = ConditionParser(self._tokens, expressions)
        self._actions = ActionParser(self._tokens, expressions, calls)

    @property
    def position(self) -> int:
        """The offset behind what was read."""
        return self._tokens.before.end

    def rules(self, count: int = 0) -> Iterator[Rule]:
        """Every rule that has a name, in order.

        Args:
            count: of the rules that were read before; default: none.
        """
        while self._tokens.token.kind != "end":
            rule = self.rule()
            if rule is not None:
                count += 1
                if count > MAX_RULES:
                    self._tokens.report_here("too-many-rules", f"a ruleset has at most {MAX_RULES:,} rules")
                    return
                yield rule

    def rule(self) -> Rule | None:
        """The next rule; None when there is none, or it has no name."""
        tokens = self._tokens
        if tokens.word() != "rule":
            self._stray()
            return None
        tokens.advance()
        header = RuleHeader()
        try:
            self._headers.read(header)
        except StatementUnreadable:
            tokens.skip_to(("{",), ("when",))
            if not tokens.take("{") and tokens.word() != "when":
                return None
        before = len(tokens.source.diagnostics)
        condition, actions = self._body(header.braced)
        if tokens.at("}") and (len(tokens.source.diagnostics) > before or not header.braced):
            # What left a brace over was reported.
            tokens.advance()
        if header.span is None:
            return None
        return Rule(header.name, condition, actions, header.description, span=header.span, **header.attributes)

    def _stray(self) -> None:
        """Something between rules."""
        tokens = self._tokens
        hint = ""
        if tokens.at("}") or tokens.at(";"):
            hint = "drop it"
        elif tokens.word():
            hint = did_you_mean(tokens.word(), ["rule"]) or "a rule begins with the word 'rule'"
        tokens.report_here("grl-syntax", f"expected a rule, found {tokens.shown()}", hint)
        tokens.advance()
        # In a page of prose the word may stand anywhere; a rule begins a line, or follows another.
        while tokens.token.kind != "end" and not (tokens.word() == "rule" and self._begins()):
            tokens.advance()

    def _begins(self) -> bool:
        """Whether the current token is the first of its line, or follows what ends a rule or a line elsewhere."""
        tokens = self._tokens
        gap = tokens.source.text[tokens.before.end : tokens.token.start]
        return "\n" in gap or tokens.before.value in ("}", ";")

    def _body(self, braced: bool) -> tuple[Expression, tuple[Action, ...]]:
        tokens = self._tokens
        condition: Expression = Literal(True)
        if tokens.word() != "when":
            hint = "a rule reads: when <condition> then <actions>"
            tokens.report_here("grl-syntax", f"expected 'when', found {tokens.shown()}", hint)
            tokens.skip_to(("}",), ("when", "then"))
        if tokens.word() == "when":
            tokens.advance()
            try:
                condition = self._conditions.condition()
                if tokens.word() != "then":
                    raise tokens.unexpected("'then'")
            except StatementUnreadable:
                tokens.skip_to(("}",), ("then",))
        if tokens.word() != "then":
            tokens.take("}")
            return condition, ()
        then = tokens.advance()
        before = len(tokens.source.diagnostics)
        actions = self._actions.actions(braced)
        is_clean = len(tokens.source.diagnostics) == before and not tokens.source.follows_marked(tokens.before.start)
        if not actions and is_clean:
            tokens.source.report("grl-no-actions", then.start, then.end, "a rule needs at least one action")
        return condition, actions
