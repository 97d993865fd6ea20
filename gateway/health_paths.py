"""`/livez` and `/readyz`: whether the process lives, whether it can judge.  probe -> [health_paths]

A process that lives and can't judge is to be left alone and sent nothing: to start it again would not bring Postgres
back. So the one asks nobody, and the other asks Postgres."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway_context import GatewayContext, json_response, within
from gateway.problems import GatewayBusy

#: Seconds for which a probe is kept waiting: whoever sends it waits little longer.
_PROBE_S = 2.0


async def livez(_context: GatewayContext, _request: Request) -> Response:
    """That the process answers is the answer."""
    return json_response({"status": "alive"})


async def readyz(context: GatewayContext, _request: Request) -> Response:
    """Whether Postgres answers, and what is published of the domains to serve is compiled.

    Raises:
        DatabaseUnreachable: nobody can say.
        GatewayBusy: not yet, or Postgres says nothing.
    """
    [missing] = await within(_PROBE_S, context.missing.ask(None))
    if missing or not context.served.by_domain:
        named = ", ".join(missing) or "any domain"
        raise GatewayBusy(
            "not-ready", f"no ruleset to judge {named} by", "it is not published yet, or see the gateway's log"
        )
    return json_response({"status": "ready", "domains": sorted(context.served.by_domain)})
