"""Sign in with a token of the gateway, and out.  a token -> [sign_in] -> a session

The token is sent once, in the body of a form, and kept by nobody: the browser gets the secret of a session. Whoever
signs in gets a new secret, so that none that somebody else laid into the browser becomes theirs."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from gateway.console import links
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import redirect, render
from gateway.console.session import form_of, hold, visitor_of
from gateway.gateway_context import check_query
from store.console_sessions import close_session, new_secret, open_session


async def sign_in_page(_context: ConsoleContext, request: Request) -> Response:
    """The form."""
    check_query(request, "next")
    return _form(request, links.own_path(request.query_params.get("next")))


async def sign_in(context: ConsoleContext, request: Request) -> Response:
    """Exchange a token for a session.

    Args:
        context: of the console.
        request: a form with `token`, and `next`: where to go then.

    Raises:
        DatabaseUnreachable: nobody can say whose token it is.
    """
    form = form_of(request)
    following = links.own_path(form.get("next"))
    secret = await context.run(partial(open_session, context.database, form.get("token", "").strip()))
    if secret is None:
        return _form(request, following, refused="That is no token, or it was revoked.", status=401)
    response = redirect(following)
    hold(response, request, f"session.{secret}")
    return response


async def sign_out(context: ConsoleContext, request: Request) -> Response:
    """End a session, wherever else it is used.

    Args:
        context: of the console.
        request: a form without fields.

    Raises:
        DatabaseUnreachable: the session goes on.
    """
    visitor = visitor_of(request)
    await context.run(partial(close_session, context.database, visitor.held.partition(".")[2]))
    response = redirect(links.path("sign-in"))
    hold(response, request, f"visit.{new_secret()}")
    return response


def _form(request: Request, following: str, *, refused: str = "", status: int = 200) -> Response:
    return render(request, "sign_in.html", status, following=following, refused=refused)
