"""What a terminal would obey is shown as an escape, and nothing else is changed."""

import unicodedata

import pytest

from rulefarm.escaping import visible

#: Text that stays: letters of any script, emoji, no-break spaces, and the joiners that some of them are spelt with.
PLAIN = ["", "order 7", "Größe 10\u00a0€", "日本語", "שלום", "مرحبا", "\U0001f469\u200d\U0001f469", "\\x1b", "[red]"]
PLAIN += ["می\u200cخواهم"]
SHOWN = {
    "\x1b[31mred": r"\x1b[31mred",
    "\x9b2J": r"\x9b2J",
    "\x1b]0;title\x07": r"\x1b]0;title\x07",
    "a\rb": r"a\rb",
    "a\nb\tc": r"a\nb\tc",
    "\x00\x08\x7f": r"\x00\x08\x7f",
    "\u202egpj.exe": r"\u202egpj.exe",
    "\u2066a\u2069": r"\u2066a\u2069",
    "a\u200eb\u200fc\u061cd": r"a\u200eb\u200fc\u061cd",
    "a\u2028b": r"a\u2028b",
    "a\u200bb\ufeff": r"a\u200bb\ufeff",
    "\ud800": r"\ud800",
    "a\U000e0041": r"a\U000e0041",
}


@pytest.mark.parametrize("text", PLAIN)
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_control_and_no_change_of_direction_gets_through() -> None:
    """Every character of Unicode that is a control, a half of a pair, or turns the text, as its own tables say."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B"}
    marks = "\u200e\u200f\u061c"
    for character in map(chr, range(0x110000)):
        if (
            unicodedata.category(character) in ("Cc", "Cs")
            or unicodedata.bidirectional(character) in turning
            or character in marks
        ):
            assert visible(character).isascii(), hex(ord(character))
            assert visible(character) != character


def test_a_message_keeps_its_own_lines() -> None:
    assert visible("two\n\tlines\r\x1b", keep="\n\t") == "two\n\tlines" r"\r\x1b"
