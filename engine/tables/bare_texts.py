"""Texts that stand in a cell without quotes: which of them can be nothing but texts.  [bare_texts] -> unary_tests

A bare text needs no quotes only where nobody could have meant anything else by it: `DAIRY`, `Men's wear`, `A-B`. What
looks like a test, an expression or a number of another country is refused with what to write instead; so is what an
office program puts in place of the characters that were typed. Quotes make a text of anything. Takes texts, gives
nothing; reads no test (`engine.tables.unary_tests` does)."""

import re
import unicodedata
from functools import lru_cache


class CellRefused(Exception):
    """A cell that can't be read. Args: the message, and a hint that may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint


#: Each sign of something else than a text, what it is called, and what its author may have meant. In this order.
_SIGNS = [
    (re.compile(r"""["`]|(?<![\w.])'|'$"""), "a quote", "quotes stand around a whole text"),
    (
        re.compile(r"[<>=≤≥≠]|^\s*!|&&|\|"),
        "an operator",
        'several tests have commas between them: < 5, "a"; a range is [1..5]',
    ),
    (
        re.compile(r"[()\[\]{}]"),
        "a bracket",
        'a cell has no calls but not("a"), date("2026-01-31"); a range is [1..5]',
    ),
    (re.compile(r"[?$*^~;\\]"), "a sign", "a cell has no patterns; several values have commas between them"),
    (re.compile(r"\w\.\.\w"), "a range without brackets", "a range is [a..c]"),
    (
        re.compile(r"(?:(?<=\s)|^)(?:and|or|in|not)(?=\s)|(?<=\s)(?:and|or|in|not)$", re.IGNORECASE),
        "a word of a condition",
        "write US, GB for one of them, not(US, GB) for none of them",
    ),
    (
        re.compile(r"^is\s+(?:not\s+)?(?:null|nil|none|empty|blank|missing)$", re.IGNORECASE),
        "a word of a condition",
        "a missing value is null, any other is not(null)",
    ),
    (
        re.compile(
            r"^(?:contains|(?:starts|begins|ends)\s*with|matches|between|equals|equal\s+to|(?:one|any|none)\s+of)\s",
            re.IGNORECASE,
        ),
        "a word of a condition",
        'such a condition is a rule in a .grl file, or a column of its own: when Product.name contains "x"',
    ),
]
#: Categories of characters that are not seen, or are seen as a blank.
_UNSEEN = ("Cf", "Cc", "Zl", "Zp", "Zs")
_ASCII_SIGNS = tuple("\"'<>=!?$()[]{},;&|*-")
#: Quotes and dashes that office programs write, and what was meant.
_MEANT = {
    **dict.fromkeys("“”„‟«»″〝〞", '"'),
    **dict.fromkeys("‘’‚‛‹›′´", "'"),
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣", "-"),
    **dict.fromkeys("،、", ","),
}
_DASHES = re.compile(r"[-‐‑‒–—―−⁃﹘﹣－]+\Z")
_SINGLE_QUOTED = re.compile(r"'([^'\n\0\\]*)'\Z")
_CALL = re.compile(r"[A-Za-z_]\w*\(.*\)\Z", re.DOTALL)
#: An open quote reaches to the end, so that no text is searched again from each quote in it.
_IN_QUOTES = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)|(?<!\w)\'[^\']*(?:\'|\Z)', re.DOTALL)
_ODD_NUMBER = re.compile(r"[+-]?[€£¥]?\s*[0-9][0-9 .'_]*[%€£¥]?\Z")
_DECIMAL_COMMA = re.compile(r"(?<![0-9])[0-9]+,[0-9]+")


def single_quoted(text: str) -> str | None:
    """What stands between single quotes; None when the text is not one of these.

    >>> single_quoted("'US'"), single_quoted("Men's wear")
    ('US', None)
    """
    quoted = _SINGLE_QUOTED.match(text)
    return quoted[1] if quoted else None


