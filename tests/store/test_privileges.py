"""What a user may not do is named by the statement that gives it; who may not migrate changes nothing."""

import pytest
from alembic import command
from sqlalchemy import Engine, text

from store.migrate import alembic_config, is_current, migrate
from store.privileges import TABLE_PRIVILEGES, PrivilegesMissing, missing_privileges


def missing(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return missing_privileges(connection)


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_every_table_has_its_privileges(database: Engine) -> None:
    with database.connect() as connection:
        tables = connection.execute(
            text("select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace")
        )
        names = {name for name in tables.scalars() if not name.startswith("verdicts_")}
    assert names == TABLE_PRIVILEGES.keys()


@pytest.mark.parametrize(
    ("revoked", "named"),
    [
        ("insert on jobs from current_user", ["grant insert on jobs to rulefarm"]),
        ("select, update on chunks from current_user", ["grant select, update on chunks to rulefarm"]),
        ("delete on duties, jobs from current_user", ["grant delete on duties to rulefarm"]),
        ("all on verdicts from current_user", ["grant select, insert on verdicts to rulefarm"]),
        ("select on alembic_version from current_user", ["grant select on alembic_version to rulefarm"]),
        ("temporary on database {} from public, current_user", ["grant temporary on database {} to rulefarm"]),
    ],
)
def test_what_is_missing_is_named_by_the_statement_that_gives_it(
    database: Engine, revoked: str, named: list[str]
) -> None:
    assert missing(database) == []
    name = str(database.url.database)
    run(database, f"revoke {revoked.format(name)}")
    statements = missing(database)
    assert statements == [statement.format(name) for statement in named]
    run(database, *statements)
    assert missing(database) == []


def test_who_may_make_no_table_is_told_and_nothing_is_changed(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(alembic_config(connection), "0006")
    run(database, "revoke create on schema public from public, pg_database_owner, current_user")
    with pytest.raises(PrivilegesMissing) as caught:
        migrate(database)
    assert caught.value.code == "privileges-missing"
    assert "rulefarm may make no table in the schema public; nothing was changed" in caught.value.message
    assert not is_current(database)
    run(database, caught.value.hint.partition(": ")[2])
    migrate(database)
    assert is_current(database)
    # With nothing to do, nothing is needed.
    run(database, "revoke create on schema public from public, pg_database_owner, current_user")
    migrate(database)


def test_who_sees_no_schema_is_told(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(alembic_config(connection), "0006")
    run(database, f"alter database {database.url.database} set search_path = nowhere")
    database.dispose()
    with pytest.raises(PrivilegesMissing, match="may use no schema of its search_path"):
        migrate(database)
