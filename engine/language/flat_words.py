"""Words, numbers and texts as nearly all are written.  source -> [flat_words] -> flat_expressions, flat_rules

Takes what a pattern found and where it stands, gives its path, its constant, its place. What a word means is
remembered, for a file says the same things again and again. Whatever takes a second look (an escape, a long number, a
word that means something by itself) is refused by `Surprised`, and left to the parser."""

import typing
from decimal import Decimal

from engine.diagnostics import Span
from engine.language.keywords import CONSTANTS, FACTS_TOO, NOT_YET
from engine.language.lexer import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from engine.language.nodes import Expression, Literal, Path
from engine.language.operand_parser import MAX_NESTING
from engine.language.source import Source
from engine.values import DIGITS, normal_number, normal_text

#: Parts of patterns. White space and comments, which may stand between any two tokens:
GAP = r"\s*+(?:(?://[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)\s*+)*+"
NAME = r"[A-Za-z_][A-Za-z0-9_]*+(?!\w)"
PATH = rf"{NAME}(?:\.{NAME})*+"
#: Without an exponent, and not the beginning of a date or of a number with a mistake in it.
NUMBER = r"(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?![\w.]|-[0-9])"
#: Without an escape.
TEXT = r""""[^"\\\n\0]*+"|'[^'\\\n\0]*+'"""

#: Words that mean something by themselves; only before a member are they names like others.
_WORDS = FACTS_TOO | NOT_YET.keys()
#: Makes a place without a call of Python code: half of all that is made of a rule are places.
_new: typing.Any = tuple.__new__


class Surprised(Exception):
    """Something stands here that the parser has to look at."""


class FlatWords:
    """What the words of one source mean.

    Args:
        source: the text; it takes no problems.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        #: The line that was read last: its number, and where it begins and ends.
        self._row, self._begin, self._stop = 0, 0, -1
        self._paths: dict[str, tuple[str | None, typing.Any]] = {}
        self._numbers: dict[str, Decimal] = {}
        self._texts: dict[str, str] = {}

    def span(self, start: int, end: int) -> Span:
        """As `Source.span`; most places are on the same line as the one before.

        Args:
            start: offset of the first character.
            end: offset behind the last one.
        """
        if start < self._begin or start > self._stop:
            self._row, self._begin, self._stop = self._source.line_at(start)
        length = (end if end < self._stop else self._stop) - start
        made: Span = _new(Span, (self._source.name, self._row, start - self._begin + 1, length if length > 0 else 1))
        return made

    def clause_spans(self, start: int, middle: int, right: int, end: int) -> tuple[Span, Span, Span]:
        """The places of both sides of a comparison, and of all of it; mostly on the same line as the one before.

        Args:
            start: offset of the first character of its left side.
            middle: offset behind the last one.
            right: offset of the first character of its right side.
            end: offset behind the last one.
        """
        begin = self._begin
        if start < begin or end > self._stop:
            return self.span(start, middle), self.span(right, end), self.span(start, end)
        name, row, column = self._source.name, self._row, start - begin + 1
        return (
            _new(Span, (name, row, column, middle - start)),
            _new(Span, (name, row, right - begin + 1, end - right)),
            _new(Span, (name, row, column, end - start)),
        )

    def text(self, written: str) -> str:
        """What a text literal without escapes means."""
        text = self._texts.get(written)
        if text is None:
            if len(written) > MAX_TEXT_CHARACTERS:
                raise Surprised
            text = self._texts[written] = normal_text(written[1:-1])
        return text

    def path(self, written: str, span: Span) -> Expression:
        """A field or a constant.

        Args:
            written: with dots, without white space.
            span: of it.

        Raises:
            Surprised: it means something else.
        """
        fact, rest = self._paths.get(written) or self._learn(written)
        return Literal(rest, span=span) if fact is None else Path(fact, rest, span=span)

    def _learn(self, written: str) -> tuple[str | None, typing.Any]:
        fact, *steps = written.split(".")
        learnt: tuple[str | None, typing.Any] = (fact, tuple(steps))
        if not steps and fact.lower() in CONSTANTS:
            learnt = (None, CONSTANTS[fact.lower()])
        elif not steps and fact.lower() in _WORDS:
            raise Surprised
        if len(steps) > MAX_NESTING or max(map(len, (fact, *steps))) > MAX_NAME_CHARACTERS:
            raise Surprised
        self._paths[written] = learnt
        return learnt

    def literal(self, number: str | None, text: str, start: int) -> Literal:
        """A constant that is a number or a text.

        Args:
            number: as it is written, maybe with a minus before it; None: it is a text.
            text: with its quotes.
            start: its offset.

        Raises:
            Surprised: the number has many digits, or the text many characters.
        """
        return Literal(self.constant(number, text), span=self.span(start, start + len(number or text)))

    def constant(self, number: str | None, text: str) -> str | Decimal:
        """What a number or a text means.

        Args:
            number: as for `literal`.
            text: as for `literal`.

        Raises:
            Surprised: as for `literal`.
        """
        if number is None:
            return self.text(text)
        value = self._numbers.get(number)
        if value is None:
            if len(number) > DIGITS:
                raise Surprised
            value = self._numbers[number] = normal_number(Decimal(number))
        return value

    def longer(self, path: Path, step: str | int, start: int, end: int) -> Path:
        """A path with one more step.

        Args:
            path: all before it, on the same line.
            step: the name of a member, or a place.
            start: offset of the first character of the path.
            end: offset behind the step.

        Raises:
            Surprised: the path or the name is very long.
        """
        if len(path.steps) >= MAX_NESTING or (isinstance(step, str) and len(step) > MAX_NAME_CHARACTERS):
            raise Surprised
        return Path(path.fact, (*path.steps, step), span=self.span(start, end))
