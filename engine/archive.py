"""Look into a workbook before anybody opens it.  bytes -> [archive] -> workbook

Takes the bytes of what says it is an XLSX file, says why it must not be opened: too large unpacked, not a zip of plain
XML parts, or with a document type, by which a few bytes can stand for gigabytes. It unpacks each part once, and reads
no sheet (`engine.workbook`)."""

import io
import re
import zipfile
import zlib

#: Bytes of a workbook as it lies on disk; twenty thousand rows of ten columns take a fourth of it.
MAX_PACKED_BYTES = 4_000_000
#: Bytes of all its parts unpacked, pictures and all.
MAX_UNPACKED_BYTES = 48_000_000
#: Bytes of one part that is neither a sheet nor the texts of the sheets; openpyxl builds trees of these.
MAX_PART_BYTES = 2_000_000
MAX_PARTS = 1_000

_XML_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_LARGE = ("xl/worksheets/", "xl/sharedStrings")


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
                if part.filename.endswith((".xml", ".rels")):
                    problem = _unsafe_part(part.filename, archive.read(part))
                    if problem:
                        return problem
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, OSError):
        return "this is not an Excel workbook, or it is damaged"
    return ""


def _unsafe_part(name: str, data: bytes) -> str:
    if len(data) > MAX_PART_BYTES and not name.startswith(_LARGE):
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
