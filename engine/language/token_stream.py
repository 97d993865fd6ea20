"""The tokens of one source, one after the other.  lexer -> [token_stream] -> operand_parser, expression_parser, parser

Takes a `Source`, gives its tokens with one token of lookahead, and a look at more where that is asked for; says what
stands here, and what should, in the words of a message. Every reader of the grammar holds the same stream.
`StatementUnreadable` is how a reader learns that a statement can't be read on; it never leaves the parser."""

from collections import deque

from engine.diagnostics import Span
from engine.language.keywords import BINDING, FACTS_TOO, FOREIGN_INFIX, NOT_YET, RESERVED
from engine.language.lexer import Token, tokens
from engine.language.source import Source

PERCENTAGE = "a percentage is a number: 10 % is 0.1"


class StatementUnreadable(Exception):
    """What stands here was reported and can't be read on; go to the next statement."""


class TokenStream:
    """A place among the tokens of one source.

    Args:
        source: the text; takes the problems.
        position: the offset to begin at, behind the end of a rule; default: the whole source.
    """

    __slots__ = ("_ahead", "_tokens", "before", "source", "token")

    def __init__(self, source: Source, position: int = 0) -> None:
        self.source = source
        self._tokens = tokens(source, position)
        #: Tokens after the current one that somebody has looked at already.
        self._ahead: deque[Token] = deque()
        #: The current token.
        self.token = next(self._tokens)
        #: The token before, for problems that belong after it.
        self.before = Token("op", "}", position - 1, position) if position else Token("op", "", 0, 0)

    def advance(self) -> Token:
        """Step over the current token and return it; at the end the end stays."""
        self.before = self.token
        if self.token.kind != "end":
            self.token = self._ahead.popleft() if self._ahead else next(self._tokens)
        return self.before

    def ahead(self, count: int) -> Token:
        """The token that comes so many after the current one; beyond the end, the end."""
        while len(self._ahead) < count:
            last = self._ahead[-1] if self._ahead else self.token
            if last.kind == "end":
                return last
            self._ahead.append(next(self._tokens))
        return self._ahead[count - 1]

    def at(self, operator: str) -> bool:
        """Whether the current token is that operator."""
        return self.token.kind == "op" and self.token.value == operator

    def word(self) -> str:
        """The current name in lower case; empty when the token is no name, or that of a fact: `In.x`, `Rule["x"]`."""
        if self.token.kind != "name":
            return ""
        word = str(self.token.value).lower()
        if word in FACTS_TOO and (self.comes(".") or (word in ("rule", "then") and self.comes("["))):
            return ""
        return word

    def comes(self, operator: str) -> bool:
        """Whether that operator comes right after the current token."""
        token = self.ahead(1)
        return token.kind == "op" and token.value == operator

    def take(self, operator: str) -> bool:
        """Step over that operator if it is here."""
        if self.at(operator):
            self.advance()
            return True
        return False

    def expect(self, operator: str, where: str) -> Token:
        """Step over an operator that has to be here.

        Args:
            operator: as it is written.
            where: what it is for, as the message goes on: `to close the list`.

        Returns:
            Its token.

        Raises:
            StatementUnreadable: something else is here.
        """
        if not self.at(operator):
            hint = FOREIGN_INFIX.get(self.word(), "")
            raise self.unreadable("grl-syntax", f"expected '{operator}' {where}, found {self.shown()}", hint)
        return self.advance()

    def replace(self, operator: str) -> None:
        """Go on as if that operator stood here: what was meant is clear, and was reported."""
        self.token = self.token._replace(kind="op", value=operator)

    def skip_to(self, operators: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Go to one of these, to the next rule, or to the end.

        Args:
            operators: as they are written.
            words: in small letters; one after a dot is the name of a member.
        """
        while self.token.kind != "end":
            if self.token.kind == "op" and self.token.value in operators:
                return
            if self.before.value != "." and self.word() in ("rule", *words):
                return
            self.advance()

    def skip_branches(self) -> None:
        """Go behind the last 'else' or 'end' of this statement, if it has one."""
        count = last = 0
        while True:
            count += 1
            token = self.ahead(count)
            if token.kind == "end" or (token.kind == "op" and token.value in (";", "{", "}")):
                break
            if token.kind == "name" and str(token.value).lower() in ("else", "end"):
                last = count + 1
        for _ in range(last):
            self.advance()

    # Places and problems

    def shown(self) -> str:
        """The current token, for a message."""
        if self.token.kind == "end":
            return "the end of the file"
        written = self.source.text[self.token.start : self.token.end]
        return f"'{written[:30]}…'" if len(written) > 30 else f"'{written}'" if "'" not in written else written

    def span_from(self, start: int) -> Span:
        """From an offset to the end of the token before the current one."""
        return self.source.span(start, self.before.end)

    def span_of(self, token: Token) -> Span:
        """The place of one token."""
        return self.source.span(token.start, token.end)

    def report_here(self, code: str, message: str, hint: str = "") -> None:
        """Report a problem at the current token that does not stop the reading.

        Args:
            code: of the diagnostic.
            message: one sentence, no full stop.
            hint: what to do about it; default: none.
        """
        if not self._follows(self.token):
            self.source.report(code, self.token.start, self.token.end, message, hint)

    def unreadable(self, code: str, message: str, hint: str = "", token: Token | None = None) -> StatementUnreadable:
        """Report a problem that stops the reading of a statement.

        Args:
            code: of the diagnostic.
            message: one sentence, no full stop.
            hint: what to do about it; default: none.
            token: where the problem is; default: the current one.

        Returns:
            The exception to raise.
        """
        token = token or self.token
        if not self._follows(token):
            self.source.report(code, token.start, token.end, message, hint)
        return StatementUnreadable()

    def _follows(self, token: Token) -> bool:
        """Whether what is wrong with a token follows from a problem that was reported, there or just before it."""
        return self.source.is_marked(token.start) or self.source.follows_marked(token.start)

    def no_value(self) -> StatementUnreadable:
        """Report that something else stands where a value should; the exception to raise."""
        after, hint = self.source.text[self.before.start : self.before.end], ""
        if self.token.kind == "op" and self.token.value in ("&&", "||", "=="):
            hint = "an operand is missing"
        elif self.at("{"):
            hint = "a list stands in brackets: [a, b]; conditions and facts stand without braces"
        elif after == "%":
            hint = PERCENTAGE
        elif after == "[":
            hint = "a place is tags[0], a list names each item: [1, 2]"
        elif after == "matches" and self.at("/"):
            hint = 'a pattern is a text: matches "^a.*"'
        if self.source.is_marked(self.before.start) or self.source.is_marked(self.token.start - 1):
            self.source.mark(self.token.start)
        shown = f" after '{after}'" if after and len(after) <= 30 and "'" not in after else ""
        problem = self.unreadable("grl-syntax", f"expected a value{shown}, found {self.shown()}", hint)
        depth = 0
        # What stands in braces belongs to the mistake; the brace that closes them does not end the rule.
        while self.at("{") or (depth and self.token.kind != "end" and self.word() not in ("then", "rule")):
            depth += self.at("{") - self.at("}")
            self.advance()
        return problem

    def unexpected(self, expected: str) -> StatementUnreadable:
        """Report that something else stands where a word of the grammar should; the exception to raise."""
        word = self.word()
        if word in NOT_YET:
            return self.unreadable("grl-unsupported", NOT_YET[word])
        if word in FOREIGN_INFIX:
            hint = FOREIGN_INFIX[word]
            return self.unreadable("grl-operator", f"'{self.token.value}' is not an operator", hint)
        hint = "operators are infix: a < b, a && b, a in [b, c]" if word and word not in RESERVED else ""
        if word in ("from", "over"):
            hint = f"an event is bound so: {BINDING}"
        elif self.at(";"):
            hint = "a condition ends without ';'"
        elif self.at(",") and expected == "'then'":
            hint = "conditions are joined with &&; a number has no separators, and its decimals stand behind a point"
        return self.unreadable("grl-syntax", f"expected {expected}, found {self.shown()}", hint)
