"""Lines of a text file, as they stand in it.  path -> [text_lines] -> csv_source, jsonl_source, query_source

Reads UTF-8 unless an encoding is named, and unpacks `.gz` and `.zst` on the way; a line at a time, so that a file may
be longer than memory. Never guesses: bytes that are no text of the encoding are refused with the number of their
line."""

import codecs
import gzip
import io
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from rulefarm.errors import SourceRejected
from rulefarm.limits import MAX_MESSAGE_BYTES

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Endings of files that are unpacked while they are read.
PACKED = (".gz", ".zst")
#: How files begin that name an encoding of their own; the longer before the shorter that begins it.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_lines(path: Path, encoding: str | None, most: int = MAX_MESSAGE_BYTES) -> Generator[str, None, None]:
    """The lines of a file, each with the end that it has: LF, CR LF or CR.

    Args:
        path: the file; `.gz` and `.zst` are unpacked.
        encoding: as Python names it. None: UTF-8, with or without a mark at its beginning.
        most: characters of a line. Default: what a message may have.

    Raises:
        SourceRejected: no such encoding, bytes that are no text of it, or a line of more characters.
        OSError, EOFError, zlib.error, zstd.ZstdError: the file can't be read or unpacked.
    """
    codec = _codec(encoding)
    with closing(_lines(path, codec, most, is_named=encoding is not None)) as lines:
        for number, line in enumerate(lines, 1):
            if len(line) > most:
                message = f"{path}:{number}: more than {most} characters in a line"
                raise SourceRejected("facts-too-large", message, "is it one record a line?")
            yield line.removeprefix("\ufeff") if number == 1 else line


def read_text(path: Path, encoding: str | None) -> str:
    """A whole file.

    Args:
        path: as for `read_lines`.
        encoding: as for `read_lines`.

    Raises:
        SourceRejected: as `read_lines`, or more than MAX_MESSAGE_BYTES characters.
    """
    text = io.StringIO()
    for line in read_lines(path, encoding):
        if text.tell() + len(line) > MAX_MESSAGE_BYTES:
            raise SourceRejected("facts-too-large", f"{path}: more than {MAX_MESSAGE_BYTES} characters")
        text.write(line)
    return text.getvalue()


def _codec(encoding: str | None) -> str:
    try:
        # The only way to learn beforehand whether a codec gives text; some give bytes.
        "".encode(encoding or "utf-8").decode(encoding or "utf-8")
        return codecs.lookup(encoding or "utf-8").name
    except (LookupError, ValueError):
        raise SourceRejected(
            "unknown-encoding", f"no encoding is called {encoding!r}", "for example utf-8, utf-16, windows-1252"
        ) from None


def _lines(path: Path, codec: str, most: int, *, is_named: bool) -> Generator[str, None, None]:
    with _opened(path) as file:
        # What is no text of the encoding becomes half a surrogate pair, so that its line can be named.
        text = io.TextIOWrapper(file, encoding=codec, errors="surrogateescape", newline="")
        if not is_named:
            _check_mark(path, file)
        number = 0
        try:
            # Not `for line in text`: a line that does not end would be read whole.
            while line := text.readline(most + 1):
                number += 1
                _check_text(line, path, number, codec)
                yield line
        except UnicodeError:
            # In UTF-16 such bytes have no stand-in.
            raise _not_text(path, number + 1, codec) from None


def _opened(path: Path) -> io.BufferedReader:
    if path.suffix.lower() == ".gz":
        # The bytes themselves are what TextIOWrapper reads and `peek` looks at.
        return io.BufferedReader(gzip.open(path, "rb"))
    if path.suffix.lower() == ".zst":
        return io.BufferedReader(zstd.open(path, "rb"))
    return path.open("rb")


def _check_mark(path: Path, file: io.BufferedReader) -> None:
    beginning = file.peek(4)[:4]
    for mark, name in _MARKS.items():
        if beginning.startswith(mark):
            raise SourceRejected("not-utf-8", f"{path} is no UTF-8: it begins as {name} does", f"--encoding {name}")


def _check_text(line: str, path: Path, number: int, codec: str) -> None:
    if line.isascii():
        return
    try:
        line.encode()
    except UnicodeEncodeError:
        raise _not_text(path, number, codec) from None


def _not_text(path: Path, number: int, codec: str) -> SourceRejected:
    if codec == "utf-8":
        hint = "name what it is, say --encoding windows-1252"
        return SourceRejected("not-utf-8", f"{path}:{number}: bytes that are no UTF-8", hint)
    return SourceRejected("bad-encoding", f"{path}:{number}: bytes that are no {codec}", "name another --encoding")
