"""What a producer holds after it submitted.  farm.submit -> [jobs] -> wait, verdict

Frozen values with a way back to the farm that made them."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rulefarm.routing import EVALUATE_JOB, queue_name
from rulefarm.verdict import Verdict

if TYPE_CHECKING:
    from rulefarm.bell import Bell
    from rulefarm.farm import Farm


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
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
    #: Whether its message was sent. False when the broker was away: the reconciler sends it.
    rung: bool = True
    #: The farm that took it.
    farm: "Farm | None" = field(default=None, repr=False, compare=False)

    def wait(self, timeout: float | None = 30.0) -> Verdict:
        """Wait for the verdict.

        Args:
            timeout: seconds; None waits for ever.

        Returns:
            The verdict.

        Raises:
            VerdictPending: none came in time; the job is still on record.
        """
        if self.farm is None:
            raise RuntimeError("this job was not made by a farm")
        return self.farm.wait(self, timeout)

    def recorded(self, as_of: datetime, enqueued_at: datetime) -> "Job":
        """The job with the instants that its row holds."""
        return replace(self, as_of=as_of, enqueued_at=enqueued_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
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
    #: Whether its messages were sent. False when the broker was away: the reconciler sends them.
    rung: bool = True
    farm: "Farm | None" = field(default=None, repr=False, compare=False)

    def progress(self) -> dict[str, Any]:
        """Its row, with the outcomes so far: state, rows, outcomes {outcome: count}, enqueued_at, finished_at …"""
        if self.farm is None:
            raise RuntimeError("this batch was not made by a farm")
        return self.farm.batch(self.id)
