"""The messages of jobs and chunks, and their form on the wire.  job, chunk -> [messages] -> broker, evaluate

What a task is called with is written by `to_kwargs` and read by `from_kwargs` of one class, so that the two can't drift
apart. Whoever can reach the broker can write a message: nothing of it is used before `from_kwargs` has checked it.
Pure; looks at no clock, no row and no ruleset, and sends nothing."""

import json
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

#: The largest number of a column of type integer: attempts and messages are counted in such columns.
_MOST = 2**31 - 1
#: Characters of an instant in ISO form, and of an id, are fewer; a longer text is not worth parsing.
_LONGEST = 40

#: How `times_sent` is written: by its name of the release before, for a worker of that release refuses a message with
#: any other. Both are read. The next release writes the new name, and the one after that forgets the old one.
_TIMES_SENT_AS_WRITTEN = "rings"


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A message as it is sent: which task, on which queue, with what."""

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
    #: Which trace it is of: a header, for a worker of the release before refuses an argument that it does not know.
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """The message of one job. It carries the facts, to save the worker a read."""

    job_id: uuid.UUID
    domain: str
    subject: str
    #: Canonical text, not objects: the digest is of these very characters, and kombu's decoder would take
    #: {"__type__": …} in somebody's facts for a value of its own.
    facts: str
    as_of: datetime
    enqueued_at: datetime
    #: Whether the producer wrote its row.
    on_record: bool
    #: How often a message of this job was sent, this one included; a worker looks whether a repeat is still needed.
    times_sent: int = 1
    #: Which attempt this message stands for, if it was sent for a certain one.
    attempt: int | None = None
    #: The trace that it was submitted in; it comes as a header, and not with the arguments.
    traceparent: str | None = None
    #: Of the ruleset that it is pinned to; None: the one that is active when it is judged.
    digest: str | None = None
    #: `facts`, if they are parsed already; see `document`.
    parsed: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_row(cls, row: Any) -> "JobMessage":
        """The message of a job on record, as if it were its first.

        Args:
            row: id, domain, subject, facts, as_of, enqueued_at, traceparent and digest of the job; the facts as values,
                or as Postgres writes them.
        """
        # Through canonical, for jsonb keeps the values but not the text: the digest must be that of what was sent.
        is_text = isinstance(row.facts, str)
        facts, values = (wire.canonical_of_row if is_text else wire.canonical_with_values)(row.facts)
        return cls(
            job_id=row.id,
            domain=row.domain,
            subject=row.subject,
            facts=facts,
            as_of=row.as_of,
            enqueued_at=row.enqueued_at,
            on_record=True,
            traceparent=row.traceparent,
            digest=row.digest,
            parsed=values,
        )

    @property
    def document(self) -> Mapping[str, Any]:
        """The facts as objects."""
        return json.loads(self.facts) if self.parsed is None else self.parsed

    def missing_row(self) -> dict[str, Any] | None:
        """The job's row, if its producer wrote none; None if it did."""
        if self.on_record:
            return None
        names = ("domain", "subject", "as_of", "enqueued_at", "digest")
        return {"id": self.job_id, "facts": self.document, **{name: getattr(self, name) for name in names}}

    def to_kwargs(self) -> dict[str, Any]:
        """The message as the task's keyword arguments: plain JSON."""
        kwargs = {
            "job_id": str(self.job_id),
            "domain": self.domain,
            "subject": self.subject,
            "facts": self.facts,
            "as_of": self.as_of.isoformat(),
            "enqueued_at": self.enqueued_at.isoformat(),
            "on_record": self.on_record,
            _TIMES_SENT_AS_WRITTEN: self.times_sent,
        }
        # Only where there is one: a worker of the release before refuses what it would judge by another ruleset.
        optional = {"digest": self.digest, "attempt": self.attempt}
        return kwargs | {name: value for name, value in optional.items() if value is not None}

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> "JobMessage":
        """The message that came from the broker, if it can be one.

        Args:
            kwargs: keyword arguments of the task.

        Raises:
            JobRejected: `bad-message`: an argument is missing, unknown or of the wrong kind. Otherwise what is wrong
                with domain, key or facts.
        """
        times_sent = "times_sent" if "times_sent" in kwargs else _TIMES_SENT_AS_WRITTEN
        names = ("job_id", "domain", "subject", "facts", "as_of", "enqueued_at", "on_record", times_sent)
        _check_names(kwargs, names, ("attempt", "digest"))
        digest = kwargs.get("digest")
        on_record = kwargs["on_record"]
        if not isinstance(on_record, bool):
            raise _bad("on_record", "true or false", on_record)
        facts = kwargs["facts"]
        if not isinstance(facts, str):
            raise _bad("facts", "JSON as text", facts)
        return cls(
            job_id=_id("job_id", kwargs["job_id"]),
            domain=checked_domain(kwargs["domain"]),
            subject=wire.checked_key(kwargs["subject"]),
            facts=facts,
            as_of=_instant("as_of", kwargs["as_of"]),
            enqueued_at=_instant("enqueued_at", kwargs["enqueued_at"]),
            on_record=on_record,
            times_sent=_number(times_sent, kwargs[times_sent], 1),
            attempt=_attempt(kwargs),
            digest=None if digest is None else wire.checked_digest(digest),
            parsed=wire.parse_canonical(facts),
        )

    def to_task(self, *, bulk: bool) -> TaskMessage:
        """The message as it is sent.

        Args:
            bulk: whether it goes to the bulk queue of its domain.
        """
        shown = f"{self.domain} {self.subject} ({len(self.facts)} characters of facts)"
        queue = queue_name(self.domain, bulk=bulk)
        return TaskMessage(EVALUATE_JOB, str(self.job_id), queue, self.to_kwargs(), shown, self.traceparent)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkMessage:
    """The message of one chunk. It carries only the chunk's id: the facts are read from its row."""

    batch: uuid.UUID
    n: int
    #: As of a job.
    attempt: int | None = None

    def to_kwargs(self) -> dict[str, Any]:
        """The message as the task's keyword arguments: plain JSON."""
        kwargs = {"batch": str(self.batch), "n": self.n}
        return kwargs if self.attempt is None else kwargs | {"attempt": self.attempt}

    @classmethod
    def from_kwargs(cls, kwargs: Mapping[str, Any]) -> "ChunkMessage":
        """The message that came from the broker, if it can be one.

        Args:
            kwargs: keyword arguments of the task.

        Raises:
            JobRejected: `bad-message`.
        """
        _check_names(kwargs, ("batch", "n"))
        return cls(batch=_id("batch", kwargs["batch"]), n=_number("n", kwargs["n"], 0), attempt=_attempt(kwargs))

    def to_task(self, domain: str) -> TaskMessage:
        """The message as it is sent, to the bulk queue.

        Args:
            domain: of its batch.
        """
        shown = f"{domain} {self.batch} {self.n}"
        queue = queue_name(domain, bulk=True)
        return TaskMessage(EVALUATE_CHUNK, f"{self.batch}-{self.n}", queue, self.to_kwargs(), shown)


