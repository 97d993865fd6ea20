"""Read the actions of a rule.  expression_parser -> [action_parser] -> parser

Takes the tokens after `then`, gives the action nodes up to the closing brace. After a problem it goes on with the next
action. Whether the fields and rules that it names exist is not known here (`engine.checks.rule_checks` does)."""

import typing
from collections.abc import Iterable

from engine.language.expression_parser import ExpressionParser
from engine.language.keywords import BLOCKS, RESERVED
from engine.language.lexer import Token
from engine.language.nodes import (
    Action,
    Assign,
    AssignOp,
    Call,
    Complete,
    Decide,
    Emit,
    Expression,
    Item,
    Literal,
    Log,
    Outcome,
    Path,
    Retract,
)
from engine.language.token_stream import StatementUnreadable, TokenStream
from engine.suggestions import did_you_mean

#: Of one rule.
MAX_ACTIONS = 1_000

_OUTCOMES: dict[str, Outcome] = {"accept": "accept", "review": "review", "reject": "reject"}
ACTIONS = ("Accept", "Review", "Reject", "Log", "Retract", "Complete")
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
#: What to say of a call that nobody declared.
_CALLED = 'what it takes stands in brackets: Reject("…"); Retract("Name"); Complete();'
_DECLARE = "declare the call in domain.toml, and it is an event of the verdict: [emit.{name}] args = [{args}]"
#: Methods that change a list elsewhere.
_CHANGES = frozenset(("append", "add", "push", "put", "remove", "insert", "extend", "pop", "clear", "sort"))
_ASSIGNMENTS = ("=", "+=", "-=", "*=", "/=")


def _setter(method: str) -> str:
    """The hint for a method that changes what it is called on; empty when it looks like no such thing."""
    if method.lower() in _CHANGES:
        return "rules do not change lists: write the whole list to the field"
    field = method.removeprefix("set").removeprefix("Set")
    return f"write Fact.{field[0].lower()}{field[1:]} = …;" if field not in ("", method) else ""


