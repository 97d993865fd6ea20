"""What the farm does now.  figures -> [overview] -> the first page, and its figures alone

The figures are those of `rulefarm metrics`, asked for anew every few seconds while somebody looks: a page is answered
with what was found last. A visitor sees the domains that the token is for."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console.console_context import ConsoleContext
from gateway.console.figures import OUTCOMES
from gateway.console.rendering import render

#: Seconds that a page waits for figures, if there are none.
_WAIT_S = 1.0


async def overview(context: ConsoleContext, request: Request) -> Response:
    """The page.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        DatabaseUnreachable: no figures can be had.
    """
    return await _shown(context, request, "overview.html")


async def figures(context: ConsoleContext, request: Request) -> Response:
    """What of it changes.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        DatabaseUnreachable: no figures can be had.
    """
    return await _shown(context, request, "figures.html")


async def _shown(context: ConsoleContext, request: Request, template: str) -> Response:
    last = await context.figures.get(wait_s=_WAIT_S)
    shown = None if last is None else last.value.of(readable(request))
    return render(request, template, figures=shown, at=None if last is None else last.at, outcomes=OUTCOMES)
