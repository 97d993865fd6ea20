"""Read the actions of a rule.  condition_parser -> [action_parser] -> parser

Takes the tokens after `then`, gives the action nodes up to the closing brace. After a problem it goes on with the next
action."""

import typing

from engine.language.condition_parser import ConditionParser
from engine.language.keywords import BINDING, NOT_YET, RESERVED
from engine.language.lexer import Token
from engine.language.nodes import Action, Assign, AssignOp, Complete, Decide, Literal, Log, Outcome, Path, Retract
from engine.language.token_stream import StatementUnreadable
from engine.suggestions import did_you_mean

#: Of one rule.
MAX_ACTIONS = 1_000

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


class ActionParser(ConditionParser):
    """A cursor that reads actions."""

    def skip_to(self, operators: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Go to one of these, to the next rule, or to the end."""
        while self.token.kind != "end":
            if self.token.kind == "op" and self.token.value in operators:
                return
            if self.before.value != "." and self.word() in ("rule", *words):
                return
            self.advance()

    def unexpected(self, expected: str) -> StatementUnreadable:
        """Report that something else stands where a word of the grammar should; the exception to raise."""
        word = self.word()
        if word in NOT_YET:
            return self.slip("grl-unsupported", NOT_YET[word])
        if word in ("from", "over"):
            hint = f"an event is bound so: {BINDING}"
            return self.slip("grl-syntax", f"expected {expected}, found {self.found()}", hint)
        hint = "operators are infix: a < b, a && b, a in [b, c]" if word and word not in RESERVED else ""
        if self.at(";"):
            hint = "a condition ends without ';'"
        return self.slip("grl-syntax", f"expected {expected}, found {self.found()}", hint)

    def actions(self) -> tuple[Action, ...]:
        """Read the actions of a rule and its closing brace."""
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
            except StatementUnreadable:
                self.skip_to((";", "}"), ())
        return tuple(actions)

    def _end_of_action(self) -> None:
        if self.at(";") or self.at("}"):
            return
        if self.token.kind != "name":
            raise self.unexpected("';'")
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
        target = self.postfix(Path(str(token.value), span=self.source.span(token.start, token.end)))
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

    def _unknown_action(self, token: Token) -> StatementUnreadable:
        name = str(token.value)
        foreign = _FOREIGN_ACTIONS.get(name.lower())
        hint = foreign or did_you_mean(name, _ACTIONS) or f"actions: {', '.join(_ACTIONS)}, and assignments"
        return self.slip("grl-action", f"'{name}' is not an action", hint, token)
