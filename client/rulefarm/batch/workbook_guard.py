"""What a workbook may cost.  xlsx -> [workbook_guard] -> workbook_source

A workbook is an archive of parts, and what each is for stands in one of them; names prove nothing. So every part is
looked at, whatever it is called, before openpyxl reads any; and a sheet, which is read a row at a time, may not have a
row that is as large as a sheet, nor more rows than the format knows. Opens no part that it has not measured."""

import zipfile
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from rulefarm.errors import SourceRejected

#: Bytes of a part of a workbook, unpacked: of a sheet, which is read a row at a time; of the texts of all sheets, which
#: are held in memory; and of any other, of which a tree is built.
SHEET_BYTES, TEXTS_BYTES, PART_BYTES = 2_000_000_000, 50_000_000, 10_000_000
#: Bytes of one row, of which a tree is built too: a job's facts are no longer, and its cells have tags.
ROW_BYTES = 5_000_000
#: Rows and columns that the format has.
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384

_TYPES = "[content_types].xml"
_HINT = "export it as csv or parquet"


class BoundedPart:
    """A part that is read in portions, each of which is bounded.

    Args:
        part: the stream.
        path: of the workbook, for messages.
    """

    def __init__(self, part: IO[bytes], path: Path) -> None:
        self._part = part
        self._path = path
        self._read = self._rows = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Args:
            size: at most so many.
        """
        data = self._part.read(size)
        self._read += len(data)
        if self._read > ROW_BYTES:
            message = f"{self._path}: the row after {self._rows} others takes more than {ROW_BYTES} bytes"
            raise SourceRejected("workbook-too-large", message, _HINT)
        return data

    def next_row(self, cells: int) -> None:
        """A row is read; another may follow.

        Args:
            cells: how many it has.
        """
        self._read = 0
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise SourceRejected("workbook-too-large", f"{self._path}: a sheet has more than {MAX_ROWS} rows", _HINT)
        if cells > MAX_COLUMNS:
            message = f"{self._path}: row {self._rows} of a sheet has {cells} cells, over {MAX_COLUMNS}"
            raise SourceRejected("workbook-too-large", message, _HINT)


def check_parts(path: Path) -> None:
    """Refuse what would take more memory than its size lets expect.

    Args:
        path: the workbook.

    Raises:
        SourceRejected: `workbook-too-large`.
        zipfile.BadZipFile: it is none, as other exceptions of `zipfile` and of the XML parser are.
    """
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        # First this one by itself: it says what the others are.
        declared: dict[str, set[str]] = {}
        for part in parts:
            if _plain(part.filename) == _TYPES:
                _check_size(path, part, PART_BYTES)
                _add_types(declared, archive.read(part))
        for part in parts:
            _check_size(path, part, _limit(archive, part, declared))


def _limit(archive: zipfile.ZipFile, part: zipfile.ZipInfo, declared: dict[str, set[str]]) -> int:
    """How large a part may be. Both its name and what it is declared as must say that it is one of the large ones."""
    name = _plain(part.filename)
    types = declared.get(name) or declared.get(f".{name.rpartition('.')[2]}", set())
    if types and all(kind.endswith("worksheet+xml") for kind in types) and "worksheets/" in name:
        return PART_BYTES if name.endswith(".rels") else SHEET_BYTES
    if types and all(kind.endswith("sharedstrings+xml") for kind in types) and "sharedstrings" in name:
        return TEXTS_BYTES
    if part.file_size <= PART_BYTES:
        return PART_BYTES
    # A picture: no parser gets further than its first byte.
    with archive.open(part) as stream:
        begin = stream.read(1000)
    return PART_BYTES if begin.strip(b"\xef\xbb\xff\xfe\xbf\0 \t\r\n")[:1] in (b"<", b"") else TEXTS_BYTES


def _check_size(path: Path, part: zipfile.ZipInfo, limit: int) -> None:
    # zipfile gives no more bytes than a part says that it has.
    if part.file_size > limit:
        message = f"{path}: its part {part.filename[:80]} takes {part.file_size} bytes, over {limit}"
        raise SourceRejected("workbook-too-large", message, _HINT)


def _add_types(declared: dict[str, set[str]], content: bytes) -> None:
    element: Any
    for element in ElementTree.fromstring(content):
        name = element.get("PartName") or f".{element.get('Extension', '')}"
        declared.setdefault(_plain(name), set()).add(element.get("ContentType", "").lower())


def _plain(name: str) -> str:
    """A name as the sloppiest reader would compare it."""
    return name.replace("\\", "/").lstrip("/").lower()
