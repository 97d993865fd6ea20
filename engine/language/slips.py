"""What is no token of GRL, and what was meant by it.  source -> [slips] -> lexer

Takes a place where a text has a sign of another language, reports it, and says as what reading goes on: so one mistake
is one problem, and the rest of the file is still looked at. A sign that stands for nothing is kept as an operator that
the grammar has no place for: who meets it finds that it was reported. It makes no tokens itself."""

import re
import unicodedata
from typing import Literal, NamedTuple

from engine.language.source import Source

#: Signs that stand for something else, for the lexer's pattern; the longer ones first.
PATTERN = (
    r"<=>|===|!==|!>|!<|<>|>>|<<|=>|=<|:=|\*\*|=~|~=|!~|\?\?|\?:|\?\.|::|\.\.|->|&(?!&)|\|(?!\|)|[\^~?≥≤≠∧∨¬×÷−–—]"
    r"|<!--[^\n]*|\#[0-9]{4}-[0-9]{2}-[0-9]{2}\#|\#[^\n]*"
    r"|[“”„][^“”„\"\n]*[“”\"]|[‘’‚][^‘’'\n]*[‘’']|[«»][^«»\n]*[«»]|`[^`\n]*`|[“”„‘’‚«»`]"
)
#: What one sign was meant as, and the hint; the lexer goes on with it.
_MEANT = {
    "===": ("==", "did you mean '=='?"),
    "!==": ("!=", "did you mean '!='?"),
    "<>": ("!=", "did you mean '!='?"),
    "!>": ("<=", "did you mean '<='?"),
    "!<": (">=", "did you mean '>='?"),
    ">>": (">=", "did you mean '>='?"),
    "<<": ("<=", "did you mean '<='?"),
    "=>": (">=", "did you mean '>='?"),
    "=<": ("<=", "did you mean '<='?"),
    ":=": ("=", "did you mean '='?"),
    "**": ("*", "there is no power operator; multiply, or call Pow"),
    "^": ("*", "for a power call Pow(a, b); for one of two conditions, and not both, write a != b"),
    "&": ("&&", "did you mean '&&'?"),
    "|": ("||", "did you mean '||'?"),
    "=~": ("matches", 'write text matches "pattern"'),
    "~=": ("matches", 'write text matches "pattern"'),
    "!~": ("matches", 'write !(text matches "pattern")'),
    "~": ("!", "did you mean '!'?"),
    "¬": ("!", "did you mean '!'?"),
    "?.": (".", "write '.': a member of what is null is null"),
    "::": (".", "did you mean '.'?"),
    "≥": (">=", "did you mean '>='?"),
    "≤": ("<=", "did you mean '<='?"),
    "≠": ("!=", "did you mean '!='?"),
    "∧": ("&&", "did you mean '&&'?"),
    "∨": ("||", "did you mean '||'?"),
    "×": ("*", "did you mean '*'?"),
    "÷": ("/", "did you mean '/'?"),
    **dict.fromkeys("−–—", ("-", "did you mean '-'?")),
}
#: Signs that nothing of here stands for, and the hint.
_NOTHING = {
    "?": "there is no 'a ? b : c'; write a rule for each case",
    "??": "write Coalesce(a, b)",
    "?:": "write Coalesce(a, b)",
    "<=>": "write a < b, a == b or a > b; of texts Compare(a, b) is -1, 0 or 1",
    "..": "write a <= x && x <= b",
    "->": "there are no lambdas; write exists(Line.qty > 1), or Count, Sum, Min, Max, Avg of a list",
}
#: Of which other alphabets have wide ones.
_ASCII_SIGNS = frozenset("-+*/%!<>=()[]{},;.:")
_STRAIGHT = 'use straight quotes, here and elsewhere in this file: "'
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*\Z")
_DATE = re.compile(r"#[0-9-]+#\Z")


class Meant(NamedTuple):
    """As what reading goes on."""

    kind: Literal["op", "name", "text", "nothing"]
    value: str
    #: Where the next token begins.
    position: int


