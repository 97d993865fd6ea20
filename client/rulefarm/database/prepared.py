"""A statement that comes with every job is planned once a connection.  statement, values -> [prepared] -> a cursor

Of a small statement on a partitioned table Postgres needs longer to plan it than to carry it out. So it is told of it
by name, when a connection first needs it, and then only what the values are. A pooler that hands each transaction to
another session, and could not be told apart, forgets the name: then the statement is sent whole, as any other.

For statements that write and look for nothing: a plan that is kept while a table is small goes through all of it, and
goes on to do so for a minute or more while it grows. And never in a transaction, which an error would end."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from psycopg2.errors import DuplicatePreparedStatement, InvalidSqlStatementName

_VALUE = re.compile(r"%\((\w+)\)s|%%")


def execute_prepared(cursor: Any, statement: str, values: Mapping[str, Any]) -> None:
    """Execute a statement by its name.

    Args:
        cursor: of a connection of `rulefarm.database.silence` that commits by itself.
        statement: SQL, with `%(name)s` for a value and `%%` for a percent sign; Postgres can tell the type of each
            value by where it stands. As many different ones as there are in the code.
        values: by their names.

    Raises:
        psycopg2.Error: as of any statement.
    """
    known: set[str] | None = cursor.connection.prepared
    if known is None:
        cursor.execute(statement, values)
        return
    name, prepare, execute = _forms(statement)
    if name not in known:
        # Another client may have had this session before, and the same statement.
        with suppress(DuplicatePreparedStatement):
            cursor.execute(prepare)
        known.add(name)
    try:
        cursor.execute(execute, values)
    except InvalidSqlStatementName:
        # Nothing was carried out, and the next session may not know it either.
        cursor.connection.prepared = None
        cursor.execute(statement, values)


@cache
def _forms(statement: str) -> tuple[str, str, str]:
    """The name of a statement, what tells Postgres of it, and what has it carried out."""
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    numbered_statement = _VALUE.sub(numbered, statement)
    # Two releases may share a session of a pooler: what reads otherwise has another name.
    name = f"rulefarm_{hashlib.sha256(statement.encode()).hexdigest()[:16]}"
    values = ", ".join(f"%({each})s" for each in numbers)
    return name, f"prepare {name} as {numbered_statement}", f"execute {name}({values})" if values else f"execute {name}"
