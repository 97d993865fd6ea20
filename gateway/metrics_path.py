"""`GET /metrics`: what `rulefarm metrics` answers, where no exporter runs.  scrape -> [metrics_path] -> signals

The same numbers, out of the ledger, whichever gateway is asked. Counts nothing itself."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import readable
from gateway.gateway_context import GatewayContext, check_query
from gateway.problems import RequestRefused


async def metrics(context: GatewayContext, request: Request) -> Response:
    """The numbers of the whole farm.

    Args:
        context: of the gateway.
        request: without a query.

    Raises:
        RequestRefused: its token reads some domains only.
    """
    check_query(request)
    if readable(request) is not None:
        raise RequestRefused("token-unfit", "metrics are of all domains", "take a token that reads every domain")
    [(kind, body)] = await context.scrapes.ask(None)
    return Response(body, headers={"content-type": kind})
