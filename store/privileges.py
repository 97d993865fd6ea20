"""What the user of a connection may do, compared with what rulefarm does.  Postgres -> [privileges] -> migrate, doctor

Two users are told apart: the owner of the tables, who migrates and prunes, and the one that workers and producers use.
Names what is missing as the statement that gives it. Grants nothing."""

from sqlalchemy import Connection, text

from rulefarm.errors import RulefarmError

_READ, _KEEP, _ALL = ("select", "insert"), ("select", "insert", "update"), ("select", "insert", "update", "delete")
#: What workers, producers and the commands, but for `migrate` and `prune`, do with each table. docs/servers.md says
#: it as GRANT statements.
TABLE_PRIVILEGES: dict[str, tuple[str, ...]] = {
    "jobs": _KEEP,
    "batches": _KEEP,
    "chunks": _KEEP,
    "verdicts": _READ,
    "dead_letters": _ALL,
    "duties": _ALL,
    "reconciler": _KEEP,
    "rulesets": _KEEP,
    "active_rulesets": _KEEP,
    "publications": _READ,
    "tokens": _KEEP,
    "shadows": _ALL,
    "shadow_differences": _KEEP,
    "console_sessions": _ALL,
    "fact_views": _READ,
    "operator_actions": _READ,
    "farm": ("select",),
    "alembic_version": ("select",),
}
_NAMES = (
    "select quote_ident(current_user) as who, quote_ident(current_database()) as database,"
    " quote_ident(current_schema()) as schema, has_database_privilege(current_database(), 'temporary') as temporary,"
    " has_schema_privilege(current_schema(), 'create') as creates"
)
_LACKING = (
    "select name, privilege from unnest(cast(:names as text[]), cast(:privileges as text[])) as needed(name, privilege)"
    " where not has_table_privilege(to_regclass(name), privilege)"
)
_OTHERS = (
    "select quote_ident(pg_get_userbyid(relowner)) as owner, string_agg(quote_ident(relname), ', ' order by relname)"
    " from pg_class where relnamespace = cast(current_schema() as regnamespace) and relkind in ('r', 'p')"
    " and relname = any(cast(:names as text[])) and not pg_has_role(relowner, 'usage') group by 1"
)


class PrivilegesMissing(RulefarmError):
    """The user may not do what a command needs."""


def missing_privileges(connection: Connection) -> list[str]:
    """The statements that the owner has to run before workers and producers can use this user.

    Args:
        connection: as that user, on tables that are there.
    """
    names = connection.execute(text(_NAMES)).one()
    needed = [(table, privilege) for table, privileges in TABLE_PRIVILEGES.items() for privilege in privileges]
    tables, privileges = ([pair[place] for pair in needed] for place in (0, 1))
    lacking: dict[str, list[str]] = {}
    for row in connection.execute(text(_LACKING), {"names": tables, "privileges": privileges}):
        lacking.setdefault(row.name, []).append(row.privilege)
    missing = [f"grant {', '.join(found)} on {table} to {names.who}" for table, found in lacking.items()]
    if not names.temporary:
        missing.append(f"grant temporary on database {names.database} to {names.who}")
    return missing


def check_may_migrate(connection: Connection) -> None:
    """Refuse to migrate as a user that may not change the tables, or make them.

    Args:
        connection: as that user.

    Raises:
        PrivilegesMissing: the message names what is missing.
    """
    names = connection.execute(text(_NAMES)).one()
    if names.schema is None:
        raise _refused(
            f"{names.who} may use no schema of its search_path",
            f"as the owner of the database: grant usage, create on schema public to {names.who}",
        )
    others = connection.execute(text(_OTHERS), {"names": list(TABLE_PRIVILEGES)}).all()
    if others:
        owned = "; ".join(f"{tables} of {owner}" for owner, tables in others)
        raise _refused(f"{names.who} does not own {owned}", f"run 'rulefarm migrate' as {others[0].owner}")
    if not names.creates:
        raise _refused(
            f"{names.who} may make no table in the schema {names.schema}",
            f"as the owner of the database: grant create on schema {names.schema} to {names.who}",
        )


def _refused(message: str, hint: str) -> PrivilegesMissing:
    return PrivilegesMissing("privileges-missing", f"{message}; nothing was changed", hint)