def read_slip(source: Source, written: str, start: int) -> Meant:
    """Report a sign of another language.

    Args:
        source: takes the problem.
        written: the sign, with what belongs to it.
        start: its offset.
    """
    end = start + len(written)
    if written in _MEANT:
        meant, hint = _MEANT[written]
        source.report("grl-operator", start, end, f"'{written}' is not an operator", hint)
        return Meant("name" if meant.isalpha() else "op", meant, end)
    if written in _NOTHING:
        source.report("grl-operator", start, end, f"'{written}' is not an operator", _NOTHING[written])
        return Meant("op", written, end)
    if _DATE.match(written):
        hint = f'a date stands in quotes: "{written[1:-1]}"'
        source.report("grl-character", start, end, f"'{written}' is no date", hint)
        return Meant("text", written[1:-1], end)
    if written[0] == "#" or written.startswith("<!--"):
        return read_remark(source, "#" if written[0] == "#" else "<!--", start, end)
    if written[0].isdigit():
        hint = f'a date stands in quotes: "{written}"; what is subtracted stands apart: 2026 - 10 - 11'
        source.report("grl-date", start, end, f"'{written}' stands without quotes", hint)
        return Meant("text", written, end)
    inner, is_first = written[1:-1], source.is_first("backtick" if written[0] == "`" else "quotes")
    if len(written) == 1:
        if is_first and not source.is_marked(start):
            source.report("grl-character", start, end, f"'{written}' does not quote a text", _STRAIGHT)
        return Meant("nothing", "", end)
    if written[0] == "`" and _PATH.match(inner):
        hint = f'a field stands without quotes: {inner}; a text in straight ones: "{inner}"'
        source.report("grl-character", start, end, "'`' quotes nothing", hint)
        source.mark(end - 1)
        return Meant("name", inner.partition(".")[0], start + 1 + len(inner.partition(".")[0]))
    what = "'`' quotes nothing" if written[0] == "`" else f"'{written[0]}' does not quote a text"
    if is_first:
        source.report("grl-character", start, end, what, _STRAIGHT)
    return Meant("text", inner, end)


def read_remark(source: Source, sign: str, start: int, end: int) -> Meant:
    """Report what is a comment in another language, once a file, for it is one mistake.

    Args:
        source: takes the problem.
        sign: that it begins with.
        start: its offset.
        end: the offset of the end of its line.
    """
    if source.is_first(f"remark {sign}"):
        hint = f"write // instead, here and wherever else this file has '{sign}'"
        source.report("grl-comment", start, start + len(sign), f"'{sign}' begins no comment", hint)
    # What is missing after it may be what it took away.
    source.mark(start + len(source.text[start:end].rstrip()))
    return Meant("nothing", "", end)


def read_bad(source: Source, written: str, start: int) -> Meant:
    """Report what has no meaning at all.

    Args:
        source: takes the problem.
        written: letters of other alphabets, or one sign.
        start: its offset.
    """
    end = start + len(written)
    shown = written[:20] if written.isprintable() else f"U+{ord(written[0]):04X}"
    if written[0].isalpha():
        hint = 'a field with such a name is written in brackets: Fact["name"]'
        if source.is_first(f"name {written}"):
            source.report("grl-character", start, end, f"'{shown}' is no name: a name has the letters A to Z", hint)
        return Meant("name", written, end)
    plain = unicodedata.normalize("NFKC", written)
    if plain != written and plain in _ASCII_SIGNS:
        source.report("grl-operator", start, end, f"'{written}' is not an operator", f"did you mean '{plain}'?")
        return Meant("op", plain, end)
    is_sign = written in "$@€£" or not written.isprintable()
    if not is_sign or source.is_first(f"sign {written}"):
        hint = ""
        if written in "$@€£":
            hint = "facts and numbers stand by themselves: Order.total > 10"
        elif is_sign:
            hint = (
                "a character that is not seen came with what was pasted; take it out, here and elsewhere in this file"
            )
        source.report("grl-character", start, end, f"'{shown}' has no meaning here", hint)
    return Meant("nothing" if is_sign else "op", written, end)
