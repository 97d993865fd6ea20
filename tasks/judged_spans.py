"""What a worker tells of its work to who traces.  verdicts, failures -> [judged_spans] -> spans

A job that was submitted in a trace carries that trace: its evaluation, and the commit that put its verdict on record,
are spans of it, whichever way the job came here. They are told when all is over, from what is known then, so that
nothing is done for them while a job is judged. Of any other job nothing is told."""

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rulefarm.tracing import record_span
from rulefarm.verdict import Verdict
from store.dead_letters import Failure
from store.verdict_columns import VerdictColumns


def trace_verdicts(
    verdicts: Iterable[Verdict],
    traces: Mapping[uuid.UUID, str],
    stored_ns: tuple[int, int] | None = None,
    *,
    attempt: int | None,
) -> None:
    """Tell of jobs that were judged, and of the commit that recorded them.

    Args:
        verdicts: what they got.
        traces: ids of jobs to the traceparent that each came with; of others nothing is told.
        stored_ns: when the commit began and ended, in nanoseconds since 1970. Default: nothing was recorded.
        attempt: which one it was; None: none was counted.
    """
    for verdict in verdicts:
        parent = traces.get(verdict.id)
        if parent is None:
            continue
        told = {"job": str(verdict.id), "domain": verdict.domain, "worker": verdict.worker, "attempt": attempt}
        judged = told | {"outcome": verdict.outcome, "fired": len(verdict.fired), "digest": verdict.ruleset_digest}
        ended_ns = _ns(verdict.evaluated_at)
        failure = "outcome error" if verdict.outcome == "error" else None
        began_ns = ended_ns - verdict.micros * 1000
        record_span(f"evaluate {verdict.domain}", parent, began_ns, ended_ns, judged, failure=failure)
        if stored_ns is not None:
            record_span(f"store {verdict.domain}", parent, *stored_ns, told)


def trace_chunk(
    claim: Mapping[str, Any], rows: VerdictColumns, began_ns: int, stored_ns: tuple[int, int], *, attempt: int
) -> None:
    """Tell of a chunk that was judged, if its batch was submitted in a trace.

    Args:
        claim: its row, with its batch's domain and traceparent.
        rows: its verdicts.
        began_ns: when its judging began, in nanoseconds since 1970.
        stored_ns: when the commit of its verdicts began and ended.
        attempt: which one it was.
    """
    parent = claim["traceparent"]
    if parent is None:
        return
    told = _of_chunk(claim, attempt)
    columns = rows.stored(("outcome", "ruleset_digest"))
    errors = sum(outcome == "error" for outcome in columns["outcome"])
    failure = f"outcome error: {errors} of {len(rows)} rows" if errors else None
    judged = told | {"rows": len(rows), "errors": errors, "digest": columns["ruleset_digest"][0]}
    record_span(f"evaluate {claim['domain']}", parent, began_ns, stored_ns[0], judged, failure=failure)
    record_span(f"store {claim['domain']}", parent, *stored_ns, told)


def trace_failed_chunk(claim: Mapping[str, Any], failure: Failure, began_ns: int, *, attempt: int) -> None:
    """Tell of an attempt at a chunk that failed.

    Args:
        claim: as for `trace_chunk`.
        failure: how.
        began_ns: when it began, in nanoseconds since 1970; it ended now.
        attempt: which one it was.
    """
    if claim["traceparent"] is not None:
        told = _of_chunk(claim, attempt) | {"code": failure.code}
        ended_ns = time.time_ns()
        name, parent = f"evaluate {claim['domain']}", claim["traceparent"]
        record_span(name, parent, began_ns, ended_ns, told, failure=failure.code)


def trace_failed_job(job_id: uuid.UUID, domain: str, parent: str | None, failure: Failure, *, attempt: int) -> None:
    """Tell of an attempt at a job that failed, now.

    Args:
        job_id: of which.
        domain: who judges it.
        parent: the traceparent that it came with; None: nothing is told.
        failure: how.
        attempt: which one it was.
    """
    if parent is not None:
        told = {"job": str(job_id), "domain": domain, "attempt": attempt, "code": failure.code}
        ended_ns = time.time_ns()
        record_span(f"evaluate {domain}", parent, ended_ns, ended_ns, told, failure=failure.code)


def _of_chunk(claim: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    return {"batch": str(claim["batch"]), "chunk": claim["n"], "domain": claim["domain"], "attempt": attempt}


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
