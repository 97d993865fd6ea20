"""The errors that a user of the farm can meet.  raised anywhere above the engine -> [errors] -> one line in the CLI

RulefarmError
├── SettingsError            a setting is missing or makes no sense
├── JobRejected              a job can't be taken as it is: its domain, key, facts or size
├── SourceRejected           a batch's source can't be read, or can't be cut into jobs
├── FactRejected             a reference fact can't be kept as it is: its name, key, fields or size
├── QueueFull                the queue of the domain holds all that it may
├── JobDead                  the job is not tried any more: it is a dead letter
├── NotFound                 no such job, batch or ruleset
├── FarmUnreachable          something the farm stands on does not answer
│   ├── BrokerUnreachable
│   ├── DatabaseUnreachable
│   └── FactsUnreachable
├── DatabaseRejected         Postgres does not take a statement or a value: a fault of ours, or of the facts
├── VerdictPending           the wait is over, the verdict is not there yet
└── ServiceError             an embedded service or a process of the farm can't be started or stopped

Each carries a stable `code`, a message that says what and where, and a hint that says what to do. All pickle, so they
cross processes whole. The engine has a tree of its own (`engine.errors`): it may not import this one."""

from typing import Any


class RulefarmError(Exception):
    """Base of every error that the farm raises on purpose.

    Args:
        code: stable, kebab-case; programs branch on it.
        message: one sentence: what, and where.
        hint: what to do about it; may be empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_json(self) -> dict[str, Any]:
        """The error as plain data: code, message, hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class SettingsError(RulefarmError):
    """A setting is missing or makes no sense."""


class JobRejected(RulefarmError):
    """A job can't be taken as it is; nothing of it was kept."""


class SourceRejected(RulefarmError):
    """The source of a batch can't be read or cut into jobs; nothing of it was kept."""

    #: Whether the same source may be taken later: a file that is not there yet, a database that is away.
    may_pass = False


class FactRejected(RulefarmError):
    """A reference fact can't be kept as it is."""


class QueueFull(RulefarmError):
    """The queue of the domain holds all the messages that it may; nothing was kept. Submit again later."""


class JobDead(RulefarmError):
    """The job, or the row of a batch, has used up its attempts and is a dead letter; it gets no verdict."""


class NotFound(RulefarmError):
    """No job, batch or ruleset has that name."""


class FarmUnreachable(RulefarmError):
    """Something the farm stands on does not answer."""


class BrokerUnreachable(FarmUnreachable):
    """The broker does not answer, or can't do its part: it is full, a replica, or does not let us in."""


class DatabaseUnreachable(FarmUnreachable):
    """Postgres does not answer, or can't do its part: it is read-only, full, busy, or does not let us in."""


class DatabaseRejected(RulefarmError):
    """Postgres does not take a statement or a value: no matter of waiting."""


class FactsUnreachable(FarmUnreachable):
    """The Redis that holds the shared facts does not answer, or can't do its part."""


class VerdictPending(RulefarmError):
    """The wait is over and the verdict is not there yet; the job is still on record."""


class ServiceError(RulefarmError):
    """An embedded service, or a process of the farm, can't be started or stopped."""
