"""Cut GRL into tokens.  source -> [lexer] -> token_stream, formatter

Takes a `Source`, gives its tokens one by one, in time linear in its length, and reports to the source what is no token:
an unclosed text, a number that is too long, a stray character. It goes on after each of these with its best guess, so
that the parser can find the other problems of the file. It knows no grammar."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, NamedTuple

from engine.language.slips import PATTERN, read_bad, read_remark, read_slip
from engine.language.source import Source
from engine.values import MAX_NUMBER_CHARACTERS, exact_decimal, normal_number, normal_text, number_problem

#: Of one text literal; a reason that a person reads is far shorter.
MAX_TEXT_CHARACTERS = 10_000
MAX_NAME_CHARACTERS = 200

#: Of a comment as another language has it; what stands further in is none.
_MAX_INDENT = 200

TokenKind = Literal["name", "number", "text", "op", "end"]


class Token(NamedTuple):
    """One token; `value` is its meaning: the text without quotes, the number, the name or operator as written."""

    kind: TokenKind
    value: str | Decimal
    start: int
    end: int


#: One token, or comment, or slip, with the white space before it.
TOKEN = re.compile(
    r"""\s*+(?:
    (?P<comment>//[^\n]*)
    |(?P<block>/\*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*+(?!\w))
    |(?P<slip_date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?(?!\w))
    |(?P<number>(?:[0-9]+(?:\.[0-9]+)*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\w*)
    |(?P<text>"[^"\\\n]*(?:\\.[^"\\\n]*)*"?|'[^'\\\n]*(?:\\.[^'\\\n]*)*'?)
    |(?P<slip>"""
    + PATTERN
    + r""")
    |(?P<op>&&|\|\||[=!<>+*/-]=|[-+*/%!<>=()\[\]{},;.:])
    |(?P<bad>\w+|\S))""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "/": "/"}
#: Two `\u` that are one character, as JSON writes those beyond U+FFFF; then every other escape.
_ESCAPE = re.compile(
    r"\\(?:u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})"
    r"|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))",
    re.DOTALL,
)
_PLAIN_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_HEXADECIMAL = re.compile(r"0[xX][0-9A-Fa-f]+\Z")
_DURATION = re.compile(r"[0-9.]+(?:ms|s|m|h|d|w|min|sec|hours?|minutes?|seconds?|days?|weeks?)\Z")


def tokens(source: Source, position: int = 0) -> Iterator[Token]:
    """Every token of a source, then one of kind `end`.

    Args:
        source: takes the problems.
        position: the offset to begin at; default: the whole source.

    Yields:
        Tokens in order; comments and white space are left out.
    """
    text = source.text
    match_token = TOKEN.match
    while match := match_token(text, position):
        kind = match.lastgroup or "bad"
        start, position = match.span(kind)
        written = text[start:position]
        if kind == "name":
            if len(written) > MAX_NAME_CHARACTERS:
                source.report("grl-name", start, position, f"a name has at most {MAX_NAME_CHARACTERS} characters")
            yield Token("name", written, start, position)
        elif kind == "op":
            if written in "-;" and text.startswith(written, position) and _begins_line(text, start):
                position = read_remark(source, written * 2, start, _line_end(text, start)).position
            else:
                yield Token("op", written, start, position)
        elif kind == "text":
            if _unclosed(written):
                # What looks like the end of an action most likely is one, and reading on there spares other problems.
                written = written.partition(");")[0].partition(" then ")[0].rstrip(" \t\r);{}") or written
                position = start + len(written)
                hint = f"close it with {written[0]}"
                source.report("grl-text", start, position, "this text is never closed", hint)
                yield Token("text", written.strip(written[0]), start, position)
            else:
                yield Token("text", _text(source, written, start), start, position)
        elif kind == "number":
            yield Token("number", _number(source, written, start), start, position)
        elif kind == "block":
            close = text.find("*/", position)
            if close < 0:
                source.report("grl-comment", start, position, "this comment is never closed", "close it with '*/'")
                source.mark(len(text))
            position = len(text) if close < 0 else close + 2
        elif kind != "comment":
            meant = (read_bad if kind == "bad" else read_slip)(source, written, start)
            position = meant.position
            if meant.kind != "nothing":
                yield Token(meant.kind, meant.value, start, position)
    yield Token("end", "", len(text), len(text))


class Comment(NamedTuple):
    """One comment, with its `//` or `/* */`."""

    text: str
    start: int
    end: int


def comments(source: Source) -> Iterator[Comment]:
    """Every comment of a source, in order.

    Args:
        source: a text whose tokens have no problems.
    """
    text, position = source.text, 0
    while match := TOKEN.match(text, position):
        kind = match.lastgroup or "bad"
        start, position = match.span(kind)
        if kind == "block":
            close = text.find("*/", position)
            position = len(text) if close < 0 else close + 2
        if kind in ("comment", "block"):
            yield Comment(text[start:position], start, position)


def _begins_line(text: str, start: int) -> bool:
    """Whether two signs are the first of their line, and stand apart from what follows: `--x` is x."""
    if text[start + 2 : start + 3] not in ("", " ", "\t"):
        return False
    # Looked at only so far back: a long line of such signs would cost its square.
    before = text[max(0, start - _MAX_INDENT) : start]
    return not before.rpartition("\n")[2].strip() and ("\n" in before or start < _MAX_INDENT)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _number(source: Source, written: str, start: int) -> Decimal:
    """The number, or 0 after reporting why it is none."""
    end = start + len(written)
    if len(written) > MAX_NUMBER_CHARACTERS:
        source.report("grl-number", start, end, f"a number has at most {MAX_NUMBER_CHARACTERS} characters")
        return Decimal(0)
    if _HEXADECIMAL.match(written):
        number = Decimal(int(written, 16))
    elif _DURATION.match(written):
        hint = "write a plain number; in a window the unit stands apart: window(10 min, sliding)"
        source.report("grl-unsupported", start, end, "durations are not in the language", hint)
        return Decimal(0)
    elif not _PLAIN_NUMBER.match(written):
        hint = (
            "a number has no separators" if "_" in written else "a number is 1.5, 1e3 or 0x1F, with nothing behind it"
        )
        source.report("grl-number", start, end, f"'{written[:40]}' is not a number", hint)
        return Decimal(0)
    elif len(written) > 1 and written[0] == "0" and written[1].isdigit():
        if source.is_marked(start - 1):
            # Of `1,000`, the comma was reported.
            return Decimal(0)
        source.report("grl-number", start, end, "a number does not begin with 0", "drop the zero")
        return Decimal(0)
    else:
        number = exact_decimal(written)
    problem = number_problem(number)
    if problem:
        source.report("grl-number", start, end, problem)
        return Decimal(0)
    return normal_number(number)


def _text(source: Source, written: str, start: int) -> str:
    """What a text literal means: escapes replaced, in normal form C."""
    end = start + len(written)
    inner = written[1:-1]
    # An escape has up to twelve characters; what is longer than that can only mean too long a text.
    if len(inner) > MAX_TEXT_CHARACTERS * (12 if "\\" in inner else 1):
        return _too_long(source, start, end)
    if "\x00" in inner:
        source.report("grl-text", start, end, "a text can't hold the character U+0000")
        return ""
    if "\\" not in inner:
        return normal_text(inner)

    def meaning(escape: re.Match[str]) -> str:
        at = start + 1 + escape.start()
        high, low, *codes, character = escape.groups()
        if character is not None:
            if character in _ESCAPES:
                return _ESCAPES[character]
            # A pattern has many of them, and whoever forgot to double one forgot the others: that is one mistake.
            if source.is_first(f"escape {start}"):
                hint = f"for a backslash write '\\\\{character}', here and wherever else this text has one"
                source.report("grl-text", at, at + 2, f"'\\{character}' is not an escape", hint)
            # Where the text is a pattern, it is none without what was meant: that is one mistake.
            return "."
        if high is not None:
            return chr(0x10000 + (int(high, 16) - 0xD800 << 10) + int(low, 16) - 0xDC00)
        code = int(next(filter(None, codes)), 16)
        if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            half = "half of a character is none: write both" if 0xD800 <= code <= 0xDFFF else ""
            source.report("grl-text", at, at + len(escape[0]), f"U+{code:04X} is not a character of text", half)
            return ""
        return chr(code)

    text = normal_text(_ESCAPE.sub(meaning, inner))
    return text if len(text) <= MAX_TEXT_CHARACTERS else _too_long(source, start, end)


def _too_long(source: Source, start: int, end: int) -> str:
    source.report("grl-text", start, end, f"a text has at most {MAX_TEXT_CHARACTERS:,} characters")
    return ""


def _unclosed(written: str) -> bool:
    """Whether a text that begins here does not end on its line; its last quote may be an escaped one."""
    if len(written) < 2 or not written.endswith(written[0]):
        return True
    backslashes = len(written) - 1 - len(written[:-1].rstrip("\\"))
    return backslashes % 2 == 1
