"""What a workbook may cost.  the bytes of a file -> [archive_guard] -> workbook

Looks at every part of the archive, whatever it is called, before openpyxl reads any, and bounds each row while a sheet
is read. Says why a workbook is refused; reads no cell."""

import io
import re
import zipfile
import zlib
from typing import IO

#: Bytes of a workbook as it lies on disk; twenty thousand rows of ten columns take a fourth of it.
MAX_PACKED_BYTES = 4_000_000

#: Bytes of all its parts unpacked, pictures and all.
MAX_UNPACKED_BYTES = 48_000_000

#: Bytes of one part that is neither a sheet nor the texts of the sheets; openpyxl builds trees of these.
MAX_PART_BYTES = 2_000_000

MAX_PARTS = 1_000

#: Bytes of one row of a sheet, and of what stands before and after the rows.
MAX_ROW_BYTES = 2_000_000

#: Rows of a sheet, blank ones too: what was formatted once stays in the file. And cells of a row: what the format has.
MAX_SHEET_ROWS, MAX_SHEET_COLUMNS = 100_000, 16_384

_XML_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")

_LARGE = ("xl/worksheets/", "xl/sharedstrings")

_ROOT = re.compile(rb"<(?:[A-Za-z0-9_]+:)?([A-Za-z]+)[\s>/]")


def why_unsafe(content: bytes) -> str:
    """Why a workbook is not to be opened; empty when it may be.

    Args:
        content: the file, whatever it is.
    """
    if len(content) > MAX_PACKED_BYTES:
        return f"a workbook has at most {MAX_PACKED_BYTES:,} bytes"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                return f"a workbook has at most {MAX_PARTS:,} parts, and unpacked {MAX_UNPACKED_BYTES:,} bytes"
            if len({part.filename for part in parts}) < len(parts):
                return "the workbook has two parts of one name"
            for part in parts:
                # zipfile gives no more bytes than a part says it has; the other methods may ask for memory at once.
                if part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    return "the workbook is encrypted, or packed in an unusual way"
                # Whatever it is called: names prove nothing, and openpyxl reads what other parts point to.
                problem = _unsafe_part(part.filename, archive.read(part))
                if problem:
                    return problem
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, OSError):
        return "this is not an Excel workbook, or it is damaged"
    return ""


def _unsafe_part(name: str, data: bytes) -> str:
    begin = data[:1000].strip(b"\xef\xbb\xff\xfe\xbf\0 \t\r\n")[:1]
    if begin not in (b"<", b""):
        # A picture: no parser of XML gets further than its first byte.
        return ""
    if len(data) > MAX_PART_BYTES and not _may_be_large(name, data):
        return f"the part {name[:80]} of the workbook has more than {MAX_PART_BYTES:,} bytes"
    declared = _XML_ENCODING.match(data[:400])
    encoding = declared[1].decode("ascii", "replace").lower() if declared else "utf-8"
    # Entities are how a small text becomes a large one. In UTF-8 there is one way to write what begins them.
    if (
        encoding not in ("utf-8", "utf8", "us-ascii", "ascii")
        or b"\0" in data[:4]
        or data[:2] in (b"\xfe\xff", b"\xff\xfe")
    ):
        return f"the part {name[:80]} of the workbook is not UTF-8"
    return f"the part {name[:80]} of the workbook has a document type" if b"<!DOCTYPE" in data else ""


def _may_be_large(name: str, data: bytes) -> bool:
    """Whether it is a sheet or the texts of the sheets, which are read bit by bit: by its name and by what it holds."""
    place = name.replace("\\", "/").lower()
    root = _ROOT.search(data[:4000])
    return root is not None and place.startswith(_LARGE) and root[1] == (b"sst" if "strings" in place else b"worksheet")


class RowTooLong(Exception):
    """A row of a sheet, or a sheet, that is not read to its end.

    Args:
        code: of the diagnostic.
        message: what is too much.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BoundedSheet:
    """A sheet that is read in portions, a row each, of which a tree is built.

    Args:
        part: the stream.
    """

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._read = self._rows = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Args:
            size: at most so many.
        """
        data = self._part.read(size)
        self._read += len(data)
        if self._read > MAX_ROW_BYTES:
            raise RowTooLong("table-xlsx", f"a row of a sheet has at most {MAX_ROW_BYTES:,} bytes")
        return data

    def next_row(self, cells: int) -> None:
        """A row is read; another may follow.

        Args:
            cells: how many it has.
        """
        self._read = 0
        self._rows += 1
        if self._rows > MAX_SHEET_ROWS:
            raise RowTooLong("too-many-rules", f"a sheet has at most {MAX_SHEET_ROWS:,} rows, blank ones too")
        if cells > MAX_SHEET_COLUMNS:
            raise RowTooLong("table-csv", f"a row of a sheet has at most {MAX_SHEET_COLUMNS:,} cells, blank ones too")
