"""Jobs and batches as a producer holds them, and how facts become jobs.  farm.submit -> [jobs] -> wait, verdict

Takes facts and keys, gives frozen values with a way back to the farm that made them. Ids, instants and limits are
settled here; nothing is written and nothing is sent."""

import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import starmap
from typing import Any, Protocol

from rulefarm import wire
from rulefarm.errors import JobRejected, NotFound, VerdictPending
from rulefarm.normalize import abbreviate
from rulefarm.routing import checked_domain
from rulefarm.seconds import wait_seconds
from rulefarm.tracing import current_traceparent
from rulefarm.verdict import Verdict

#: Seconds between two looks at a batch, at first and at most.
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.05, 1.0


#: Facts and key, or None, of each of some jobs.
Items = Iterable[tuple[Mapping[str, Any], str | None]]


class FarmClient(Protocol):
    """What a job or batch needs of the farm that took it."""

    def wait(self, job: "Job", timeout: float | None = 30.0) -> Verdict:
        """The verdict of a job.

        Args:
            job: as accepted.
            timeout: seconds; None waits for ever.
        """

    def batch(self, batch_id: uuid.UUID) -> dict[str, Any]:
        """The batch's row, and its outcomes so far."""


class _OldName:
    """What `sent` was called before; a later release will not have it."""

    __slots__ = ()
    sent: bool

    @property
    def rung(self) -> bool:
        """As `sent`."""
        warnings.warn("rung is now called sent; a later release will not have it", FutureWarning, stacklevel=2)
        return self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(_OldName):
    """One subject to judge, as it was accepted."""

    id: uuid.UUID
    domain: str
    #: The key it was submitted with; without one, its id as text.
    subject: str
    #: The instant it is judged at.
    as_of: datetime
    enqueued_at: datetime
    #: Whether its row is in Postgres. False for a producer without a database: then the worker writes it.
    on_record: bool = True
    #: Whether a worker was woken for it, by its message or by those of the many that wait before it. False when the
    #: broker was away, or its transaction may still be undone: then the reconciler sees to it.
    sent: bool = True
    #: The trace that it was submitted in, as `rulefarm.tracing` has it; None: in none.
    traceparent: str | None = field(default=None, repr=False, compare=False)
    #: Its home: the region whose ledger took it, if the producer knows regions.
    region: str | None = None
    #: Digest of the ruleset that it is pinned to; None: the one that is active when it is judged.
    digest: str | None = None
    #: The farm that took it.
    farm: FarmClient | None = field(default=None, repr=False, compare=False)

    def wait(self, timeout: float | None = 30.0) -> Verdict:
        """Wait for the verdict.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            The verdict.

        Raises:
            VerdictPending: none came in time; the job is still on record.
            JobDead: none will come: the job is a dead letter.
        """
        return _of(self.farm).wait(self, timeout)

    def recorded(self, as_of: datetime, enqueued_at: datetime) -> "Job":
        """The job with the instants that its row holds.

        Args:
            as_of: of the row; it may be older than the job, and submitted with another as_of.
            enqueued_at: of the row.
        """
        return replace(self, as_of=as_of, enqueued_at=enqueued_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(_OldName):
    """A source cut into chunks, as it was accepted."""

    id: uuid.UUID
    domain: str
    #: Where the subjects came from.
    source: str
    #: Subjects in it.
    rows: int
    #: Slices it was cut into, each one message.
    chunks: int
    as_of: datetime
    #: Subjects of it that can't be judged, whatever the rules: their verdicts are errors.
    refused: int = 0
    #: What somebody should know who sent it, in sentences: columns that are no field, say.
    remarks: tuple[str, ...] = ()
    #: Digest of the ruleset that judges it: the one that was active when it was submitted. None: none was.
    digest: str | None = None
    #: Whether its messages were sent. False when the broker was away: the reconciler sends them.
    sent: bool = True
    #: The region that judges it, if the producer knows regions.
    region: str | None = None
    farm: FarmClient | None = field(default=None, repr=False, compare=False)

    def progress(self) -> dict[str, Any]:
        """Its row, with the outcomes so far: state, rows, outcomes {outcome: count}, enqueued_at, finished_at …"""
        return _of(self.farm).batch(self.id)

    def wait(self, timeout: float | None = 3600.0) -> dict[str, Any]:
        """Wait until every subject of it has a verdict, or is a dead letter.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            As `progress`.

        Raises:
            VerdictPending: it is still open; everything stays on record.
            DatabaseUnreachable: nobody can say.
            SettingsError: `bad-timeout`: that is no number of seconds.
        """
        timeout = wait_seconds(timeout)
        deadline, pause = None if timeout is None else time.monotonic() + timeout, _FIRST_LOOK_S
        while (record := self.progress())["state"] == "open":
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise VerdictPending("batch-pending", f"batch {self.id} is open after {timeout:g} s", "ask again later")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_LOOK_S)
        return record


