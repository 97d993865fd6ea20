"""What is copied into a table is read back as it was, whatever characters it has."""

import tracemalloc
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from rulefarm.database import copy_rows

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
TABLE = "id uuid, name text, names text[], n bigint, at timestamptz, place serial"
COLUMNS = ("id", "name", "names", "n", "at")
AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)

Value = tuple[str | None, list[str | None] | None]


def copied(engine: Engine, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        connection.execute(text(f"create temporary table copied ({TABLE}) on commit drop"))
        copy_rows(connection, "copied", COLUMNS, rows)
        read = connection.execute(text(f"select {', '.join(COLUMNS)} from copied order by place"))
        return [tuple(row) for row in read]


@profile(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXTS | st.none(), st.lists(TEXTS | st.none(), max_size=4) | st.none()), max_size=5))
@example([("", []), (None, None), ("NULL", ["NULL", None, ""]), ("\\N", ["\\", '"', "{}", ","]), ("\\.", ["\\."])])
@example([('a "b"\n\r\n\\.\nc', ["x\ny", "{{", "a,b", " c "])])
def test_what_is_copied_is_read_back(database: Engine, values: list[Value]) -> None:
    rows = [(uuid.uuid4(), name, names, n, AT) for n, (name, names) in enumerate(values)]
    assert copied(database, rows) == rows


def test_rows_that_share_a_value_have_it_each(database: Engine) -> None:
    names, name = ["x", 'a "b"'], 'c "d"'
    rows = [(uuid.uuid4(), name, names, n, AT) for n in range(3)] + [(uuid.uuid4(), None, None, None, AT)]
    assert copied(database, rows) == rows


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_rows_of_nothing_are_rows(database: Engine, count: int) -> None:
    with database.begin() as connection:
        connection.execute(text("create temporary table nothing (x text) on commit drop"))
        copy_rows(connection, "nothing", ("x",), [(None,)] * count)
        assert connection.execute(text("select count(*) from nothing where x is null")).scalar_one() == count


def test_what_is_copied_is_not_held_once_more_as_one_text(database: Engine) -> None:
    rows = [(uuid.uuid4(), f"{n}" + "x" * 20_000, None, n, AT) for n in range(400)]
    with database.begin() as connection:
        connection.execute(text(f"create temporary table copied ({TABLE}) on commit drop"))
        tracemalloc.start()
        try:
            copy_rows(connection, "copied", COLUMNS, rows)
            held = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert held < 1.7 * sum(len(name) for _, name, *_ in rows)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ValueError])
def test_what_happens_while_rows_are_read_is_no_error_of_postgres(
    database: Engine, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(lines: Iterator[str], count: int) -> Iterator[str]:
        yield from islice(lines, count)
        raise error

    monkeypatch.setattr("rulefarm.database.copy.islice", interrupted)
    with pytest.raises(error):
        copied(database, [(uuid.uuid4(), None, None, n, AT) for n in range(3)])
    monkeypatch.undo()
    assert copied(database, []) == []


def test_no_rows_are_no_error(database: Engine) -> None:
    assert copied(database, []) == []
