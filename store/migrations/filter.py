"""What Alembic compares.  reflected tables -> [filter] -> env, the test that holds models and migrations together

Not the partitions of verdicts: they come and go by the calendar, and follow their parent's definition."""

from typing import Any


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic compares a thing; its `include_object`."""
    table = name if kind == "table" else thing.table.name
    return not (reflected and str(table).startswith("verdicts_"))
