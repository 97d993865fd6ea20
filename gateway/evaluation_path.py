"""`POST /v1/{domain}/evaluate`: judge now, and answer with the verdict.  request -> [evaluation_path] -> judging"""

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import sees_private
from gateway.gateway_context import GatewayContext, check_query, json_response, query_flag, verdict_document
from gateway.request_bodies import job_messages, key_in_head, parse_submissions, read_body
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from store.private_view import masked_verdict

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
    verdicts = await judge(loaded, messages)
    if not sees_private(request):
        verdicts = await _without_private(context, loaded, verdicts)
    documents = [verdict_document(each, on_record=is_durable) for each in verdicts]
    return json_response({"verdicts": documents} if are_many else documents[0])


async def _without_private(context: GatewayContext, loaded: LoadedRuleset, verdicts: list[Verdict]) -> list[Verdict]:
    if any(each.ruleset_digest != loaded.digest for each in verdicts):
        # On record already, by another version, of which only the record says what it called private.
        return await context.run(lambda: [context.private.verdict(each) for each in verdicts])
    private = context.served.private_fields(loaded)
    return [masked_verdict(each, private) for each in verdicts] if private else verdicts
