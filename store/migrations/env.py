"""What Alembic runs for every command: hand it our tables and one connection.  store.migrate -> [env] -> versions

Takes its connection from `store.migrate`; has no configuration file and reads no environment."""

from typing import Any

from alembic import context

from rulefarm.tables import metadata


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic compares a thing: not the partitions of verdicts, which come and go by the calendar."""
    if kind == "table":
        return not (reflected and (name or "").startswith("verdicts_"))
    return not (kind == "index" and reflected and thing.table.name.startswith("verdicts_"))


context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, include_object=ours, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
