"""Write many rows with one COPY.  rows -> [copy] -> a table, mostly a temporary one of the same transaction

Takes plain values: text, numbers, ids, instants, lists for a column of an array type, None for NULL; JSON as text. Only
the driver's COPY is as fast as Postgres is; SQLAlchemy has no word for it. Resolves no conflict: whoever calls it
goes on from a temporary table with INSERT … ON CONFLICT."""

import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Append rows to a table.

    Args:
        connection: in a transaction.
        table: its name, as SQL; never from outside.
        columns: names of the columns that the rows have, as SQL.
        rows: the values of each row, in the order of the columns. All of them are held as text at once.

    Raises:
        sqlalchemy.exc.DBAPIError, psycopg2.Error: as Postgres refuses them.
    """
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    copy_columns(connection, table, dict(zip(columns, values, strict=True)))


def copy_columns(connection: Connection, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Append rows to a table, which are given by columns: a value that many rows share is made text once.

    Args:
        connection: in a transaction.
        table: its name, as SQL; never from outside.
        columns: name of the column, as SQL, to its value in each row; all of one length.

    Raises:
        sqlalchemy.exc.DBAPIError, psycopg2.Error: as Postgres refuses them.
    """
    fields = [_fields(values) for values in columns.values()]
    lines = "\n".join(map(",".join, zip(*fields, strict=True)))
    cursor = connection.connection.cursor()
    cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin with (format csv)", io.StringIO(lines))


def _fields(values: Sequence[Any]) -> list[str]:
    """The values of a column as fields."""
    kinds = set(map(type, values))
    if kinds <= {int, uuid.UUID}:
        return list(map(str, values))
    known: dict[int, str] = {}
    fields = []
    for value in values:
        # By the object, not by what is in it: lists have no hash, and most texts differ.
        text = known.get(id(value))
        if text is None:
            text = known[id(value)] = _field(value)
        fields.append(text)
    return fields


def _field(value: Any) -> str:
    """A value as a field of COPY's CSV, where only what has no quotes is NULL.

    >>> print(*map(_field, (None, "", 'a "b" c', 7, ["x", "{", None])), sep=" | ")
     | "" | "a ""b"" c" | "7" | "{""x"",""{"",NULL}"
    """
    if value is None:
        return ""
    if isinstance(value, list):
        value = "{" + ",".join(map(_item, value)) + "}"
    return '"' + str(value).replace('"', '""') + '"'


def _item(value: Any) -> str:
    """A value as an item of an array in Postgres's own text."""
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
