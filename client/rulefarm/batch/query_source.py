"""The rows of a query as frames.  .sql file -> database -> [query_source] -> frames -> sources

Asked through a cursor on the server's side where there are such, so that the rows may be more than memory holds. Every
value keeps its own kind; one that the driver itself can't read costs its row, not the query."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2.extensions
from sqlalchemy import CursorResult, Engine, NullPool, create_engine, event, make_url

from rulefarm import wire
from rulefarm.batch.chunk_codec import Unreadable
from rulefarm.batch.frames import PORTION_CHARACTERS, TableRow, checked_header, frames_of, row_size
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.text_lines import read_text
from rulefarm.errors import JobRejected, SourceRejected
from rulefarm.normalize import abbreviate
from rulefarm.urls import source_url

#: Types of Postgres that Python's dates are too small for: of one, of a list of it, and the reader.
_DATES = ((1082, 1182, "PYDATE"), (1114, 1115, "PYDATETIME"), (1184, 1185, "PYDATETIMETZ"))
#: Intervals, of which Python has no months: of one, and of a list of it.
_INTERVALS = (1186, 1187)
#: JSON and JSONB: of one, and of a list of it.
_JSON = ((114, 199), (3802, 3807))
#: What stands in a query of Postgres as a whole: texts, names in quotes, comments to the end of a line, words.
_TOKEN = re.compile(
    r"""(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'[^']*'|"[^"]*"|(?<![\w$])(\$(?:[^\W\d]\w*)?\$).*?\1"""
    r"""|--[^\r\n]*|/\*|\s+|\w+""",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
#: Rows to ask for at once, at the beginning and at most: a hundred rows of the longest that a job may be are 100 MB.
_FIRST_ROWS, _MOST_ROWS = 10, 100
#: Types of Postgres that are filled up with spaces: char(n), and lists of it.
_PADDED = (1042, 1014)


def read_query(
    path: Path, options: SourceOptions, rows: int, progress: Progress, database_url: str | None
) -> Iterator[pl.DataFrame]:
    """The rows that a query gives, each with its subject.

    Args:
        path: the file with the one query.
        options: subject, encoding.
        rows: of a frame, at most.
        progress: takes the columns.
        database_url: where it is asked.

    Raises:
        SourceRejected: no database is named; else as `checked_header`.
        SettingsError: `bad-url`.
        sqlalchemy.exc.SQLAlchemyError: the database does not answer, or does not take the query.
    """
    if database_url is None:
        raise SourceRejected("no-source-database", f"{path}: no database is named to ask", "set RULEFARM_SOURCE_URL")
    query = read_text(path, options.encoding)
    engine = _engine(database_url)
    if engine.dialect.name == "postgresql" and _has_another(query):
        # Postgres would run them all, and give the rows of the first.
        raise SourceRejected("several-queries", f"{path} has something behind the end of its query", "one query a file")
    settings: dict[str, Any] = {
        # A cursor on the server's side: without it the client's library would fetch all rows at once.
        "stream_results": True,
        # A colon or a percent sign in somebody's query is no parameter of ours.
        "no_parameters": True,
    }
    with engine.connect() as connection:
        result = connection.execution_options(**settings).exec_driver_sql(query)
        header = checked_header(list(result.keys()), path, options, progress)
        codes = [column[1] for column in result.cursor.description] if result.cursor is not None else []
        padded = {place for place, code in enumerate(codes) if code in _PADDED}
        values = (TableRow(_unpadded(row, padded)) for row in _fetched(result, rows))
        yield from frames_of(header, values, rows, progress)


def _fetched(result: CursorResult[Any], most: int) -> Iterator[Any]:
    """The rows of a result, no more of them at a time than fit into memory.

    Args:
        result: of a cursor on the server's side.
        most: rows to ask for at once.
    """
    count, widest = min(most, _FIRST_ROWS), 1
    while fetched := result.fetchmany(count):
        widest = max(widest, *(row_size(row) for row in fetched))
        yield from fetched
        # Nobody says beforehand how long a row is: so no row that came is taken for the longest, until more came.
        count = max(1, min(most, _MOST_ROWS, 2 * count, PORTION_CHARACTERS // widest))


def _has_another(query: str) -> bool:
    """Whether anything stands behind the semicolon that ends a query of Postgres."""
    position, is_over = 0, False
    while position < len(query):
        token = _TOKEN.match(query, position)
        text = token[0] if token else query[position]
        position += len(text)
        if text == "/*":
            position = _behind_comment(query, position)
        elif not text.isspace() and not text.startswith("--"):
            if is_over and text != ";":
                return True
            is_over = is_over or text == ";"
    return False


def _behind_comment(query: str, position: int) -> int:
    """Where a comment ends; one may hold others."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(query, position):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(query)


def _unpadded(row: Any, padded: set[int]) -> Any:
    if not padded:
        return row
    return [_without_padding(value) if place in padded else value for place, value in enumerate(row)]


def _without_padding(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_padding(one) for one in value]
    return value.rstrip(" ") if isinstance(value, str) else value


def _engine(database_url: str) -> Engine:
    url = make_url(source_url(database_url))
    if url.drivername != "postgresql":
        return create_engine(url, poolclass=NullPool)
    engine = create_engine(url.set(drivername="postgresql+psycopg2"), poolclass=NullPool)
    event.listen(engine, "connect", _read_what_python_has_no_value_for)
    return engine


def _read_what_python_has_no_value_for(connection: Any, _record: Any) -> None:
    """Let a date before the year 1, and the like, be a value that nobody can read instead of an error."""
    for one, many, name in _DATES:
        _register(connection, one, many, _forgiving(getattr(psycopg2.extensions, name)))
    _register(connection, *_INTERVALS, _interval)
    for one, many in _JSON:
        _register(connection, one, many, _json)


def _register(connection: Any, one: int, many: int, read: Callable[[Any, Any], Any]) -> None:
    reader = psycopg2.extensions.new_type((one,), "ONE", read)
    psycopg2.extensions.register_type(reader, connection)
    psycopg2.extensions.register_type(psycopg2.extensions.new_array_type((many,), "MANY", reader), connection)


def _forgiving(read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def reader(text: str | None, cursor: Any) -> Any:
        try:
            # The driver would make the last day of 9999 of infinity, and the first of the year 1 of its opposite.
            if text is None or not text.endswith("infinity"):
                return read(text, cursor)
        except (ValueError, OverflowError, psycopg2.Error):
            pass
        return Unreadable(f"is no date between the years 1 and 9999: {abbreviate(text)}")

    return reader


def _interval(text: str | None, cursor: Any) -> Any:
    """An interval as a duration; the driver would make 30 days of a month, and 365 of a year."""
    try:
        if text is None or ("mon" not in text and "year" not in text):
            return psycopg2.extensions.PYINTERVAL(text, cursor)
    except (ValueError, OverflowError, psycopg2.Error):
        pass
    return Unreadable(f"is no duration of days and what is shorter: {abbreviate(text)}")


def _json(text: str | None, _cursor: Any) -> Any:
    try:
        return None if text is None else json.loads(text, parse_float=wire.parse_float)
    except JobRejected as error:
        return Unreadable(f"can't be read: {error.message}")
    except (ValueError, RecursionError):
        return Unreadable(f"can't be read as JSON: {abbreviate(text)}")
