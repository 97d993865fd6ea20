"""Whatever is shown in colours is the text, character for character."""

import time

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from engine import Piece, highlighted
from rulesets.loader import SHIPPED
from tests.engine.effort import cases

PIECES = [
    '"',
    "'",
    "/*",
    "*/",
    "//",
    "\n",
    "rule",
    "when",
    "{",
    "}",
    "a.b",
    "1.5",
    "\u202e",
    "<b>",
    "\\",
    "é",
    "--",
    ";;",
]


@limits(max_examples=cases(30), deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_the_pieces_put_together_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in highlighted(text)) == text
    assert all(piece.text for piece in highlighted(text))


def test_rules_that_ship_have_nothing_that_is_of_no_kind() -> None:
    texts = [file.read_text(encoding="utf-8") for file in SHIPPED.glob("*/*.grl")]
    assert len(texts) > 8
    for text in texts:
        found = list(highlighted(text))
        assert "".join(piece.text for piece in found) == text
        assert [piece for piece in found if piece.kind == "other" and piece.text.strip()] == []


def test_each_kind_is_told_from_the_others() -> None:
    text = """rule When "b" salience -5 { // c
        when Order.salience in ["x"] && Sum(Line.amount) > 1 /* d */ then Reject("no"); Order.group = Len("a"); }"""
    found = [piece for piece in highlighted(text) if piece.text.strip()]
    of = {kind: [piece.text for piece in found if piece.kind == kind] for kind in sorted({p.kind for p in found})}
    assert of == {
        "action": ["Reject"],
        "call": ["Sum", "Len"],
        "comment": ["// c", "/* d */"],
        "keyword": ["rule", "When", "salience", "when", "in", "then"],
        "name": ["Order", "salience", "Line", "amount", "Order", "group"],
        "number": ["5", "1"],
        "op": [*"-{.[]", "&&", *"(.)>();.=();}"],
        "text": ['"b"', '"x"', '"no"', '"a"'],
    }


def test_what_is_never_closed_is_one_piece() -> None:
    assert list(highlighted("/* a")) == [Piece("comment", "/* a")]
    assert list(highlighted('"a')) == [Piece("text", '"a')]


@pytest.mark.parametrize("piece", ["/*", '"', "a", "(", "--", "/", "1.", " "])
def test_it_takes_time_linear_in_the_text(piece: str) -> None:
    def seconds(times: int) -> float:
        begun = time.process_time()
        for _ in highlighted(piece * times):
            pass
        return time.process_time() - begun

    # Its square would be minutes.
    assert seconds(50_000) < 60
