"""Every record of a csv file is there, with the cells that its quotes say, or with what is wrong with it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulefarm.batch.csv_records import QUOTED_BLANK, Record, read_csv
from rulefarm.errors import SourceRejected

PATH = Path("x.csv")


def records(text: str, path: Path = PATH) -> list[Record]:
    return list(read_csv(iter(io.StringIO(text, newline="")), path))


def cells(text: str, path: Path = PATH) -> list[list[str]]:
    return [record.cells for record in records(text, path)]


GOOD = [
    ("plain", "a,b\n1,2\n", [["1", "2"]]),
    ("no end of line", "a,b\n1,2", [["1", "2"]]),
    ("windows", "a,b\r\n1,2\r\n", [["1", "2"]]),
    ("old mac", "a,b\r1,2\r3,4", [["1", "2"], ["3", "4"]]),
    ("blank", "a,b\n1,\n", [["1", ""]]),
    ("blank in quotes", 'a,b\n1,""\n', [["1", QUOTED_BLANK]]),
    ("delimiter in quotes", 'a,b\n1,"x,y"\n', [["1", "x,y"]]),
    ("doubled quote", 'a,b\n1,"5"" pipe"\n', [["1", '5" pipe']]),
    ("lines in quotes", 'a,b\n1,"x\ny\r\nz"\n2,3\n', [["1", "x\ny\r\nz"], ["2", "3"]]),
    ("a quote alone", 'a,b\n1,""""\n', [["1", '"']]),
    ("all in quotes", '"a","b"\n"1","2"\n', [["1", "2"]]),
    ("all in quotes, with a blank", '"a","b"\n"1",""\n', [["1", QUOTED_BLANK]]),
    ("delimiter beside quotes", 'a,b\n"1","x"",""y"\n', [["1", 'x","y']]),
    ("spaces around quotes", 'a,b\n1, "x, y" \n', [["1", "x, y"]]),
    ("spaces are kept", "a,b\n1, x \n", [["1", " x "]]),
    ("semicolon", "a;b\n1;2,5\n", [["1", "2,5"]]),
    ("tab", "a\tb\n1\t2,5\n", [["1", "2,5"]]),
    ("semicolon behind quotes", '"a,x";b\n1;2\n', [["1", "2"]]),
    ("one column", "a\n1\n2\n", [["1"], ["2"]]),
    ("separator named", "sep=;\na;b\n1;2\n", [["1", "2"]]),
    ("separator that nobody would guess", "sep=|\na|b\n1|2,5\n", [["1", "2,5"]]),
    ("separator in quotes", '"sep=\t"\na\tb\n1\t2\n', [["1", "2"]]),
    ("empty lines", "\na,b\n\n1,2\n,\n  , \n\n3,4\n", [["1", "2"], ["3", "4"]]),
    ("empty records in quotes", 'a,b\n1,2\n"",""\n', [["1", "2"]]),
    ("empty records that are too long", 'a,b\n,,,,\n1,2\n,,,"" ,"",\n"","","",""\n', [["1", "2"]]),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_cells_are_what_stands_there(text: str, expected: list[list[str]]) -> None:
    assert cells(text)[1:] == expected
    assert not any(record.flaw for record in records(text))


def test_headers_are_trimmed_and_a_tsv_has_tabs() -> None:
    assert cells("a , b\n1,2\n")[0] == ["a", "b"]
    assert cells("a,x\tb\n1\t2\n", Path("x.tsv")) == [["a,x", "b"], ["1", "2"]]
    assert cells("a,x\tb\n1\t2\n", Path("x.tsv.gz")) == [["a,x", "b"], ["1", "2"]]