class ActionParser:
    """Reads actions.

    Args:
        tokens: of the source.
        expressions: reads the same tokens.
        calls: names that stand for a call, as the schema declares them; default: there are none.
    """

    def __init__(self, tokens: TokenStream, expressions: ExpressionParser, calls: Iterable[str] = ()) -> None:
        self._tokens = tokens
        self._expressions = expressions
        self._calls = frozenset(calls)

    def actions(self, braced: bool = True) -> tuple[Action, ...]:
        """Read the actions of a rule and its closing brace; those that can't be read are reported and left out.

        Args:
            braced: whether the rule began with a brace; if not, that was reported. Default True.
        """
        tokens = self._tokens
        actions: list[Action] = []
        #: Braces within the rule, and whether what they are about was reported.
        depth, reported = 0, False
        while not tokens.at("}") or depth:
            if tokens.token.kind == "end" or tokens.word() == "rule":
                if braced and not depth:
                    tokens.report_here("grl-syntax", f"expected '}}' to end the rule, found {tokens.shown()}")
                return tuple(actions)
            if tokens.at("{") or tokens.at("}"):
                if tokens.at("{") and not reported:
                    tokens.report_here("grl-syntax", "expected an action, found '{'", "actions stand without braces")
                depth += 1 if tokens.at("{") else -1
                reported = True
                tokens.advance()
                continue
            if tokens.take(";"):
                continue
            if not braced and tokens.word() == "end":
                tokens.advance()
                return tuple(actions)
            if tokens.word() in BLOCKS:
                if reported:
                    tokens.source.mark(tokens.token.start)
                reported = True
            try:
                actions.append(self._action())
                if len(actions) > MAX_ACTIONS:
                    raise tokens.unreadable("grl-too-large", f"a rule has at most {MAX_ACTIONS:,} actions")
                self._end_of_action()
            except StatementUnreadable:
                tokens.skip_to((";", "}", "{") if reported else (";", "}"), ())
        tokens.advance()
        return tuple(actions)

    def _end_of_action(self) -> None:
        tokens = self._tokens
        if tokens.at(";") or tokens.at("}"):
            return
        if tokens.token.kind != "name":
            raise tokens.unexpected("';'")
        end = tokens.before.end
        tokens.source.report("grl-semicolon", end - 1, end, "expected ';' after this action", "actions end with ';'")

    def _action(self) -> Action:
        tokens = self._tokens
        token = tokens.token
        if token.kind != "name" or (tokens.word() in RESERVED and not tokens.comes("[")):
            message = f"expected an action, found {tokens.shown()}"
            raise tokens.unreadable("grl-syntax", message, f"actions: {', '.join(ACTIONS)}")
        tokens.advance()
        if tokens.take("("):
            return self._effect(token)
        target = self._expressions.target(Path(str(token.value), span=tokens.span_of(token)))
        if isinstance(target, Item):
            hint = "write the place or the name itself: tags[0]"
            raise tokens.unreadable("grl-action", "what is written has a place that the rule says", hint, token)
        if not isinstance(target, Path):
            name = target.name if isinstance(target, Call) else str(token.value)
            hint = _setter(name) or f"assign its result: Fact.field = …; or {_DECLARE.format(name=name, args='…')}"
            raise tokens.unreadable("grl-action", "a method is not an action", hint, token)
        if not target.steps:
            if tokens.token.kind != "op" or tokens.token.value not in _ASSIGNMENTS:
                raise self._unknown_action(token)
            message = f"'{target.fact}' is a whole fact"
            raise tokens.unreadable("grl-action", message, "assign to a field of it", token)
        return self._assignment(token.start, target)

    def _assignment(self, start: int, target: Path) -> Action:
        tokens = self._tokens
        if tokens.at("=="):
            tokens.report_here("grl-assignment", "'==' compares, it does not assign", "did you mean '='?")
            tokens.replace("=")
        operator = str(tokens.token.value)
        if tokens.token.kind != "op" or operator not in _ASSIGNMENTS:
            hint = f"write {operator}= 1;" if operator in ("+", "-") else ""
            raise tokens.unreadable("grl-syntax", f"expected '=' after the field, found {tokens.shown()}", hint)
        tokens.advance()
        value = self._expressions.expression()
        return Assign(target, typing.cast(AssignOp, operator), value, span=tokens.span_from(start))

    def _effect(self, token: Token) -> Action:
        """`Reject(…)`, `Log(…)`, `Retract(…)`, `Complete()`, and calls that the schema declares."""
        tokens = self._tokens
        word = str(token.value).lower()
        if token.value in self._calls:
            args = self._arguments(token)
            return Emit(str(token.value), args, span=tokens.span_from(token.start))
        if word not in _OUTCOMES and word not in ("log", "retract", "complete"):
            raise self._unknown_action(token)
        argument = None if tokens.at(")") else self._expressions.expression()
        if tokens.at(","):
            raise tokens.unreadable("grl-syntax", f"'{token.value}' takes one argument", "join texts with '+'")
        tokens.expect(")", f"to close {token.value}(")
        span = tokens.span_from(token.start)
        if word in _OUTCOMES:
            return Decide(_OUTCOMES[word], Literal("") if argument is None else argument, span=span)
        if word == "complete":
            if argument is not None:
                raise tokens.unreadable("grl-syntax", "'Complete' takes no argument", token=token)
            return Complete(span=span)
        if argument is None:
            raise tokens.unreadable("grl-syntax", f"'{token.value}' takes one argument", token=token)
        if word == "log":
            return Log(argument, span=span)
        if not isinstance(argument, Literal) or not isinstance(argument.value, str):
            raise tokens.unreadable("grl-syntax", "'Retract' takes the name of a rule", 'Retract("Name")', token)
        return Retract(argument.value, span=argument.span)

    def _arguments(self, token: Token) -> tuple[Expression, ...]:
        """What stands between the parentheses of a call, and the closing one."""
        tokens = self._tokens
        if tokens.take(")"):
            return ()
        args = [self._expressions.expression()]
        while tokens.take(","):
            args.append(self._expressions.expression())
        tokens.expect(")", f"to close {token.value}(")
        return tuple(args)

    def _unknown_action(self, token: Token) -> StatementUnreadable:
        name, tokens = str(token.value), self._tokens
        if name.lower() in BLOCKS:
            return tokens.unreadable("grl-action", f"'{name}' is not an action", BLOCKS[name.lower()], token)
        if name.lower() in map(str.lower, ACTIONS):
            return tokens.unreadable("grl-action", f"'{name}' has no brackets", _CALLED, token)
        hint = _FOREIGN_ACTIONS.get(name.lower()) or did_you_mean(name, (*ACTIONS, *sorted(self._calls)))
        if tokens.before.value == "(" and name.lower() not in _FOREIGN_ACTIONS:
            # The kind of the first argument is seen at its first token; how many there are, the author knows.
            kinds = "" if tokens.at(")") else '"number"' if tokens.token.kind == "number" else '"text"'
            declare = _DECLARE.format(name=name, args=kinds)
            hint = f"{hint} Or {declare}" if hint else declare
        hint = hint or f"actions: {', '.join(ACTIONS)}, and assignments"
        return tokens.unreadable("grl-action", f"'{name}' is not an action", hint, token)
