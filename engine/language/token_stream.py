"""A place among tokens, and the words for what should stand there.  lexer -> [cursor] -> expression_parser, parser

Takes a `Source`, steps through its tokens with one token of lookahead, and a look at more where that is asked for.
`StatementUnreadable` is how a reader of statements learns that one of them can't be read on; it never leaves the
parser."""

from collections import deque

from engine.diagnostics import Span
from engine.language.lexer import Token, tokens
from engine.language.source import Source


class StatementUnreadable(Exception):
    """What stands here was reported and can't be read on; go to the next statement."""


class TokenStream:
    """A place among the tokens of one source.

    Args:
        source: the text; takes the problems.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tokens = tokens(source)
        #: Tokens after the current one that somebody has looked at already.
        self._seen: deque[Token] = deque()
        self.token = next(self._tokens)
        #: The token before, for problems that belong after it.
        self.before = Token("op", "", 0, 0)

    def advance(self) -> Token:
        """Step over the current token and return it; at the end the end stays."""
        self.before = self.token
        if self.token.kind != "end":
            self.token = self._seen.popleft() if self._seen else next(self._tokens)
        return self.before

    def ahead(self, count: int) -> Token:
        """The token that comes so many after the current one; beyond the end, the end."""
        while len(self._seen) < count:
            last = self._seen[-1] if self._seen else self.token
            if last.kind == "end":
                return last
            self._seen.append(next(self._tokens))
        return self._seen[count - 1]

    def at(self, operator: str) -> bool:
        """Whether the current token is that operator."""
        return self.token.kind == "op" and self.token.value == operator

    def word(self) -> str:
        """The current name in lower case; empty when the token is no name."""
        return str(self.token.value).lower() if self.token.kind == "name" else ""

    def take(self, operator: str) -> bool:
        """Step over that operator if it is here."""
        if self.at(operator):
            self.advance()
            return True
        return False

    def expect(self, operator: str, where: str) -> Token:
        """Step over an operator that has to be here.

        Raises:
            Slip: something else is.
        """
        if not self.at(operator):
            raise self.slip("grl-syntax", f"expected '{operator}' {where}, found {self.found()}")
        return self.advance()

    def found(self) -> str:
        """The current token, for a message."""
        if self.token.kind == "end":
            return "the end of the file"
        written = self.source.text[self.token.start : self.token.end]
        return f"'{written[:30]}…'" if len(written) > 30 else f"'{written}'" if "'" not in written else written

    def slip(self, code: str, message: str, hint: str = "", token: Token | None = None) -> StatementUnreadable:
        """Report a problem at a token (default: the current one) and give the exception to raise."""
        token = token or self.token
        self.source.report(code, token.start, token.end, message, hint)
        return StatementUnreadable()

    def span_from(self, start: int) -> Span:
        """From an offset to the end of the token before the current one."""
        return self.source.span(start, self.before.end)

    def report_here(self, code: str, message: str, hint: str = "") -> None:
        """Report a problem at the current token that does not stop the reading."""
        self.source.report(code, self.token.start, self.token.end, message, hint)

    def replace(self, operator: str) -> None:
        """Go on as if that operator stood here: what was meant is clear, and was reported."""
        self.token = self.token._replace(kind="op", value=operator)