FLAWED = [
    ("too long", "a,b\n1,2,3\n4,5\n", "line 2 has 3 cells, and the header 2"),
    ("too short", "a,b\n1\n4,5\n", "line 2 has 1 cell, and the header 2"),
    ("too long after a cell of two lines", 'a,b\n"x\ny",2,3\n4,5\n', "line 2 has 3 cells, and the header 2"),
    ("a quote inside", 'a,b\n5" pipe,2\n4,5\n', "line 2 has a quote in the midst of a cell"),
    ("a quote at the end", 'a,b\n1,2"\n4,5\n', "line 2 has a quote in the midst of a cell"),
    ("a quote inside, and others", 'a,b\n5" pipe,"x"\n4,5\n', "line 2 has a quote in the midst of a cell"),
    ("NUL", "a,b\n1,\x002\n4,5\n", "line 2 has a NUL character"),
    ("something behind many blanks", "a,b\n,,,,,x,\n4,5\n", "line 2 has 7 cells"),
    ("something in quotes behind many blanks", 'a,b\n,,"",,"x",\n4,5\n', "line 2 has 6 cells"),
    ("all in quotes, one behind many blanks", 'a,b\n"","","","","x",""\n4,5\n', "line 2 has 6 cells"),
    ("a trailing delimiter", "a,b\n1,2,\n4,5\n", "line 2 has 3 cells"),
]


@pytest.mark.parametrize(("text", "flaw"), [case[1:] for case in FLAWED], ids=[case[0] for case in FLAWED])
def test_a_record_that_is_not_in_order_is_there_with_its_flaw_and_its_neighbours_without(text: str, flaw: str) -> None:
    _, odd, neighbour = records(text)
    assert odd.flaw.startswith(flaw)
    assert len(odd.cells) == 2
    assert (neighbour.cells, neighbour.flaw) == (["4", "5"], "")


REFUSED = [
    ("backslash", 'sku,name\nA1,"5\\" pipe"\nA2,"x\\"y"\n', "x.csv:2: something stands behind a closing quote"),
    ("never closed", 'a,b\n1,2\n3,"4\n5,6\n', "x.csv:3: a quote is not closed"),
    ("closed by the next", 'a,b\n1,"2\n3,"4"\n', "x.csv:3: something stands behind a closing quote"),
    ("behind a quote", 'a,b\n"x"y,2\n', "x.csv:2: something stands behind a closing quote"),
    ("in the header", 'a,b"\n1,2\n', "x.csv:1: line 1 has a quote"),
    ("NUL in the header", "a\x00,b\n1,2\n", "x.csv:1: line 1 has a NUL"),
    ("NUL in quotes", 'a,b\n1,"2\x00"\n', "x.csv:2: a NUL character"),
    ("NUL in a cell of two lines", 'a,b\n1,"2\n\x00"\n', "x.csv:3: a NUL character"),
    (
        "a cell without an end",
        'a,b\n1,"' + "x" * 9_000_000 + "\n" + "y" * 9_000_000 + '"\n',
        "x.csv:2: a record of more than",
    ),
]


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_file_of_which_nobody_can_tell_where_records_end_is_refused_with_the_line(text: str, message: str) -> None:
    with pytest.raises(SourceRejected) as caught:
        records(text)
    assert caught.value.code == "malformed-csv"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("text", ["", "\n\n", " , ,\n", "sep=;\n"])
def test_a_file_without_a_header_is_refused(text: str) -> None:
    with pytest.raises(SourceRejected, match="no rows"):
        records(text)


@given(
    st.lists(st.lists(st.text('ab",;\t\n\r é'), min_size=2, max_size=2), min_size=1),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_python_writes_is_read_back(rows: list[list[str]], delimiter: str, quoting: int) -> None:
    buffer = io.StringIO(newline="")
    # No blank: a row of blanks is none.
    rows = [[f"x{first}", second] for first, second in rows]
    csv.writer(buffer, delimiter=delimiter, quoting=quoting).writerows([["h", "i"], *rows])
    assert [[cell.replace(QUOTED_BLANK, "") for cell in row] for row in cells(buffer.getvalue())[1:]] == rows


@given(st.text('ab",\n\r\x00'))
def test_any_text_gives_records_or_a_refusal_and_never_fewer_records_than_python_sees(text: str) -> None:
    text = "h,i\n" + text
    try:
        ours = records(text)[1:]
    except SourceRejected:
        return
    theirs = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(map(str.strip, row))][1:]
    assert len(ours) == len(theirs)
    for record, row in zip(ours, theirs, strict=True):
        assert record.flaw or [cell.replace(QUOTED_BLANK, "").strip() for cell in record.cells] == [
            cell.strip() for cell in row
        ]
