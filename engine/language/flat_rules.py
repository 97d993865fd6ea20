"""Read rules as nearly all are written, fast.  flat_expressions -> [flat_rules] -> parser

Takes the offset where a rule begins, gives the rule and the offset behind it: the same that the parser gives (tests
hold the two against each other). A rule that has anything else in it, a mistake or only something rare, is left to the
parser whole, by `Surprised`; nothing is reported here."""

import re
import typing
from collections.abc import Iterable

from engine.language.action_parser import MAX_ACTIONS
from engine.language.flat_expressions import FlatExpressions
from engine.language.flat_words import GAP, NAME, PATH, TEXT, Surprised
from engine.language.keywords import RESERVED
from engine.language.lexer import MAX_NAME_CHARACTERS
from engine.language.nodes import (
    Action,
    Assign,
    AssignOp,
    Complete,
    Decide,
    Emit,
    Expression,
    Literal,
    Log,
    Outcome,
    Path,
    Retract,
    Rule,
)
from engine.language.source import Source
from engine.language.written_values import read_moment

_head = re.compile(rf"{GAP}rule(?!\w){GAP}({TEXT}|{NAME})(?:{GAP}({TEXT}))?+").match
_attribute = re.compile(
    rf"{GAP}(?:salience(?![\w-]){GAP}(-?(?:0|[1-9][0-9]{{0,8}})(?![\w.]))"
    rf"|(no-loop|lock-on-active)(?![\w-])(?:{GAP}(true|false)(?!\w))?+"
    rf"|(agenda-group|activation-group|date-effective|date-expires)(?![\w-]){GAP}({TEXT}))"
).match
_when = re.compile(rf"{GAP}\{{{GAP}when(?!\w)").match
_then = re.compile(rf"{GAP}then(?!\w)").match
_decision = re.compile(rf"{GAP}(Accept|Review|Reject){GAP}\({GAP}({TEXT}){GAP}(\)){GAP}(?:;|(?=\}}))").match
_target = re.compile(rf"{GAP}({PATH}){GAP}([-+*/]?+=)(?!=)").match
_effect = re.compile(rf"{GAP}({NAME}){GAP}\(").match
_delimiter = re.compile(rf"{GAP}([,)])").match
_next_action = re.compile(rf"{GAP}(?:;|(?=\}}))").match
_brace = re.compile(rf"{GAP}\}}").match
_end = re.compile(rf"{GAP}\Z").match

_OUTCOMES: dict[str, Outcome] = {"accept": "accept", "review": "review", "reject": "reject"}


class FlatRules:
    """Reads rules of one source.

    Args:
        source: the text; it takes no problems.
        list_facts: names of the facts that are lists of objects; None: not known, as in the parser.
        calls: names that stand for a call where an action is wanted.
    """

    def __init__(self, source: Source, list_facts: Iterable[str] | None, calls: Iterable[str]) -> None:
        self._text = source.text
        self._expressions = FlatExpressions(source, list_facts)
        self._words = self._expressions.words
        self._calls = frozenset(calls)

    def is_end(self, position: int) -> bool:
        """Whether nothing follows any more but white space and comments."""
        return _end(self._text, position) is not None

    def rule(self, position: int) -> tuple[Rule, int]:
        """Read a rule.

        Args:
            position: where it begins, or white space before it.

        Returns:
            The rule, and the offset behind its brace.

        Raises:
            Surprised: the parser has to read it.
        """
        head = _head(self._text, position)
        if head is None:
            raise Surprised
        written, description = head.group(1, 2)
        name = self._words.text(written) if written[0] in "\"'" else written
        if not name.strip() or len(name) > MAX_NAME_CHARACTERS:
            raise Surprised
        span = self._words.span(*head.span(1))
        attributes, position = self._attributes(head.end())
        condition, position = self._expressions.expression(self._after(_when, position))
        actions, position = self._actions(self._after(_then, position))
        described = "" if description is None else self._words.text(description)
        return Rule(name, condition, actions, described, span=span, **attributes), position

    def _after(self, pattern: typing.Callable[[str, int], re.Match[str] | None], position: int) -> int:
        """The offset behind what has to stand here."""
        match = pattern(self._text, position)
        if match is None:
            raise Surprised
        return match.end()

    def _attributes(self, position: int) -> tuple[dict[str, typing.Any], int]:
        attributes: dict[str, typing.Any] = {}
        count = dates = 0
        while match := _attribute(self._text, position):
            salience, flag, setting, group, text = match.groups()
            if salience is not None:
                attributes["salience"] = int(salience)
            elif flag is not None:
                attributes[flag.replace("-", "_")] = setting != "false"
            elif group.startswith("date-"):
                attributes[group.replace("-", "_")] = moment = read_moment(self._words.text(text))
                dates += 1
                if moment is None or dates > 1:
                    raise Surprised
            else:
                attributes[group.replace("-", "_")] = self._words.text(text)
            count += 1
            position = match.end()
        if count > len(attributes):
            raise Surprised
        return attributes, position

    # Actions

    def _actions(self, position: int) -> tuple[tuple[Action, ...], int]:
        text, words = self._text, self._words
        actions: list[Action] = []
        while True:
            if (match := _decision(text, position)) and match[1] not in self._calls:
                at, end = match.span(2)
                reason = Literal(words.text(match[2]), span=words.span(at, end))
                span = words.span(match.start(1), match.end(3))
                actions.append(Decide(_OUTCOMES[match[1].lower()], reason, span=span))
                position = match.end()
            else:
                action, position = self._action(position)
                actions.append(action)
                position = self._after(_next_action, position)
            if len(actions) > MAX_ACTIONS:
                raise Surprised
            if match := _brace(text, position):
                return tuple(actions), match.end()

    def _action(self, position: int) -> tuple[Action, int]:
        words = self._words
        if match := _target(self._text, position):
            target = words.path(match[1], words.span(*match.span(1)))
            if not isinstance(target, Path) or not target.steps:
                raise Surprised
            value, end = self._expressions.expression(match.end())
            span = words.span(match.start(1), end)
            return Assign(target, typing.cast(AssignOp, match[2]), value, span=span), end
        match = _effect(self._text, position)
        if match is None or match[1].lower() in RESERVED:
            raise Surprised
        args, end = self._arguments(match.end())
        return self._effect(match[1], args, match.start(1), end), end

    def _arguments(self, position: int) -> tuple[list[Expression], int]:
        """What stands between the parentheses of a call, and the offset behind the closing one."""
        args: list[Expression] = []
        match = _delimiter(self._text, position)
        while match is None or match[1] == ",":
            arg, position = self._expressions.expression(match.end() if args and match else position)
            args.append(arg)
            match = _delimiter(self._text, position)
            if match is None:
                raise Surprised
        return args, match.end()

    def _effect(self, name: str, args: list[Expression], start: int, end: int) -> Action:
        span, word = self._words.span(start, end), name.lower()
        if name in self._calls:
            return Emit(name, tuple(args), span=span)
        if word in _OUTCOMES and len(args) < 2:
            return Decide(_OUTCOMES[word], args[0] if args else Literal(""), span=span)
        if word == "complete" and not args:
            return Complete(span=span)
        if word == "log" and len(args) == 1:
            return Log(args[0], span=span)
        match args:
            case [Literal(str() as rule)] if word == "retract":
                return Retract(rule, span=args[0].span)
        raise Surprised
