"""What is copied into a table is read back as it was, whatever characters it has."""

import uuid
from datetime import UTC, datetime
from typing import Any

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


def test_no_rows_are_no_error(database: Engine) -> None:
    assert copied(database, []) == []
