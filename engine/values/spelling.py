"""What makes two texts one: Unicode normal form C.  [spelling] -> value, functions, language, schema, tables

Text is compared by code point, and there are two ways to write one letter: `é` is one code point, or an `e` and a mark.
So whatever brings text in normalises it (facts, literals of rules, cells, `values` of a schema, keys of shared facts),
and so does a function that puts texts together; a part of a normal text is normal. Takes any text, gives a text; knows
no other kind of value."""

import itertools
import unicodedata

#: Python sorts the marks of a letter in time that grows with the square of their number; longer texts are sorted here.
_LONG = 250


def normal_text(written: str) -> str:
    """A text in Unicode normal form C, as texts are compared; in linear time.

    >>> normal_text("Cafe\u0301") == "Caf\u00e9"
    True
    """
    if written.isascii() or unicodedata.is_normalized("NFC", written):
        return written
    return unicodedata.normalize("NFC", written if len(written) <= _LONG else _in_order(written))


def normal_name(written: str) -> str:
    """The name of a member of an object, as names are compared: `normal_text`, unless that is ASCII.

    So an ASCII name can be looked up as it stands: the Kelvin sign, whose normal form is the letter K, is no `K`.
    """
    normal = normal_text(written)
    return written if normal.isascii() else normal


def _in_order(written: str) -> str:
    """The same text, decomposed, with the marks behind each letter in canonical order."""
    parts = str.maketrans({letter: unicodedata.normalize("NFD", letter) for letter in set(written)})
    runs = itertools.groupby(written.translate(parts), key=lambda letter: unicodedata.combining(letter) > 0)
    return "".join(
        "".join(sorted(letters, key=unicodedata.combining) if are_marks else letters) for are_marks, letters in runs
    )
