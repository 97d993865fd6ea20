"""Where the rows of a parquet file lie, and what it takes to read some.  parquet -> [parquet_layout] -> parquet_source

A row group may be the whole file, and a page the whole column; of the rows that are wanted Polars reads the packed
columns of their row group from end to end, their dictionaries, and the pages that the rows are on. So sizes are looked
at first: those of columns stand in the footer, that of a page before it. Refuses rows that can't be read in little
memory. Reads no value."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from rulefarm.batch.thrift_compact import Compact, Wanted
from rulefarm.errors import SourceRejected

#: Rows that are read at once, and bytes of them, where that can be had.
STRETCH_ROWS, STRETCH_BYTES = 50_000, 32_000_000
#: Bytes that it may take to read any rows of a row group: its packed columns, their dictionaries, the pages that the
#: rows are on, and the rows. Ten million rows of a common table are within it.
MAX_GROUP_BYTES = 200_000_000
#: Of a file of ten thousand row groups of twenty columns.
MAX_FOOTER_BYTES = 32_000_000
#: Bytes of a cell in memory beside its text: where that begins, and whether it is null.
_CELL_BYTES = 17
#: A page's head says the least and the greatest of its values too.
_HEAD_BYTES, _MAX_HEAD_BYTES = 512, 1_000_000
_HINT = "write it with smaller row groups, of 100,000 rows say (row_group_size of polars and pyarrow)"

_CHUNK: Wanted = {3: "path", 5: "values", 6: "size", 7: "packed", 9: "data", 11: "dictionary"}
_FOOTER: Wanted = {4: ("groups", {1: ("chunks", {3: ("chunk", _CHUNK)}), 3: "rows"})}
_HEAD: Wanted = {
    2: "size",
    3: "packed",
    5: ("page", {1: "values"}),
    7: ("dictionary", {1: "values"}),
    8: ("page", {1: "values", 3: "rows"}),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows to read at once."""

    offset: int
    rows: int
    #: Columns of the file; those that stand together may be read together.
    columns: list[list[str]]


@dataclass(slots=True)
class _Column:
    """A column within a row group."""

    name: str
    #: Bytes, as it lies in the file and unpacked.
    packed: int
    size: int
    #: Unpacked bytes of its dictionary, which every row may need.
    dictionary: int = 0
    #: Where its pages begin and end: in rows, and in unpacked bytes.
    rows: list[int] = field(default_factory=lambda: [0])
    bytes: list[int] = field(default_factory=lambda: [0])

    def touched(self, first: int, last: int) -> tuple[int, float]:
        """Bytes of the pages that hold some rows, and of the rows alone.

        Args:
            first: of the rows, within the row group.
            last: the row behind them.
        """
        begin, end = self._page(first), self._page(last - 1) + 1
        rows = self.rows[end] - self.rows[begin]
        touched = self.bytes[end] - self.bytes[begin]
        return touched, touched * min(1.0, (last - first) / max(1, rows))

    def _page(self, row: int) -> int:
        return min(bisect_right(self.rows, row), len(self.rows) - 1) - 1


def stretches(path: Path) -> Iterator[Stretch]:
    """The rows of a parquet file in portions that can be read in little memory.

    Args:
        path: the file; Polars has found that it is one.

    Raises:
        SourceRejected: `row-group-too-large`; or its footer has more than MAX_FOOTER_BYTES.
        IndexError, ValueError: it is not what it says.
    """
    with path.open("rb") as file:
        offset = 0
        waiting = _Waiting()
        for number, group in enumerate(_groups(file, path)):
            rows, columns = group["rows"], [_column(chunk["chunk"]) for chunk in group["chunks"]]
            weight = sum(one.packed + one.size for one in columns) + rows * len(columns) * _CELL_BYTES
            if waiting.rows and (waiting.weight + weight > STRETCH_BYTES or waiting.rows + rows > STRETCH_ROWS):
                yield waiting.stretch(offset)
                offset, waiting = offset + waiting.rows, _Waiting()
            if weight <= STRETCH_BYTES and rows <= STRETCH_ROWS:
                waiting.add(rows, weight, columns)
                continue
            for chunk, column in zip(group["chunks"], columns, strict=True):
                _read_pages(file, chunk["chunk"], column, rows)
            yield from _cut(columns, offset, rows, f"{path}: row group {number + 1}")
            offset += rows
        if waiting.rows:
            yield waiting.stretch(offset)


