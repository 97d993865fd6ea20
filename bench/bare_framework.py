"""`python -m bench.bare_framework PORT`: the gateway's framework and server, answering a constant.  -> gateway_command

What a request costs before anything is judged: the same router, the same server, the body read and dropped."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_ANSWER = b'{"outcome":"accept","fired":[],"reasons":[]}'


async def answer(request: Request) -> Response:
    """The constant, once the request is there."""
    await request.body()
    return Response(_ANSWER, media_type="application/json")


if __name__ == "__main__":
    routes = [Route("/v1/{domain}/evaluate", answer, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), access_log=False, log_level="warning", lifespan="off")
