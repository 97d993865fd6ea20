"""What Alembic compares.  reflected tables -> [filter] -> env, the test that holds models and migrations together

Not the partitions of verdicts: they come and go by the calendar, and follow their parent's definition. Nor the columns
that only the release before knows."""

from typing import Any

#: Table and column of what revision 0004 left for the statements of producers and workers of the release before.
LEFT_FOR_THE_RELEASE_BEFORE = {
    ("jobs", "rings"),
    ("jobs", "ring_at"),
    ("chunks", "rings"),
    ("chunks", "ring_at"),
    ("reconciler", "rung"),
    ("verdicts", "seen"),
}


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic compares a thing; its `include_object`."""
    if kind == "column" and (thing.table.name, name) in LEFT_FOR_THE_RELEASE_BEFORE:
        return False
    table = name if kind == "table" else thing.table.name
    return not (reflected and str(table).startswith("verdicts_"))
