"""Who is signed in at the console.  a token -> [console_sessions] -> what a browser holds -> whose token it is

A session stands for a token, for half a day. On record is the sha256 of what the browser holds, so that a look at the
table signs nobody in; and because it is on record it holds at every gateway, and ends everywhere at once: when its
token is revoked, too."""

import secrets
from datetime import timedelta

from sqlalchemy import Engine, delete, func, insert, select

from rulefarm.database import console_sessions, tokens, translate_errors
from store.tokens import GatewayToken, token_digest, token_of_row

#: How long one is signed in.
SESSION = timedelta(hours=12)
_BYTES = 32


def new_secret() -> str:
    """What a browser may hold: chance that nobody guesses."""
    return secrets.token_urlsafe(_BYTES)


def open_session(engine: Engine, token: str) -> str | None:
    """Sign in.

    Args:
        engine: the database.
        token: as `add_token` gave it.

    Returns:
        What the browser is to hold; None: no such token counts.

    Raises:
        DatabaseUnreachable: nothing was written.
    """
    secret = new_secret()
    whose = select(tokens.c.name).where(tokens.c.digest == token_digest(token), tokens.c.revoked_at.is_(None))
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(delete(console_sessions).where(console_sessions.c.expires_at <= func.now()))
        name = connection.execute(whose).scalar_one_or_none()
        if name is None:
            return None
        row = {"digest": token_digest(secret), "token": name, "expires_at": func.now() + SESSION}
        connection.execute(insert(console_sessions).values(row))
    return secret


def session_token(engine: Engine, secret: str) -> GatewayToken | None:
    """The token that a session stands for; None: there is no such session any more, or its token was revoked.

    Args:
        engine: the database.
        secret: what the browser holds.

    Raises:
        DatabaseUnreachable: no answer.
    """
    statement = select(tokens).join(console_sessions, console_sessions.c.token == tokens.c.name)
    statement = statement.where(console_sessions.c.digest == token_digest(secret), tokens.c.revoked_at.is_(None))
    with translate_errors(engine), engine.connect() as connection:
        row = connection.execute(statement.where(console_sessions.c.expires_at > func.now())).first()
    return None if row is None else token_of_row(row)


def close_session(engine: Engine, secret: str) -> None:
    """Sign out; of what is no session nothing is said.

    Args:
        engine: the database.
        secret: what the browser holds.

    Raises:
        DatabaseUnreachable: the session goes on.
    """
    with translate_errors(engine), engine.begin() as connection:
        connection.execute(delete(console_sessions).where(console_sessions.c.digest == token_digest(secret)))
