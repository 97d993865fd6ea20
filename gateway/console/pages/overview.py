"""What the farm does now.  signals, batches -> [overview] -> the first page, and its figures alone

The figures are those of `rulefarm metrics`, asked for anew every few seconds while somebody looks: a page is answered
with what was found last."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import render

#: Seconds that a page waits for figures, if there are none.
_WAIT_S = 1.0


async def overview(context: ConsoleContext, request: Request) -> Response:
    """The page.

    Args:
        context: of the console.
        request: as it came.
    """
    found = await context.signals.get(wait_s=_WAIT_S)
    return render(request, "overview.html", found=found)


async def figures(context: ConsoleContext, request: Request) -> Response:
    """What of it changes.

    Args:
        context: of the console.
        request: as it came.
    """
    found = await context.signals.get(wait_s=_WAIT_S)
    return render(request, "figures.html", found=found)
