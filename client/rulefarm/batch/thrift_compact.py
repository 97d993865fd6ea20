"""Structures of Thrift's compact protocol: how parquet writes sizes.  bytes -> [thrift_compact] -> parquet_layout

Gives the fields that are asked for, and walks past all others without keeping them, so that what it takes is bounded by
what is asked. Knows nothing of parquet; of the protocol, all that a reader has to."""

from collections.abc import Mapping
from typing import Any, TypeAlias

#: What is wanted of a structure: the number of a field to the name under which it is kept, or, of a field that is a
#: structure or a list of them, to its name and what is wanted of those.
Wanted: TypeAlias = Mapping[int, "str | tuple[str, Wanted]"]

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
#: Structures inside one another; the format has five or so.
_MAX_DEPTH = 16


class Compact:
    """A reader of one stretch of bytes.

    Args:
        data: begins where a structure does.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        #: How far it has been read.
        self.position = 0

    def structure(self, wanted: Wanted, depth: int = 0) -> dict[str, Any]:
        """The wanted fields of the structure that begins here.

        Args:
            wanted: which they are.
            depth: of structures around this one.

        Raises:
            IndexError: the bytes end before it does.
            ValueError: it is none.
        """
        if depth > _MAX_DEPTH:
            raise ValueError("structures nested too deep")
        found: dict[str, Any] = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            name = wanted.get(number)
            if name is None:
                self._skip(kind, depth)
            elif isinstance(name, str):
                found[name] = self._value(kind, {}, depth)
            else:
                found[name[0]] = self._value(kind, name[1], depth)
        return found

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("an integer of more than 64 bits")
        return value | byte << shift

    def _integer(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)

    def _past(self, count: int) -> None:
        self.position += count
        if self.position > len(self._data):
            raise IndexError("the bytes end within a value")

    def _value(self, kind: int, wanted: Wanted, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._integer()
        if kind == _BINARY:
            size = self._unsigned()
            self._past(size)
            return self._data[self.position - size : self.position]
        if kind == _STRUCT:
            return self.structure(wanted, depth + 1)
        if kind in (_LIST, _SET):
            count, items = self._list_head()
            return [self._value(items, wanted, depth + 1) for _ in range(count)]
        self._skip(kind, depth)
        return None

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._unsigned()
        if count > len(self._data):
            # Each item has a byte at least.
            raise ValueError("a list of more items than there are bytes")
        return count, head & 15

    def _skip(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind in (_I16, _I32, _I64):
            self._unsigned()
        elif kind in (_BYTE, _DOUBLE):
            self._past(1 if kind == _BYTE else 8)
        elif kind == _BINARY:
            self._past(self._unsigned())
        elif kind == _STRUCT:
            self.structure({}, depth + 1)
        elif kind in (_LIST, _SET):
            count, items = self._list_head()
            for _ in range(count):
                self._skip_item(items, depth + 1)
        elif kind == _MAP:
            if count := self._unsigned():
                kinds = self._byte()
                for _ in range(count):
                    self._skip_item(kinds >> 4, depth + 1)
                    self._skip_item(kinds & 15, depth + 1)
        else:
            raise ValueError(f"a value of the unknown kind {kind}")

    def _skip_item(self, kind: int, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ValueError("lists nested too deep")
        # As an item of a list, a truth has a byte of its own.
        self._skip(_BYTE if kind in (_TRUE, _FALSE) else kind, depth)
