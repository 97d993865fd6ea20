"""`/openapi.json` and `/`: what this gateway takes and gives, for tools and for people.  [description_paths] -> openapi

Made for each request, of the rulesets that judge now. Nobody is asked for a token: it holds what a client's programmer
has to know, and no rule."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.gateway_context import GatewayContext, json_response
from gateway.openapi import describe
from gateway.page import SECURITY, page


async def openapi_document(context: GatewayContext, _request: Request) -> Response:
    """For tools."""
    return json_response(_document(context))


async def start_page(context: GatewayContext, _request: Request) -> Response:
    """For people."""
    headers = {"Content-Security-Policy": SECURITY, "X-Content-Type-Options": "nosniff"}
    return HTMLResponse(page(_document(context)), headers=headers)


def _document(context: GatewayContext) -> dict[str, Any]:
    return describe(context.served.by_domain, with_tokens=context.authorization.is_required)
