"""Lines are those of the file, whatever packs it and whatever encoding is named; nothing is guessed."""

import gzip
import random
from pathlib import Path

import pytest
from backports import zstd

from rulefarm.batch.text_lines import read_lines, read_text
from rulefarm.errors import SourceRejected

TEXT = "a,b\r\nx,é\n\rlast"


def packed(name: str, content: bytes) -> bytes:
    ending = name.lower().rpartition(".")[2]
    return {"gz": gzip.compress, "zst": zstd.compress}.get(ending, bytes)(content)


@pytest.mark.parametrize("name", ["x[1].csv", "x.csv.gz", "X.CSV.GZ", "x[1].csv.zst", "X.CSV.ZST"])
def test_lines_keep_their_ends(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(packed(name, TEXT.encode()))
    assert list(read_lines(tmp_path / name, None)) == ["a,b\r\n", "x,é\n", "\r", "last"]


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst"])
def test_a_packed_file_of_many_members_is_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(packed(name, b"a\n") + packed(name, b"b\n"))
    assert list(read_lines(tmp_path / name, None)) == ["a\n", "b\n"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "windows-1252", "latin-1"])
@pytest.mark.parametrize("name", ["x.csv", "x.csv.zst"])
def test_an_encoding_that_is_named_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    (tmp_path / name).write_bytes(packed(name, "a,b\nx,é\n".encode(encoding)))
    assert list(read_lines(tmp_path / name, encoding)) == ["a,b\n", "x,é\n"]
    assert read_text(tmp_path / name, encoding) == "a,b\nx,é\n"


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


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst"])
def test_what_is_not_packed_is_not_read_as_it_stands(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"sku,price\na,1\n")
    with pytest.raises((OSError, zstd.ZstdError)):
        list(read_lines(tmp_path / name, None))


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst"])
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    content = "".join(random.Random(1).choices("abc\n", k=500_000)).encode()
    whole = packed(name, content)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises((EOFError, OSError, zstd.ZstdError)):
        list(read_lines(tmp_path / name, None))