def _of(farm: FarmClient | None) -> FarmClient:
    if farm is None:
        raise RuntimeError("this value was not made by a farm, so no farm can answer for it")
    return farm


def id_of(text: uuid.UUID | str) -> uuid.UUID:
    """The id that a text writes.

    Raises:
        NotFound: it writes none.
    """
    try:
        return text if isinstance(text, uuid.UUID) else uuid.UUID(text)
    # What is no text has not what a text has.
    except (ValueError, TypeError, AttributeError):
        raise NotFound("no-such-id", f"{abbreviate(text)} is no id", "an id looks like 0b2c9c1e-…") from None


def pairs_of(items: Iterable[Mapping[str, Any] | tuple[str | None, Mapping[str, Any]]]) -> Iterator[tuple[Any, Any]]:
    """Facts and key, or None, of each of what a producer has many of.

    Args:
        items: facts, or pairs of key and facts.

    Raises:
        JobRejected: `bad-facts`: they are none that one could go through, or one is a tuple and no pair.
    """
    if not isinstance(items, Iterable):
        raise JobRejected("bad-facts", f"jobs are facts, or pairs of key and facts, not {abbreviate(items)}")
    for item in items:
        if isinstance(item, tuple) and len(item) != 2:
            raise JobRejected("bad-facts", f"a pair is a key and facts, and not {len(item)} things")
        yield (item[1], item[0]) if isinstance(item, tuple) else (item, None)


def identity(
    domain: str, key: str | None, facts: str, as_of: datetime | None, digest: str | None = None
) -> tuple[uuid.UUID, str]:
    """The id of a job, and what it is of, whichever way it comes.

    Args:
        domain: who judges.
        key: what is judged; None: every job is another one.
        facts: canonical.
        as_of: in UTC; None if none was given.
        digest: of the ruleset that it is pinned to. Default: to none.

    Raises:
        JobRejected: the key can be none.
    """
    if key is None:
        job_id = uuid.uuid4()
        return job_id, str(job_id)
    return wire.job_id(domain, wire.checked_key(key), wire.digest(facts), as_of, digest), key


def new_jobs(
    domain: str,
    items: Items,
    *,
    as_of: datetime | None,
    on_record: bool,
    farm: FarmClient,
    region: str | None = None,
    digest: str | None = None,
) -> Iterator[tuple[Job, str]]:
    """Jobs that can be taken; each is made when it is asked for.

    Args:
        domain: who judges.
        items: facts and key, or None, of each.
        as_of: the instant to judge at; None: now.
        on_record: whether a row will be written for them.
        farm: who answers for them.
        region: where they are to be taken; None: there are no regions.
        digest: of the ruleset that judges them, whatever is active by then; None: what is.

    Returns:
        Each job with its canonical facts.

    Raises:
        JobRejected: one of them can't be taken; then it may not be the first that is asked for.
    """
    checked_domain(domain)
    moment = None if as_of is None else wire.instant(as_of)
    pinned = None if digest is None else wire.checked_digest(digest)
    now, traceparent = datetime.now(UTC), current_traceparent()

    def made(facts: Mapping[str, Any], key: str | None) -> tuple[Job, str]:
        text = wire.canonical(facts)
        job_id, subject = identity(domain, key, text, moment, pinned)
        job = Job(
            id=job_id,
            domain=domain,
            subject=subject,
            as_of=moment or now,
            enqueued_at=now,
            on_record=on_record,
            traceparent=traceparent,
            region=region,
            digest=pinned,
            farm=farm,
        )
        return job, text

    return starmap(made, items)
