"""The migrations make what the models say, and can be repeated."""

from datetime import UTC, datetime

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from rulefarm.database import metadata
from store.migrate import is_current, migrate
from store.migrations.filter import ours
from store.partitions import ensure_partitions, months


def test_upgrade_head_equals_the_models(database: Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, metadata) == []


def test_constraints_have_the_names_of_the_models(database: Engine) -> None:
    inspector = inspect(database)
    for table in metadata.sorted_tables:
        modelled = {str(constraint.name) for constraint in table.constraints}
        found = {inspector.get_pk_constraint(table.name)["name"]}
        found |= {constraint["name"] for constraint in inspector.get_check_constraints(table.name)}
        found |= {constraint["name"] for constraint in inspector.get_foreign_keys(table.name)}
        assert modelled == found


def test_migrating_twice_changes_nothing(database: Engine) -> None:
    assert is_current(database)
    migrate(database)
    assert is_current(database)


def test_verdicts_of_the_coming_months_have_a_partition(database: Engine) -> None:
    with database.begin() as connection:
        assert ensure_partitions(connection, datetime.now(UTC)) == []
        made = ensure_partitions(connection, datetime(2031, 11, 30, 23, 59, tzinfo=UTC))
        assert made == ["verdicts_2031_11", "verdicts_2031_12", "verdicts_2032_01", "verdicts_2032_02"]
        bounds = connection.execute(
            text("select pg_get_expr(relpartbound, oid) from pg_class where relname = 'verdicts_2031_12'")
        ).scalar_one()
    assert "2031-12-01 00:00:00+00" in bounds
    assert "2032-01-01 00:00:00+00" in bounds


def test_a_month_begins_in_utc_wherever_the_clock_stands() -> None:
    moment = datetime.fromisoformat("2026-12-31T23:30:00-05:00")
    assert next(months(moment, 1))[0] == "verdicts_2027_01"
