"""Who may do what.  Authorization header -> [authorization] -> a path, or a refusal

Tokens are held in memory, and asked for every few seconds, so that a request costs no read and goes on while Postgres
is away; one that was revoked is refused within seconds. On loopback nobody is asked, unless it is wanted."""

from collections.abc import Mapping

from sqlalchemy import Engine
from starlette.requests import Request

from gateway.problems import RequestRefused
from store.tokens import GatewayToken, active_tokens, token_digest

#: Where a path finds the token of its request; None stands there if none is asked for.
_TOKEN = "rulefarm.token"


class Authorization:
    """The tokens of one farm."""

    def __init__(self, database: Engine, *, is_required: bool) -> None:
        """Know none yet: `refresh` reads them.

        Args:
            database: where they are.
            is_required: whether a request needs one.
        """
        self._database = database
        self.is_required = is_required
        self._by_digest: Mapping[str, GatewayToken] = {}

    def refresh(self) -> None:
        """Read them anew.

        Raises:
            DatabaseUnreachable: no answer; those that were known go on counting.
        """
        if self.is_required:
            self._by_digest = active_tokens(self._database)

    def admit(self, request: Request, scope: str) -> None:
        """Let a request do what its path does.

        Args:
            request: as it came; of a path with a domain, for that domain.
            scope: what the token has to be for.

        Raises:
            RequestRefused: it has no token that counts, or one for something else.
        """
        admit_as(request, self._token(request) if self.is_required else None, scope)

    def _token(self, request: Request) -> GatewayToken:
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise RequestRefused("no-token", "this needs a token")
        token = self._by_digest.get(token_digest(secret.strip()))
        if token is None:
            raise RequestRefused("no-token", "the token is none, or was revoked")
        return token


def admit_as(request: Request, token: GatewayToken | None, scope: str) -> None:
    """Let whoever bears a token do what a path does.

    Args:
        request: as it came; of a path with a domain, for that domain.
        token: the bearer's; None: nobody is asked for one.
        scope: what the token has to be for.

    Raises:
        RequestRefused: it is for something else.
    """
    request.scope[_TOKEN] = token
    check_scope(request, scope, request.path_params.get("domain"))


def check_scope(request: Request, scope: str, domain: str | None) -> None:
    """Refuse a request whose token is not for that.

    Args:
        request: one that was admitted.
        scope: what the token has to be for.
        domain: where; None: nowhere in particular.

    Raises:
        RequestRefused: it is for something else.
    """
    token: GatewayToken | None = request.scope[_TOKEN]
    if token is None:
        return
    if scope not in token.scopes:
        hint = f"it may {', '.join(sorted(token.scopes))}"
        raise RequestRefused("token-unfit", f"the token {token.name} may not {scope}", hint)
    if domain is not None and token.domains is not None and domain not in token.domains:
        message = f"the token {token.name} is not for {domain!r}"
        raise RequestRefused("token-unfit", message, f"it is for {', '.join(sorted(token.domains))}")


def sees_private(request: Request) -> bool:
    """Whether who sent a request is shown private fields: its token is for `facts`, and nobody else is."""
    token: GatewayToken | None = request.scope[_TOKEN]
    return token is not None and "facts" in token.scopes


def readable(request: Request) -> frozenset[str] | None:
    """The domains that the token of a request is for; None: all."""
    token: GatewayToken | None = request.scope[_TOKEN]
    return None if token is None else token.domains
