"""The messages of jobs and chunks: how they are made, and what is believed of one that came.

Takes jobs and gives messages for the broker; takes a task's arguments and gives a checked message, or refuses them.
Whoever can reach the broker can write a message: nothing of it is used before it has passed here. Pure; looks at no
clock, no row and no ruleset, and sends nothing."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rulefarm import wire
from rulefarm.errors import JobRejected
from rulefarm.jobs import Job
from rulefarm.normalize import abbreviate
from rulefarm.routing import EVALUATE_CHUNK, EVALUATE_JOB, checked_domain, queue_name

#: The largest number of a column of type integer: attempts and rings are counted in such columns.
_MOST = 2**31 - 1


#: Characters of an instant in ISO form, and of an id, are fewer; a longer text is not worth parsing.
_LONGEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """One job, as its message describes it."""

    job_id: uuid.UUID
    domain: str
    subject: str
    #: Canonical text: the digest is of these very characters.
    facts: str
    #: The same, parsed.
    document: Mapping[str, Any] = field(repr=False, compare=False)
    as_of: datetime
    enqueued_at: datetime
    #: Whether the producer wrote its row.
    on_record: bool
    #: How often it was rung, this time included.
    rings: int
    #: Which attempt this message stands for, if it was sent for a certain one.
    attempt: int | None = None

    def row(self) -> dict[str, Any]:
        """The job's row, for a producer that wrote none."""
        names = ("domain", "subject", "as_of", "enqueued_at")
        return {"id": self.job_id, "facts": self.document, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkMessage:
    """One chunk, as its message describes it: its facts are in its row."""

    batch: uuid.UUID
    n: int
    #: As of a job.
    attempt: int | None = None


def checked_job_message(arguments: Mapping[str, Any]) -> JobMessage:
    """The message of a job, if it can be one.

    Args:
        arguments: keyword arguments of the task, as they came from the broker.

    Raises:
        JobRejected: `bad-message`: an argument is missing, unknown or of the wrong kind. Otherwise what is wrong with
            domain, key or facts.
    """
    _check_names(
        arguments, ("job_id", "domain", "subject", "facts", "as_of", "enqueued_at", "on_record", "rings"), ("attempt",)
    )
    on_record = arguments["on_record"]
    if not isinstance(on_record, bool):
        raise _bad("on_record", "true or false", on_record)
    facts = arguments["facts"]
    if not isinstance(facts, str):
        raise _bad("facts", "JSON as text", facts)
    return JobMessage(
        job_id=_id("job_id", arguments["job_id"]),
        domain=checked_domain(arguments["domain"]),
        subject=wire.checked_key(arguments["subject"]),
        facts=facts,
        document=wire.parse_canonical(facts),
        as_of=_instant("as_of", arguments["as_of"]),
        enqueued_at=_instant("enqueued_at", arguments["enqueued_at"]),
        on_record=on_record,
        rings=_number("rings", arguments["rings"], 1),
        attempt=_attempt(arguments),
    )


def checked_chunk_message(arguments: Mapping[str, Any]) -> ChunkMessage:
    """The message of a chunk, if it can be one.

    Args:
        arguments: keyword arguments of the task, as they came from the broker.

    Raises:
        JobRejected: `bad-message`.
    """
    _check_names(arguments, ("batch", "n"), ("attempt",))
    return ChunkMessage(
        batch=_id("batch", arguments["batch"]), n=_number("n", arguments["n"], 0), attempt=_attempt(arguments)
    )


def _check_names(arguments: Mapping[str, Any], needed: Collection[str], possible: Collection[str]) -> None:
    missing = [name for name in needed if name not in arguments]
    if missing:
        raise JobRejected("bad-message", f"a message without {', '.join(missing)}")
    unknown = [name for name in arguments if name not in needed and name not in possible]
    if unknown:
        raise JobRejected("bad-message", f"a message with an unknown argument {abbreviate(unknown[0])}")


def _id(name: str, value: Any) -> uuid.UUID:
    try:
        if isinstance(value, str) and len(value) <= _LONGEST:
            return uuid.UUID(value)
    except ValueError:
        pass
    raise _bad(name, "an id", value)


def _instant(name: str, value: Any) -> datetime:
    try:
        if isinstance(value, str) and len(value) <= _LONGEST:
            return wire.instant(datetime.fromisoformat(value), name)
    # OverflowError: 0001-01-01 of a place east of Greenwich is no instant in UTC.
    except (ValueError, OverflowError):
        pass
    raise _bad(name, "an instant", value)


def _attempt(arguments: Mapping[str, Any]) -> int | None:
    value = arguments.get("attempt")
    return None if value is None else _number("attempt", value, 1)


def _number(name: str, value: Any, least: int) -> int:
    # JSON knows true, and Python takes it for 1.
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise _bad(name, f"a whole number from {least} to {_MOST}", value)
    return value


def _bad(name: str, wanted: str, value: Any) -> JobRejected:
    return JobRejected("bad-message", f"{name} is not {wanted} but {abbreviate(value)}")


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """One message: which task, for whom, on which queue."""

    #: Name of the task.
    task: str
    #: Id of the Celery task: the job's id, so its result can be found by it.
    task_id: str
    #: Name of the queue.
    queue: str
    #: Arguments of the task: JSON.
    kwargs: Mapping[str, Any]
    #: What Flower shows instead of the arguments, which may hold whole facts.
    shown: str


def job_message(job: Job, facts: str, *, bulk: bool = False, rings: int = 1) -> TaskMessage:
    """The bell of one job. It carries the facts, to save the worker a read.

    Args:
        job: the job as recorded.
        facts: its canonical facts.
        bulk: whether it goes to the bulk queue of its domain.
        rings: how often it was rung, this time included; a worker looks whether a later ring is still needed.
    """
    kwargs = {
        "job_id": str(job.id),
        "domain": job.domain,
        "subject": job.subject,
        # Text, not objects: the digest is of these very bytes, and kombu's decoder would take {"__type__": …} in
        # somebody's facts for a value of its own.
        "facts": facts,
        "as_of": job.as_of.isoformat(),
        "enqueued_at": job.enqueued_at.isoformat(),
        "on_record": job.on_record,
        "rings": rings,
    }
    shown = f"{job.domain} {job.subject} ({len(facts)} characters of facts)"
    return TaskMessage(EVALUATE_JOB, str(job.id), queue_name(job.domain, bulk=bulk), kwargs, shown)


def chunk_message(domain: str, batch: uuid.UUID, n: int) -> TaskMessage:
    """The bell of one chunk. It carries only the chunk's id: the facts are read from its row."""
    kwargs = {"batch": str(batch), "n": n}
    return TaskMessage(EVALUATE_CHUNK, f"{batch}-{n}", queue_name(domain, bulk=True), kwargs, f"{domain} {batch} {n}")
