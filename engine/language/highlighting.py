"""Cut GRL into pieces for people who read it in colours.  a text -> [highlighting] -> pieces with their kinds

Takes any text, in order or not, and gives all of it: the pieces put together are the text again, character for
character. Reports nothing, and knows of grammar only which words are no names. Makes no markup: that is for who shows
it."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from engine.language.keywords import AGGREGATES, CONSTANTS, FOR_OPERATORS, QUANTIFIERS, RESERVED, TEXT_TESTS
from engine.language.lexer import TOKEN

PieceKind = Literal["comment", "keyword", "action", "call", "name", "number", "text", "op", "other"]

_WORDS = RESERVED | CONSTANTS.keys() | FOR_OPERATORS.keys() | TEXT_TESTS.keys() | QUANTIFIERS.keys()
_HEADER = {
    *("salience", "no", "loop", "lock", "on", "active", "agenda", "group", "activation", "auto", "focus", "date"),
    *("effective", "expires"),
}
_ACTIONS = {"accept", "review", "reject", "log", "retract", "complete"}
_PLAIN: dict[str, PieceKind] = {
    "comment": "comment",
    "block": "comment",
    "number": "number",
    "text": "text",
    "op": "op",
}
_CALLED = re.compile(r"\s*\(")


class Piece(NamedTuple):
    """A piece of a text."""

    kind: PieceKind
    text: str


def highlighted(text: str) -> Iterator[Piece]:
    """All pieces of a text, white space among them, in time linear in its length.

    Args:
        text: GRL, or what somebody takes for it.

    >>> [piece.text for piece in highlighted('rule A { when X.a > 1 then Accept("b"); }') if piece.kind == "keyword"]
    ['rule', 'when', 'then']
    """
    done, position, in_header = 0, 0, False
    while match := TOKEN.match(text, position):
        found = match.lastgroup or "bad"
        start, position = match.span(found)
        if found == "block":
            close = text.find("*/", position)
            position = len(text) if close < 0 else close + 2
        written = text[start:position]
        if found == "name":
            in_header = in_header or written.lower() == "rule"
        elif written == "{":
            in_header = False
        if start > done:
            yield Piece("other", text[done:start])
        yield Piece(_kind(found, written, text, position, in_header), written)
        done = position
    if done < len(text):
        yield Piece("other", text[done:])


def _kind(found: str, written: str, text: str, end: int, in_header: bool) -> PieceKind:
    if found == "name":
        return _word(written.lower(), is_called=_CALLED.match(text, end) is not None, in_header=in_header)
    return _PLAIN.get(found, "other")


def _word(word: str, *, is_called: bool, in_header: bool) -> PieceKind:
    if word in _WORDS or (in_header and word in _HEADER):
        return "keyword"
    if is_called:
        return "action" if word in _ACTIONS else "call"
    return "call" if word in AGGREGATES else "name"
