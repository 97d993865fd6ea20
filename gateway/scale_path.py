"""`GET /v1/scale/{domains}`: how many workers are wanted.  request -> [scale_path] -> workers_wanted -> answer

For what adds nodes to a farm, such as KEDA. Decides nothing, and scales nothing."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import check_scope
from gateway.gateway_context import GatewayContext, check_query, json_response, query_number
from gateway.problems import RequestRefused
from workers.scaling import workers_wanted

#: Processes of one worker at most: as many as the manifests give it, and as may be asked for.
WIDTH, MOST_WIDTH = 4, 1_000


async def scale(context: GatewayContext, request: Request) -> Response:
    """The workers that domains want, one at least.

    Args:
        context: of the gateway.
        request: names domains, with commas between; in its query `queue` (interactive or bulk), and `width`, the
            processes that one worker has at most.

    Raises:
        RequestRefused: something of it makes no sense.
        NotFound: a domain is not served.
        DatabaseUnreachable: no answer.
    """
    check_query(request, "queue", "width")
    domains = sorted(set(request.path_params["domains"].split(",")))
    for domain in domains:
        check_scope(request, "read", domain)
        context.served.ruleset(domain)
    queue = request.query_params.get("queue", "interactive")
    if queue not in ("interactive", "bulk"):
        raise RequestRefused("bad-request", "queue is interactive or bulk")
    width = max(1, query_number(request, "width", default=WIDTH, most=MOST_WIDTH))
    database = context.ledger.engine
    found = await context.run(lambda: workers_wanted(database, domains, bulk=queue == "bulk", width=width))
    return json_response(found.to_json())