class _Waiting:
    """Small row groups that are read together."""

    def __init__(self) -> None:
        self.rows = self.weight = 0
        self._names: list[str] = []

    def add(self, rows: int, weight: int, columns: list[_Column]) -> None:
        self.rows += rows
        self.weight += weight
        self._names = _names(columns)

    def stretch(self, offset: int) -> Stretch:
        return Stretch(offset, self.rows, [self._names])


def _cut(columns: list[_Column], offset: int, rows: int, place: str) -> Iterator[Stretch]:
    """A large row group in stretches, each as long as its bytes allow."""
    fixed = sum(one.packed + one.dictionary for one in columns)
    together = _together(columns)
    first = 0
    while first < rows:
        count = min(STRETCH_ROWS, rows - first)
        while True:
            pages, own = zip(*(one.touched(first, first + count) for one in columns), strict=True)
            kept = sum(own) + count * len(columns) * _CELL_BYTES
            if kept <= STRETCH_BYTES or count == 1:
                break
            count = (count + 1) // 2
        # Columns are read one after the other: the pages of one of them are in memory, beside the rows of all.
        needed = fixed + max(pages) + int(kept)
        if needed > MAX_GROUP_BYTES:
            message = f"{place} of {rows} rows takes {needed} bytes to read any of them, over {MAX_GROUP_BYTES}"
            raise SourceRejected("row-group-too-large", message, _HINT)
        yield Stretch(offset + first, count, together)
        first += count


def _together(columns: list[_Column]) -> list[list[str]]:
    """Columns in the order of the file, as many together as are small."""
    sizes: dict[str, int] = {}
    for column in columns:
        sizes[column.name] = sizes.get(column.name, 0) + column.packed + column.dictionary
    groups: list[list[str]] = [[]]
    total = 0
    for name, size in sizes.items():
        if groups[-1] and total + size > STRETCH_BYTES:
            groups.append([])
            total = 0
        groups[-1].append(name)
        total += size
    return groups


def _names(columns: list[_Column]) -> list[str]:
    return list(dict.fromkeys(column.name for column in columns))


def _groups(file: BinaryIO, path: Path) -> list[dict[str, Any]]:
    file.seek(-8, 2)
    tail = file.read(8)
    size = int.from_bytes(tail[:4], "little")
    if size > MAX_FOOTER_BYTES:
        message = f"{path}: a footer of {size} bytes, over {MAX_FOOTER_BYTES}"
        raise SourceRejected("row-group-too-large", message, "write it with fewer row groups and columns")
    file.seek(-8 - size, 2)
    groups: list[dict[str, Any]] = Compact(file.read(size)).structure(_FOOTER).get("groups", [])
    return groups


def _column(chunk: dict[str, Any]) -> _Column:
    # Of a list or a struct the first part of the path is the column.
    return _Column(chunk["path"][0].decode(), chunk["packed"], chunk["size"])


def _read_pages(file: BinaryIO, chunk: dict[str, Any], column: _Column, rows: int) -> None:
    """Note where the pages of a column begin and end."""
    position = min(chunk["data"], chunk.get("dictionary") or chunk["data"])
    end = position + chunk["packed"]
    values = 0
    while position < end:
        head, length = _head(file, position)
        position += length + head["packed"]
        if "page" in head:
            values += head["page"]["values"]
            # Of lists that are not of today's format the rows are not said; their items stand for them.
            at = column.rows[-1] + head["page"]["rows"] if "rows" in head["page"] else values * rows // chunk["values"]
            column.rows.append(at)
            column.bytes.append(column.bytes[-1] + head["size"])
        elif "dictionary" in head:
            column.dictionary += head["size"]
        if head["packed"] < 0 or head["size"] < 0:
            raise ValueError("a page of less than nothing")
    if len(column.rows) == 1:
        column.rows.append(rows)
        column.bytes.append(column.size)


def _head(file: BinaryIO, position: int) -> tuple[dict[str, Any], int]:
    """What stands before a page, and how many bytes that has."""
    for most in (_HEAD_BYTES, _MAX_HEAD_BYTES):
        file.seek(position)
        reader = Compact(file.read(most))
        try:
            return reader.structure(_HEAD), reader.position
        except IndexError:
            continue
    raise ValueError("a page whose head does not end")