def job_message(job: Job, facts: str, *, bulk: bool = False, times_sent: int = 1) -> TaskMessage:
    """The message of a job that a producer holds.

    Args:
        job: the job as recorded.
        facts: its canonical facts.
        bulk: whether it goes to the bulk queue of its domain. Default: to the interactive one.
        times_sent: how often a message of it was sent, this one included. Default: it is the first.
    """
    message = JobMessage(
        job_id=job.id,
        domain=job.domain,
        subject=job.subject,
        facts=facts,
        as_of=job.as_of,
        enqueued_at=job.enqueued_at,
        on_record=job.on_record,
        times_sent=times_sent,
        traceparent=job.traceparent,
        digest=job.digest,
    )
    return message.to_task(bulk=bulk)


def chunk_message(domain: str, batch: uuid.UUID, n: int) -> TaskMessage:
    """The message of a chunk.

    Args:
        domain: of its batch.
        batch: the batch's id.
        n: which of its chunks.
    """
    return ChunkMessage(batch=batch, n=n).to_task(domain)


def _check_names(kwargs: Mapping[str, Any], needed: Collection[str], optional: Collection[str] = ("attempt",)) -> None:
    missing = [name for name in needed if name not in kwargs]
    if missing:
        raise JobRejected("bad-message", f"a message without {', '.join(missing)}")
    unknown = [name for name in kwargs if name not in needed and name not in optional]
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
    except ValueError:
        pass
    raise _bad(name, "an instant", value)


def _attempt(kwargs: Mapping[str, Any]) -> int | None:
    value = kwargs.get("attempt")
    return None if value is None else _number("attempt", value, 1)


def _number(name: str, value: Any, least: int) -> int:
    # JSON knows true, and Python takes it for 1.
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise _bad(name, f"a whole number from {least} to {_MOST}", value)
    return value


def _bad(name: str, wanted: str, value: Any) -> JobRejected:
    return JobRejected("bad-message", f"{name} is not {wanted} but {abbreviate(value)}")
