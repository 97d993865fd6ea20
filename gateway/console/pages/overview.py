"""What the farm does now.  figures -> [overview] -> the first page, or what of it changes

The figures are those of `rulefarm metrics`, asked for anew every few seconds while somebody looks: a page is answered
with what was found last. A visitor sees the domains that the token is for."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console.console_context import ConsoleContext
from gateway.console.figures import OUTCOMES
from gateway.console.rendering import render
from gateway.gateway_context import check_query

#: Seconds that a page waits for figures, if there are none.
_WAIT_S = 1.0


async def overview(context: ConsoleContext, request: Request, *, template: str = "overview.html") -> Response:
    """The page.

    Args:
        context: of the console.
        request: as it came.
        template: all of it, or the part that changes.

    Raises:
        DatabaseUnreachable: no figures can be had.
    """
    check_query(request)
    last = await context.figures.get(wait_s=_WAIT_S)
    shown = None if last is None else last.value.of(readable(request))
    return render(request, template, figures=shown, at=None if last is None else last.at, outcomes=OUTCOMES)
