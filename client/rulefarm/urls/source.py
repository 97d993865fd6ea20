"""The URL of a database that queries are asked of.  what people write -> [source] -> what SQLAlchemy reads

Any database may be asked, not the farm's own alone. Postgres's is read as that one is; of others only what two readers
would understand differently is refused, for what their drivers take is for those to say."""

from rulefarm.urls.parts import split_url
from rulefarm.urls.postgres import database_url

_VARIABLE = "RULEFARM_SOURCE_URL"
_POSTGRES = ("postgresql", "postgres", "pgsql", "pg", "postgis")


def source_url(text: str) -> str:
    """The URL of the database of `.sql` files, in SQLAlchemy's spelling.

    Args:
        text: as people write it: a URL of SQLAlchemy, or one of Postgres as for the farm's own database.

    Raises:
        SettingsError: `bad-url`.
    """
    scheme = text.strip().partition("://")[0].lower()
    if scheme.partition("+")[0] in _POSTGRES or scheme.startswith("jdbc:"):
        return database_url(_VARIABLE, text)
    split_url(_VARIABLE, text, example="postgresql://user:password@host:5432/database")
    return text.strip()
