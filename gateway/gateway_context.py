"""What the paths of one gateway work with, and what they do alike.  application -> [gateway_context] -> each path

Opened once, at the start. Judges nothing."""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import Authorization
from gateway.grouped import Grouped
from gateway.judging import Judging
from gateway.problems import RequestRefused, no_answer_within
from gateway.request_bodies import parse_as_of
from gateway.served_rulesets import ServedRulesets
from rulefarm.database import Ledger
from rulefarm.farm import Farm
from rulefarm.normalize import abbreviate
from rulefarm.tracing import is_on
from rulefarm.verdict import Verdict
from store.private_view import PrivateView
from store.region_verdicts import AllRegions

_Answer = TypeVar("_Answer")

#: Where a path finds the time limit of its request, to move it.
TIME_LIMIT = "rulefarm.time_limit"
#: Seconds for which Postgres or the broker are waited for at once: a producer waits no longer for a statement.
ANSWER_S = 10.0
_TRUTH = {"true": True, "false": False}


#: What callers get of a verdict: all of it.
_VERDICT = tuple(field.name for field in fields(Verdict))


@dataclass(frozen=True, slots=True)
class GatewayContext:
    """The parts of a gateway."""

    farm: Farm
    served: ServedRulesets
    authorization: Authorization
    judging: Judging
    #: Verdicts as they are shown to who may not see private fields.
    private: PrivateView
    #: For what waits for Postgres or the broker, request by request: as many as there are connections for.
    threads: ThreadPoolExecutor
    #: For files, one after the other: a long one keeps no request waiting.
    files: ThreadPoolExecutor
    #: Whether jobs still wait for a verdict: for all that are waited for, at once.
    still_open: Grouped[uuid.UUID, bool]
    #: The domains that can't be judged yet: one question to Postgres for all probes at once.
    missing: Grouped[None, list[str]]
    #: Content type and body of an answer to Prometheus: one for all that ask at once.
    scrapes: Grouped[None, tuple[str, bytes]]
    #: Room for files that are on their way.
    uploads: asyncio.Semaphore
    #: The verdicts of all regions; None: there are no regions.
    regions: AllRegions | None

    @property
    def ledger(self) -> Ledger:
        """The producer's side of Postgres, which a gateway has."""
        return self.farm.require_ledger()

    async def run(self, call: Callable[[], _Answer]) -> _Answer:
        """Do in a thread what waits.

        Raises:
            GatewayBusy: it takes too long; what has begun goes on.
        """
        return await within(ANSWER_S, in_thread(self.threads, call))

    async def record_file(self, call: Callable[[], _Answer]) -> _Answer:
        """Do in a thread of its own what takes as long as the file is."""
        return await in_thread(self.files, call)


def in_thread(threads: ThreadPoolExecutor, call: Callable[[], _Answer]) -> "asyncio.Future[_Answer]":
    """What a call in a thread comes to.

    Args:
        threads: of which one calls.
        call: what it calls; in the span of the request, if somebody traces.
    """
    if is_on():
        call = partial(copy_context().run, call)
    return asyncio.get_running_loop().run_in_executor(threads, call)


async def within(seconds: float, asked: Awaitable[_Answer]) -> _Answer:
    """What is asked, if it comes in time.

    Args:
        seconds: that it may take.
        asked: what is waited for.

    Raises:
        GatewayBusy: it does not.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        raise no_answer_within(seconds) from None


def verdict_document(verdict: Verdict, *, on_record: bool = True) -> dict[str, Any]:
    """A verdict as callers get it.

    Args:
        verdict: the verdict.
        on_record: whether it can be asked for again, by its id. Default: it can.
    """
    document = {name: getattr(verdict, name) for name in _VERDICT}
    if not on_record:
        del document["id"], document["enqueued_at"]
        if verdict.subject == str(verdict.id):
            del document["subject"]
    document["on_record"] = on_record
    return document


def json_response(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as the body of an answer.

    Args:
        document: plain data, ids and instants.
        status: of the answer.
        headers: more of them.
    """
    content = _ENCODER.encode(document)
    # Half a surrogate pair can stand in what a rule says, and in no UTF-8.
    return Response(content.encode("utf-8", "replace"), status, headers, media_type="application/json")


def query_flag(request: Request, name: str, *, default: bool) -> bool:
    """A parameter of the query that is true or false.

    Args:
        request: as it came.
        name: of the parameter.
        default: when it is left out.

    Raises:
        RequestRefused: it is neither.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if text not in _TRUTH:
        raise RequestRefused("bad-request", f"{name} is true or false, not {abbreviate(text)}")
    return _TRUTH[text]


def query_number(request: Request, name: str, *, default: int, most: int) -> int:
    """A parameter of the query that is a whole number.

    Args:
        request: as it came.
        name: of the parameter.
        default: when it is left out.
        most: the largest that is taken; the least is 0.

    Raises:
        RequestRefused: it is none, or too large.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) > most:
        raise RequestRefused("bad-request", f"{name} is a whole number of at most {most}, not {abbreviate(text)}")
    return int(text)


def query_instant(request: Request, name: str) -> datetime | None:
    """A parameter of the query that is an instant; None: it was left out.

    Args:
        request: as it came.
        name: of the parameter.

    Raises:
        JobRejected: `bad-as-of`.
    """
    return parse_as_of(request.query_params.get(name))


def check_query(request: Request, *known: str) -> None:
    """Refuse a query with a parameter that the path does not have: it may be a misspelt one.

    Args:
        request: as it came.
        known: the names that it has.

    Raises:
        RequestRefused: there is such a parameter, or one stands there twice.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            message = f"this path has no parameter {abbreviate(name)}"
            raise RequestRefused("bad-request", message, f"known: {', '.join(known) or 'none'}")
        if names.count(name) > 1:
            raise RequestRefused("bad-request", f"{name} stands twice in the query")


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=_text)
