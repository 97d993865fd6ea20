"""What `rulefarm doctor` finds, in words.  doctor -> [health] -> a page, and its findings alone

The doctor takes seconds, and longer if much is amiss: a page waits for it for a moment, then shows what it found last,
or that it is at work, and asks again."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.console.console_context import ConsoleContext
from gateway.console.rendering import render
from gateway.problems import RequestRefused

#: Seconds that a page waits for the doctor.
_WAIT_S = 2.0


async def health(context: ConsoleContext, request: Request) -> Response:
    """The page.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        RequestRefused: its visitor may look at some domains only.
    """
    return await _shown(context, request, "health.html")


async def findings(context: ConsoleContext, request: Request) -> Response:
    """What of it changes.

    Args:
        context: of the console.
        request: as it came.

    Raises:
        RequestRefused: its visitor may look at some domains only.
    """
    return await _shown(context, request, "findings.html")


async def _shown(context: ConsoleContext, request: Request, template: str) -> Response:
    if readable(request) is not None:
        raise RequestRefused("token-unfit", "health is of all domains", "take a token that reads every domain")
    found = await context.checks.get(wait_s=_WAIT_S)
    return render(request, template, found=found)
