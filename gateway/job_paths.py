"""`POST /v1/{domain}/jobs` and `GET /v1/jobs/{id}`: submit now, ask later.  request -> [job_paths] -> farm, ledger

A job that was answered with 202 is on record and gets its verdict from a worker, whatever dies then. Judges nothing."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import check_scope, sees_private
from gateway.gateway_context import GatewayContext, check_query, json_response, query_number, verdict_document
from gateway.problems import RequestRefused
from gateway.request_bodies import key_in_head, parse_submissions, read_body
from rulefarm.jobs import id_of
from store.job_status import JobStatus, find_job_status
from tasks.judged_facts import chunk_of

#: Seconds that a request may wait for a verdict.
MAX_WAIT_S = 25
#: Seconds between two looks for it: at first, and at most.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.01, 0.25


async def submit(context: GatewayContext, request: Request) -> Response:
    """Take one job.

    Args:
        context: of the gateway.
        request: as `gateway.request_bodies` has it, of one subject.

    Raises:
        RequestRefused, JobRejected: it can't be taken.
        QueueFull: not now.
        DatabaseUnreachable: nothing was kept.
    """
    check_query(request)
    domain = request.path_params["domain"]
    context.served.ruleset(domain)
    submissions, are_many = parse_submissions(await read_body(request), key_in_head(request))
    if are_many:
        raise RequestRefused("bad-request", "a job has one subject", "send one each, or a file: POST …/batches")
    [asked] = submissions
    terms: dict[str, Any] = {name: getattr(asked, name) for name in ("key", "as_of", "digest")}
    job = await context.run(lambda: context.farm.submit(domain, asked.facts, **terms))
    names = ("id", "domain", "subject", "as_of", "enqueued_at", "digest", "sent", "region")
    document = {name: getattr(job, name) for name in names}
    return json_response(document, 202, {"Location": f"/v1/jobs/{job.id}"})


async def read_job(context: GatewayContext, request: Request) -> Response:
    """Where a job, or a row of a batch, stands.

    Args:
        context: of the gateway.
        request: `wait` in its query is seconds to wait for a verdict.

    Raises:
        NotFound: no such job is on record.
        DatabaseUnreachable: no answer.
    """
    check_query(request, "wait")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + query_number(request, "wait", default=0, most=MAX_WAIT_S)
    job_id = id_of(request.path_params["id"])
    status = await context.run(lambda: _shown(context, request, job_id))
    check_scope(request, "read", _domain(status))
    is_open = status.job is not None and status.job["state"] == "open"
    if is_open and await _is_settled_by(context, job_id, deadline):
        status = await context.run(lambda: _shown(context, request, job_id))
    return json_response(_document(job_id, status))


def _shown(context: GatewayContext, request: Request, job_id: uuid.UUID) -> JobStatus:
    status = find_job_status(context.ledger.engine, job_id)
    verdict = status.verdict
    if verdict is None:
        return status
    if verdict.batch is not None:
        # A row that was judged has the attempts of its chunk, and nothing on record that names it.
        status = replace(status, chunk=chunk_of(context.ledger.engine, verdict))
    return status if sees_private(request) else replace(status, verdict=context.private.verdict(verdict))


async def _is_settled_by(context: GatewayContext, job_id: uuid.UUID, deadline: float) -> bool:
    loop = asyncio.get_running_loop()
    pause = _FIRST_LOOK_S
    while (left := deadline - loop.time()) > 0:
        # No thread waits, and one question asks for all who do: as many may as like.
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_LOOK_S)
        if not (await context.still_open.ask(job_id))[0]:
            return True
    return False


def _domain(status: JobStatus) -> str:
    rows = (status.job, status.batch, status.letter)
    return status.verdict.domain if status.verdict else next(str(row["domain"]) for row in rows if row)


def _document(job_id: uuid.UUID, status: JobStatus) -> dict[str, Any]:
    row: dict[str, Any] = status.job or status.letter or {}
    verdict, letter = status.verdict, status.letter
    state = "done" if verdict else "dead" if letter else row["state"]
    failed = row if state == "dead" or row.get("code") else None
    return {
        "id": job_id,
        "domain": _domain(status),
        "subject": verdict.subject if verdict else row["subject"],
        "state": state,
        "attempts": (row or status.chunk or {}).get("attempts"),
        "as_of": verdict.as_of if verdict else row.get("as_of"),
        "enqueued_at": verdict.enqueued_at if verdict else row.get("enqueued_at"),
        "failure": {"code": failed["code"], "reason": failed["reason"]} if failed and not verdict else None,
        "verdict": verdict_document(verdict) if verdict else None,
    }
