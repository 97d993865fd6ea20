"""Lines are those of the file, whatever packs it and whatever encoding is named; nothing is guessed."""

import gzip
import random
from pathlib import Path

import polars as pl
import pytest

from rulefarm.batch.text_lines import read_lines, read_text
from rulefarm.errors import SourceRejected

TEXT = "a,b\r\nx,é\n\rlast"


def zstd(path: Path, content: bytes) -> None:
    """Write a zstd file: the one writer of it at hand is that of polars' own csv."""
    pl.DataFrame({"line": content.decode().split("\n")}).write_csv(
        path, include_header=False, quote_style="never", compression="zstd"
    )


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "X.CSV.GZ"])
def test_lines_keep_their_ends(tmp_path: Path, name: str) -> None:
    content = TEXT.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.lower().endswith("gz") else content)
    assert list(read_lines(tmp_path / name, None)) == ["a,b\r\n", "x,é\n", "\r", "last"]


def test_a_zstd_file_is_unpacked(tmp_path: Path) -> None:
    zstd(tmp_path / "x[1].csv.zst", b"a,b\nx,\xc3\xa9\ry\n\nlast")
    assert list(read_lines(tmp_path / "x[1].csv.zst", None)) == ["a,b\n", "x,é\r", "y\n", "\n", "last\n"]


def test_a_gzip_file_of_many_members_is_whole(tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    assert list(read_lines(tmp_path / "x.csv.gz", None)) == ["a\n", "b\n"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "windows-1252", "latin-1"])
def test_an_encoding_that_is_named_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.csv").write_bytes("a,b\nx,é\n".encode(encoding))
    assert list(read_lines(tmp_path / "x.csv", encoding)) == ["a,b\n", "x,é\n"]
    assert read_text(tmp_path / "x.csv", encoding) == "a,b\nx,é\n"


def test_the_mark_of_utf_8_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbfa\n")
    assert list(read_lines(tmp_path / "x.csv", None)) == ["a\n"]


REFUSED = [
    ("windows-1252", "a,b\nx,y\nx,é\n".encode("cp1252"), None, "not-utf-8", "x.csv:3: bytes that are no UTF-8"),
    ("utf-16", "a,b\n".encode("utf-16"), None, "not-utf-8", "begins as utf-16 does"),
    ("utf-32", "a,b\n".encode("utf-32"), None, "not-utf-8", "begins as utf-32 does"),
    ("another name", "a\né\n".encode("cp1252"), "ascii", "bad-encoding", "x.csv:2: bytes that are no ascii"),
    ("utf-16 that is none", b"a,b\n", "utf-16", "bad-encoding", "x.csv:1: bytes that are no utf-16"),
    ("no encoding", b"a\n", "nonsense", "unknown-encoding", "'nonsense'"),
    ("an encoding of bytes", b"a\n", "rot13", "unknown-encoding", "'rot13'"),
]


@pytest.mark.parametrize(
    ("content", "encoding", "code", "message"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_bytes_that_are_no_text_are_refused_with_their_line(
    tmp_path: Path, content: bytes, encoding: str | None, code: str, message: str
) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(SourceRejected, match=message) as caught:
        list(read_lines(tmp_path / "x.csv", encoding))
    assert caught.value.code == code


def test_what_is_no_zstd_file_is_not_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "x.csv.zst").write_bytes(b"sku,price\na,1\n")
    with pytest.raises(SourceRejected, match="no zstd file"):
        list(read_lines(tmp_path / "x.csv.zst", None))
    zstd(tmp_path / "y.csv.zst", b"a\n")
    with pytest.raises(SourceRejected, match="UTF-8 only"):
        list(read_lines(tmp_path / "y.csv.zst", "latin-1"))


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst"])
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    content = "".join(random.Random(1).choices("abc\n", k=500_000)).encode()
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(content))
    else:
        zstd(tmp_path / name, content)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises((EOFError, OSError, pl.exceptions.PolarsError)):
        list(read_lines(tmp_path / name, None))
