"""Tokens of whoever uses a gateway: who may do what, in which domains.  [tokens] -> the table tokens -> gateway

On record is the sha256 of a token and never the token. That hash is fast, and for a password it would be the wrong one;
a token is 256 bits of chance, which nobody finds by trying, however fast they try. So a look at the table gives nobody
a token, and a request costs microseconds and no read."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from rulefarm.database import tokens, translate_errors
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.normalize import abbreviate
from rulefarm.routing import checked_domain

#: What a token may be for: to evaluate, to submit jobs and batches, to read what is on record; and, only if that was
#: said, to retry and drop at the console, and to see private fields in what it gets.
SCOPES = ("submit", "evaluate", "read", "operate", "facts")
_USUAL_SCOPES = SCOPES[:3]
#: Begins every token, so that one that lies about in a file or a log is known for what it is.
_PREFIX = "rulefarm_"
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,62}")


class TokenRefused(RulefarmError):
    """A token can't be made like that."""


@dataclass(frozen=True, slots=True)
class GatewayToken:
    """What the bearer of a token may do."""

    name: str
    scopes: frozenset[str]
    #: In these domains; None: in all.
    domains: frozenset[str] | None


def token_digest(secret: str) -> str:
    """What is on record of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def add_token(engine: Engine, name: str, scopes: Sequence[str], domains: Sequence[str]) -> str:
    """Make a token.

    Args:
        engine: the database.
        name: of whoever will bear it; no other token has or had it.
        scopes: some of `SCOPES`; none: submit, evaluate and read.
        domains: where it counts; none: everywhere.

    Returns:
        The token: it is nowhere to be read again.

    Raises:
        TokenRefused: the name or a scope can't be one, or the name is taken.
        JobRejected: a domain can't be one.
        DatabaseUnreachable: nothing was written.
    """
    if not _NAME.fullmatch(name):
        raise TokenRefused("bad-token-name", f"{abbreviate(name)} can't be a token's name", "letters, digits, _ . @ -")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise TokenRefused("bad-scope", f"{abbreviate(unknown[0])} is no scope", f"known: {', '.join(SCOPES)}")
    secret = _PREFIX + secrets.token_urlsafe(_BYTES)
    row = {
        "name": name,
        "digest": token_digest(secret),
        "scopes": sorted(set(scopes or _USUAL_SCOPES)),
        "domains": sorted({checked_domain(domain) for domain in domains}) or None,
    }
    with translate_errors(engine), engine.begin() as connection:
        if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first() is not None:
            raise TokenRefused(
                "token-exists",
                f"there is a token {name} already, or was",
                "what was revoked keeps its name: choose another",
            )
        connection.execute(insert(tokens).values(row))
    return secret


def revoke_token(engine: Engine, name: str) -> None:
    """Take a token back; gateways know within seconds.

    Args:
        engine: the database.
        name: of the token; one that is revoked stays so.

    Raises:
        NotFound: there is none of that name.
        DatabaseUnreachable: nothing was written.
    """
    revoked = update(tokens).where(tokens.c.name == name).returning(tokens.c.name)
    with translate_errors(engine), engine.begin() as connection:
        if not connection.execute(revoked.values(revoked_at=func.coalesce(tokens.c.revoked_at, func.now()))).first():
            raise NotFound("no-such-token", f"there is no token {abbreviate(name)}", "'rulefarm tokens list' has all")


def list_tokens(engine: Engine) -> list[dict[str, Any]]:
    """Every token there is or was: name, scopes, domains, created_at, revoked_at.

    Raises:
        DatabaseUnreachable: no answer.
    """
    shown = (tokens.c.name, tokens.c.scopes, tokens.c.domains, tokens.c.created_at, tokens.c.revoked_at)
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(select(*shown).order_by(tokens.c.created_at, tokens.c.name)).mappings()
        return [dict(row) for row in rows]


def active_tokens(engine: Engine) -> Mapping[str, GatewayToken]:
    """The tokens that count, by their digests.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(select(tokens).where(tokens.c.revoked_at.is_(None))).all()
    return {row.digest: token_of_row(row) for row in rows}


def token_of_row(row: Any) -> GatewayToken:
    """The token that a row of `tokens` tells of."""
    return GatewayToken(row.name, frozenset(row.scopes), _all_or(row.domains))


def _all_or(domains: Collection[str] | None) -> frozenset[str] | None:
    return None if domains is None else frozenset(domains)
