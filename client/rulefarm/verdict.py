"""The evaluation on record for a job.  verdict row, Celery result -> [verdict] -> producers, the command line

A plain frozen value with its codecs; knows no database and no broker."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, TypedDict

#: Fields to their names of the release before, under which they are written too, for its producers and programs, and
#: read, from its workers. Goes with the next release.
_OLD_NAMES = {"shared_facts": "seen"}

#: The worst that any rule asked for; error: it could not be judged, and `reasons` says why.
Outcome = Literal["accept", "review", "reject", "error"]


class VerdictReason(TypedDict):
    """One decision that a fired rule took; of an error, what went wrong."""

    #: None: no rule, the facts or the farm.
    rule: str | None
    outcome: Outcome
    text: str
    #: Stable; of errors, and of rules that give one.
    code: str | None


class VerdictEvent(TypedDict):
    """One call that a fired rule made."""

    name: str
    arguments: list[Any]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An evaluation on record for a job."""

    #: The job's id; for a row of a batch, uuid5 of batch and subject.
    id: uuid.UUID
    #: When the job was submitted; with the id, the key that keeps a verdict unique.
    enqueued_at: datetime
    domain: str
    #: What was judged: the job's key.
    subject: str
    #: The batch it came with; None for a single job.
    batch: uuid.UUID | None
    outcome: Outcome
    #: Names of the rules that fired, in order.
    fired: list[str]
    #: Every decision that a fired rule took; for an error, what went wrong.
    reasons: list[VerdictReason]
    #: "Fact.field" to the value that the rules gave it.
    changes: dict[str, Any]
    #: Version of the ruleset that judged: sha256 of its canonical source.
    ruleset_digest: str
    #: sha256 of the canonical facts that were judged, shared ones included.
    facts_digest: str
    #: The instant it was judged at, fixed when it was submitted.
    as_of: datetime
    #: Name of the worker that judged.
    worker: str
    evaluated_at: datetime
    #: Microseconds that the evaluation took; in a chunk, its share.
    micros: int
    #: The shared facts that were judged with those of the job, by name; None: its domain has none.
    shared_facts: dict[str, Any] | None = None
    #: Texts that rules logged, in order.
    logs: list[str] = field(default_factory=list)
    #: Every call that a fired rule made, in order. Nothing was executed: whoever gets the verdict acts on them.
    events: list[VerdictEvent] = field(default_factory=list)
    #: What was odd about the facts, in sentences: names that the domain does not have, with the nearest that it has.
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain data: ids and instants as text."""
        document = dict(zip(_NAMES, _VALUES(self), strict=True))
        for name in _WRITTEN:
            document[name] = _plain(document[name])
        for new, old in _OLD_NAMES.items():
            document[old] = document[new]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Verdict":
        """The verdict that `to_json` wrote, or a row of the table."""
        values = {each.name: document[each.name] for each in fields(cls) if each.name in document}
        for new, old in _OLD_NAMES.items():
            if new not in document and old in document:
                values[new] = document[old]
        for name in ("id", "batch"):
            if isinstance(values[name], str):
                values[name] = uuid.UUID(values[name])
        for name in ("enqueued_at", "as_of", "evaluated_at"):
            if isinstance(values[name], str):
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)


#: The fields, what gives those of a verdict, and which of them are no plain data: found out once, not for every job.
_NAMES = tuple(each.name for each in fields(Verdict))
_VALUES = attrgetter(*_NAMES)
_WRITTEN = ("id", "enqueued_at", "batch", "as_of", "evaluated_at")


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
