"""Write many rows with one COPY.  rows -> [copy] -> a table, mostly a temporary one of the same transaction

Takes plain values: text, numbers, ids, instants, lists for a column of an array type, None for NULL; JSON as text. Only
the driver's COPY is as fast as Postgres is; SQLAlchemy has no word for it. Resolves no conflict: whoever calls it
goes on from a temporary table with INSERT … ON CONFLICT."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from operator import is_
from typing import Any, TypeVar

import psycopg2
from sqlalchemy import Connection

_New = TypeVar("_New")
#: Rows that the driver is given at once.
_AT_ONCE = 64


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows to a table.

    Args:
        connection: in a transaction.
        table: its name, as SQL; never from outside.
        columns: names of the columns that the rows have, as SQL.
        rows: the values of each row, in the order of the columns. They are taken while Postgres reads those before
            them: what makes them may take its time.

    Raises:
        sqlalchemy.exc.DBAPIError, psycopg2.Error: as Postgres refuses them. Whatever their maker raises.
    """
    _copy(connection, table, columns, ("\t".join(map(_field, row)) for row in rows))


def copy_columns(connection: Connection, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Append rows to a table, which are given by columns: a value that many rows share is made text once.

    Args:
        connection: in a transaction.
        table: its name, as SQL; never from outside.
        columns: name of the column, as SQL, to its values, a list or tuple; all of one length.

    Raises:
        sqlalchemy.exc.DBAPIError, psycopg2.Error: as Postgres refuses them.
    """
    fields = [_fields(values) for values in columns.values()]
    _copy(connection, table, list(columns), map("\t".join, zip(*fields, strict=True)))


def _copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterator[str]) -> None:
    lines = _CopiedText(rows)
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", lines)
    except psycopg2.Error:
        # To the driver it is one of Postgres's, whatever it was.
        if lines.error is not None:
            raise lines.error from None
        raise


class _CopiedText:
    """Lines as the driver reads them: the text of all of them would take memory that a process never gives back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        #: What kept them from being read: a signal, say.
        self.error: BaseException | None = None

    def read(self, _size: int) -> str:
        """The next lines, each with its end; nothing when there are no more."""
        try:
            lines = list(islice(self._lines, _AT_ONCE))
            return "\n".join([*lines, ""]) if lines else ""
        except BaseException as error:
            self.error = error
            raise


def once_each(change: Callable[[Any], _New], values: Sequence[Any]) -> list[_New]:
    """Every value changed; one that stands in many rows, the same object, is changed once.

    Args:
        change: what is done to a value.
        values: a list or tuple of any: lists have no hash, so that it is the object that counts.

    >>> once_each(len, ["ab", "c"])
    [2, 1]
    """
    if not values:
        return []
    if all(map(is_, values, repeat(values[0]))):
        return [change(values[0])] * len(values)
    known = dict(zip(map(id, values), values, strict=True))
    if len(known) == len(values):
        return list(map(change, values))
    changed = {key: change(value) for key, value in known.items()}
    return list(map(changed.__getitem__, map(id, values)))


def _fields(values: Sequence[Any]) -> list[str]:
    kinds = set(map(type, values))
    if kinds == {int}:
        return list(map(str, values))
    if kinds == {str}:
        # Most columns are: names, ids and digests, no two alike.
        return list(map(_escaped, values))
    return once_each(_field, values)


def _field(value: Any) -> str:
    """A value as a field of COPY's text, where a tab ends a field and a line a row.

    >>> print(*map(_field, (None, "", "a\\\\b\\tc", 7, ["x", "{", None])), sep=" | ")
    \\N |  | a\\\\b\\tc | 7 | {"x","{",NULL}
    """
    if value is None:
        return r"\N"
    if isinstance(value, list):
        value = "{" + ",".join(map(_item, value)) + "}"
    return _escaped(str(value))


def _escaped(value: str) -> str:
    # Not one by one: four passes without a find take a fraction of one that looks at each character.
    value = value.replace("\\", r"\\").replace("\t", r"\t")
    return value.replace("\n", r"\n").replace("\r", r"\r")


def _item(value: Any) -> str:
    """A value as an item of an array in Postgres's own text."""
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
