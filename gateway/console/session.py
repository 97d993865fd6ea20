"""Who is at the console, and whether a form comes from it.  cookie, headers -> [session] -> a visitor, or a refusal

On loopback nobody is asked for a token, by the same rule as for any other path of the gateway; elsewhere a token is
exchanged for a session, whose secret the browser keeps in a cookie that no script reads and no other site sends. What
another site could still do with a browser that can reach loopback is refused: by a name that it made point there, or
with a form of its own."""

import hashlib
import hmac
import ipaddress
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import admit_as
from gateway.console.console_context import ConsoleContext
from gateway.console.links import ROOT
from gateway.problems import RequestRefused
from gateway.request_bodies import read_body
from store.console_sessions import SESSION, new_secret, session_token
from store.fact_views import record_fact_view
from store.tokens import GatewayToken

COOKIE = "rulefarm_console"
#: The field of a form that shows that it is of a page of ours.
FORM_FIELD = "form"
#: Who is not asked for a token may look and repair; private values are for a token that says so, by name.
LOOPBACK = GatewayToken("loopback", frozenset({"read", "operate"}), None)
#: Fields that a form has at most.
_FIELDS = 100
#: What a browser holds: of a session on record, or of none, for which nobody is asked.
_HELD = re.compile(r"(session|visit)\.[A-Za-z0-9_-]{43}")
#: A host as a request names it: the name or address, and the port if it is not the usual one.
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]+)?")
_VISITOR, _FORM = "rulefarm.visitor", "rulefarm.form"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request."""

    #: None: nobody who may do anything yet.
    token: GatewayToken | None
    #: What the browser holds, or is to hold from now on.
    held: str
    is_new: bool

    @property
    def name(self) -> str:
        """Of the token, or loopback; empty: not signed in."""
        return self.token.name if self.token else ""

    @property
    def is_signed_in(self) -> bool:
        """Whether by a token, and not by being at this machine."""
        return self.token is not None and self.token is not LOOPBACK

    @property
    def form(self) -> str:
        """What every form of a page for this browser carries, and no other site knows."""
        return hmac.digest(self.held.encode(), b"form", hashlib.sha256).hex()

    def may(self, scope: str, domain: str | None = None) -> bool:
        """Whether this visitor may do something.

        Args:
            scope: read, operate or facts.
            domain: where. Default: somewhere.
        """
        if self.token is None or scope not in self.token.scopes:
            return False
        return domain is None or self.token.domains is None or domain in self.token.domains


async def greet(context: ConsoleContext, request: Request) -> Visitor:
    """Find out who sent a request.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        RequestRefused: it came to loopback by the name of something else.
        DatabaseUnreachable: nobody can say.
    """
    held, is_new = request.cookies.get(COOKIE, ""), False
    if not _HELD.fullmatch(held):
        held, is_new = f"visit.{new_secret()}", True
    # Nobody, should that not be found out: what is refused is a page too.
    visitor = request.scope[_VISITOR] = Visitor(None, held, is_new)
    is_open = not context.gateway.authorization.is_required
    if is_open:
        _check_host(request)
    kind, _, secret = held.partition(".")
    token = LOOPBACK if is_open else None
    if kind == "session":
        token = await context.run(partial(session_token, context.database, secret)) or token
    visitor = request.scope[_VISITOR] = replace(visitor, token=token)
    return visitor


def admit(request: Request, scope: str) -> None:
    """Let a visitor do what a page does.

    Args:
        request: one that was greeted.
        scope: what the token has to be for; of a path with a domain, for that domain.

    Raises:
        RequestRefused: nobody is signed in, or the token is for something else.
    """
    token = visitor_of(request).token
    if token is None:
        raise RequestRefused("no-token", "this needs somebody who is signed in", "sign in with a token of the gateway")
    admit_as(request, token, scope)


def visitor_of(request: Request) -> Visitor:
    """Who sent a request that was greeted."""
    visitor: Visitor = request.scope[_VISITOR]
    return visitor


def address_of(request: Request) -> str:
    """Where a request came from, for the record: of a proxy, if there stands one before it."""
    return request.client.host if request.client else "unknown"


def record_view(
    context: ConsoleContext, request: Request, domain: str, subject_id: uuid.UUID, *, unmasked: bool
) -> None:
    """Put on record that who sent a request is shown the facts of a subject; before they are shown.

    Args:
        context: of the console.
        request: one that was greeted.
        domain: whose subject it is; empty: nobody can say.
        subject_id: the job, the verdict of a row of a batch, or the dead letter of a message; of facts that were pasted
            the id that their verdict has, and nothing on record.
        unmasked: whether private values are shown.

    Raises:
        DatabaseUnreachable: nothing was written: show nothing.
    """
    record_fact_view(
        context.database,
        viewer=visitor_of(request).name,
        address=address_of(request),
        domain=domain,
        subject_id=subject_id,
        unmasked=unmasked,
    )


async def take_form(request: Request) -> None:
    """Read the form of a request that changes something, for `form_of`.

    Raises:
        RequestRefused: it is too large, is no form, or was not sent by a page of this console.
    """
    _check_origin(request)
    body = await read_body(request)
    try:
        text = body.decode()
        fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS))
    except ValueError:
        raise RequestRefused("bad-request", "this is no form") from None
    given = fields.pop(FORM_FIELD, "")
    if not hmac.compare_digest(given.encode(), visitor_of(request).form.encode()):
        raise _foreign("the form is not of a page that this browser was given, or is too old")
    request.scope[_FORM] = fields


def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form that was taken, without that which shows where it is from."""
    fields: Mapping[str, str] = request.scope[_FORM]
    return fields


def hold(response: Response, request: Request, held: str) -> None:
    """Have the browser hold something from now on.

    Args:
        response: takes it there.
        request: that it answers: over TLS, or through a proxy that says so, it is for TLS alone.
        held: `session.` or `visit.` and a secret.
    """
    over_tls = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(
        COOKIE,
        held,
        max_age=round(SESSION.total_seconds()),
        path=ROOT,
        secure=over_tls,
        httponly=True,
        samesite="strict",
    )


def _check_host(request: Request) -> None:
    """Refuse what a page of another site could send by a name of its own that it made point to loopback."""
    found = _HOST.fullmatch(request.headers.get("host", ""))
    host = found[1].strip("[]").lower() if found else ""
    try:
        is_own = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = False
    if not is_own:
        raise RequestRefused(
            "host-unfit",
            "on loopback the console answers to localhost and to loopback's addresses alone",
            "behind a proxy run it with --tokens",
        )


def _check_origin(request: Request) -> None:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Where a browser says the one, it is right about it whatever a proxy makes of the host's name.
    is_own = site == "same-origin" if site else origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own:
        raise _foreign("the form comes from another site")


def _foreign(message: str) -> RequestRefused:
    return RequestRefused("form-unfit", message, "load the page anew, and send it again from there")
