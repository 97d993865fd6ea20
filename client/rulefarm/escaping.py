"""Text from outside, made visible.  a key, a reason, a file name -> [escaping] -> what a terminal or a log shows

A terminal obeys what it is shown: escape sequences move its cursor, direction marks turn a line around, and a line feed
begins a line that looks like one of ours. Here all of these become the escapes that Python and JSON know. Changes no
value that is stored or sent."""

import re

#: C0 and C1 controls; marks and overrides of direction; separators of lines; what has no width and no glyph; halves of
#: surrogate pairs, which no terminal can be sent. The joiners U+200C and U+200D stay: names are spelt with them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, keep: str = "") -> str:
    r"""The text with escapes for what would not be seen as it is.

    Args:
        text: from anywhere.
        keep: characters that stay as they are: line feeds of a message that has several lines.

    >>> visible("\x1b[2Jaccept\n"), visible("two\nlines", keep="\n")
    ('\\x1b[2Jaccept\\n', 'two\nlines')
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