def refuse_decimal_comma(text: str) -> None:
    """Refuse a cell of numbers in which a comma stands between two digits.

    Raises:
        CellRefused: it may be 1.5, or 1 and 5; `1,000` may be a thousand.
    """
    found = _DECIMAL_COMMA.search(_IN_QUOTES.sub("", text))
    if found:
        hint = "decimals stand behind a point, 1.5; nothing parts thousands; two values have a blank between them, 1, 5"
        raise CellRefused(f"'{found[0]}' may be one number or two", hint)


def refuse_odd_number(text: str) -> None:
    """Refuse what looks like a number of another country, where no schema says that it is a text.

    Raises:
        CellRefused: `1 000`, `5%`, `1'000`: a number is written otherwise.
    """
    if _ODD_NUMBER.match(text):
        raise _refused(text, "digits", "a number is 1000, 0.05")


def refuse_unclear(text: str, facts: frozenset[str]) -> None:
    """Refuse a bare text that may be meant as something else.

    Args:
        text: what stands in the cell, or between two commas of it.
        facts: names of the facts that the table can read.

    Raises:
        CellRefused: it may be a test, an expression, or something that an office program made of it.
    """
    for sign, name, hint in _SIGNS:
        found = sign.search(text)
        if found:
            raise _refused(text, f"{name} ({found[0].strip()[:20]})", hint)
    found = _field_pattern(facts).search(text)
    if found:
        raise _refused(text, f"a field ({found[0][:40]})", "an expression begins with =")


def refuse_lookalikes(text: str) -> None:
    """Refuse what looks like another character: typographic quotes and dashes, full-width signs, what is not seen.

    Args:
        text: what stands in the cell, or between two commas of it, without quotes.

    Raises:
        CellRefused: naming the character.
    """
    _refuse_dashes(text)
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if " " <= character <= "~":
            continue
        if character in "\n\r\t\v\f":
            raise _refused(text, "several lines", "several values have commas between them")
        meant = _MEANT.get(character) or unicodedata.normalize("NFKC", character)
        unseen = unicodedata.category(character) in _UNSEEN
        if unseen or meant in _ASCII_SIGNS:
            shown = "" if unseen else f"{character} "
            message = f"{shown}U+{ord(character):04X} is not the character that it looks like"
            hint = "write a blank, or nothing" if unseen else f"write {meant}"
            raise CellRefused(message, f"{hint}; where a text has it, put the text in quotes: {_quoted(text)}")


def _refuse_dashes(text: str) -> None:
    """Refuse a cell of nothing but dashes, which is not `-`: it may be meant to say nothing."""
    if _DASHES.match(text):
        raise CellRefused(
            f"'{text[:40]}' may be a blank cell or a text", f"a blank cell is -, a text is in quotes: {_quoted(text)}"
        )


def refuse_unclear_reason(text: str, facts: frozenset[str]) -> None:
    """Refuse a reason that may be meant as something else; a sentence may have brackets, dashes and words.

    Args:
        text: of the cell.
        facts: names of the facts that the table can read.

    Raises:
        CellRefused: it is a field, a call, or in quotes that are none.
    """
    _refuse_dashes(text)
    if text[0] in "“”„«‘‚‹'`\"" or _CALL.match(text) or _field_pattern(facts).fullmatch(text):
        raise _refused(text, "an expression", 'an expression begins with =: = "over " + Product.cost')


@lru_cache(maxsize=64)
def _field_pattern(facts: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, facts)))
    return re.compile(rf"\b(?:{names})\.[^\W\d]\w*" if names else r"(?!)", re.IGNORECASE)


def _refused(text: str, found: str, hint: str) -> CellRefused:
    message = f"'{text[:40]}' has {found} in it and may be more than a text"
    return CellRefused(message, f"{hint}; a text like this stands in quotes: {_quoted(text)}")


def _quoted(text: str) -> str:
    if len(text) > 40 or not text.isprintable() or '"' in text:
        return '"…" (in a csv file """…""")'
    return f'"{text}" (in a csv file """{text}""")'
