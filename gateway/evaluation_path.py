"""`POST /v1/{domain}/evaluate`: judge now, and answer with the verdict.  request -> [evaluation_path] -> judging"""

from starlette.requests import Request
from starlette.responses import Response

from gateway.gateway_context import GatewayContext, check_query, json_response, query_flag, verdict_document
from gateway.request_bodies import job_messages, key_in_head, parse_submissions, read_body

#: Queries that nearly all requests have, and whether a record is made: to parse one takes as long as to judge.
_USUAL_QUERIES = {b"": True, b"durable=false": False, b"durable=true": True}


async def evaluate(context: GatewayContext, request: Request) -> Response:
    """Judge one subject, or a list of them.

    Args:
        context: of the gateway.
        request: `durable=false` in its query judges without a record.

    Raises:
        RulefarmError: whatever keeps it from being judged.
    """
    is_durable = _USUAL_QUERIES.get(request.scope["query_string"])
    if is_durable is None:
        check_query(request, "durable")
        is_durable = query_flag(request, "durable", default=True)
    domain = request.path_params["domain"]
    loaded = context.served.ruleset(domain)
    submissions, are_many = parse_submissions(await read_body(request), key_in_head(request))
    messages = job_messages(domain, submissions)
    judge = context.judging.judge_durably if is_durable else context.judging.judge
    documents = [verdict_document(each, on_record=is_durable) for each in await judge(loaded, messages)]
    return json_response({"verdicts": documents} if are_many else documents[0])
