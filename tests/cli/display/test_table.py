"""Tables: on a terminal between words, in a pipe without padding, and whatever is in a cell stays in its cell."""

import pty
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout, suppress

import pytest

from cli.display.output import print_table

JOB = "0b2c9c1e-7a8b-4c7e-9f53-5f0a5a0c1d2e"
BATCHES = (
    ("id", "submitted at", "domain", "state", "read", "source", "why"),
    [
        (
            JOB,
            "2026-03-01 12:00:00",
            "pricing",
            "failed",
            12345,
            "data/products.csv",
            "columns that are no field: prise",
        ),
        (JOB, "2026-03-01 12:00:01", "pricing", "done", 1, "data/products.csv", ""),
    ],
)


def on_terminal(headers: Sequence[str], rows: Sequence[Sequence[object]], width: int = 80) -> list[str]:
    """What a terminal of that width gets."""
    parent, child = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        # What is printed waits for whoever reads it.
        read = pool.submit(all_of, parent)
        with (
            open(child, "w", encoding="utf-8") as terminal,
            redirect_stdout(terminal),
            pytest.MonkeyPatch.context() as given,
        ):
            for name, value in (("COLUMNS", str(width)), ("NO_COLOR", "1"), ("TERM", "xterm")):
                given.setenv(name, value)
            print_table(headers, rows)
        text = re.sub(r"\x1b\[[0-9;]*m", "", read.result().decode())
    return text.replace("\r\n", "\n").splitlines()


def all_of(terminal: int) -> bytes:
    """What is printed on a terminal until it is closed."""
    read = b""
    with open(terminal, "rb", buffering=0) as stream, suppress(OSError):
        while data := stream.read(65536):
            read += data
    return read


def test_a_terminal_of_80_columns_breaks_no_word() -> None:
    headers, rows = BATCHES
    lines = on_terminal(headers, rows)
    assert max(map(len, lines)) <= 80
    words = " ".join(lines).split()
    for row in rows:
        for word in " ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row).split():
            assert word in words, lines


def test_what_does_not_fit_stands_below_under_its_name() -> None:
    lines = [line.strip() for line in on_terminal(*BATCHES)]
    assert "why: columns that are no field: prise" in lines
    assert not any(line == "why:" for line in lines)


def test_a_wide_terminal_has_one_line_a_row() -> None:
    assert len(on_terminal(*BATCHES, width=200)) == 3


def test_a_word_that_is_wider_than_the_terminal_is_broken_and_not_cut() -> None:
    lines = on_terminal(("key", "n"), [("x" * 200, 1)])
    assert "".join(lines).count("x") == 200
    assert max(map(len, lines)) <= 80


def test_a_pipe_gets_tabs_and_no_padding(capsys: pytest.CaptureFixture[str]) -> None:
    headers, rows = BATCHES
    print_table(headers, rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == list(headers)
    assert lines[1].split("\t") == [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in rows[0]]


@pytest.mark.parametrize("cell", ["a\tb", "a\nb", "\x1b[31m", "[red]x[/red]", ":smile:", "\u202ex"])
def test_a_cell_is_text_and_stays_in_its_place(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("key", "n"), [(cell, 1)])
    [_, row] = capsys.readouterr().out.split("\n")[:2]
    shown, number = row.split("\t")
    assert number == "1"
    assert shown == cell.encode("unicode_escape").decode()
    [_, row] = on_terminal(("key", "n"), [(cell, 1)])
    assert row.split() == [shown, "1"]


def test_an_empty_list_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("key", "n"), [], none="no key yet")
    assert capsys.readouterr().out == "no key yet\n"
