"""CSV that opens in a spreadsheet without running anything, and that a person can read."""

import csv
import io
from typing import Any

import pytest

from cli.display.csv_output import print_csv
from rulefarm.csv_lines import csv_line

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"]


def printed(capsys: pytest.CaptureFixture[str], value: Any, *, raw: bool = False) -> Any:
    print_csv(["a", "b"], [{"a": value, "b": 1}], raw=raw)
    text = capsys.readouterr().out
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert (header, row[1:]) == (["a", "b"], ["1"])
    return row[0]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_an_apostrophe(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, text) == f"'{text}"
    assert printed(capsys, [{"rule": None, "text": text}]) == f"'{text}"
    assert printed(capsys, text, raw=True) == text


@pytest.mark.parametrize("value", [-5, -0.5, "a=1", "5-3", "", " x"])
def test_what_is_no_formula_stays(value: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, value) == str(value)


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\r\nb", 'a "b", c', "a\tb", ","])
def test_what_ends_a_record_is_quoted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, text) == text
    assert csv_line([text, 1]) == f'"{text.replace(chr(34), chr(34) * 2)}",1' or text == "a\tb"


def test_lists_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [{"rule": "Big", "outcome": "reject", "text": "big", "code": None}, {"rule": "", "text": "abroad"}]
    assert printed(capsys, reasons) == "Big: big; abroad"
    assert printed(capsys, ["Big", "BigAbroad"]) == "Big; BigAbroad"
    assert printed(capsys, {"Order.band": "high", "Order.vip": True, "Order.tags": ["é"]}) == (
        'Order.band = high; Order.vip = true; Order.tags = ["é"]'
    )
    assert printed(capsys, [{"name": "Mail", "arguments": ["a", 1], "rule": "Big"}]) == "Mail(a, 1)"
    assert printed(capsys, []) == ""


def test_escape_sequences_do_not_reach_the_terminal_by_way_of_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "\x1b[2J\u202e") == r"\x1b[2J\u202e"
    assert printed(capsys, "\x1b[2J", raw=True) == "\x1b[2J"
