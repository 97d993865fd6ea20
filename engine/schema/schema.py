"""What the facts of a domain look like.  diagnostics -> [schema] -> reader, checks, facts, tables, lint

Plain frozen values. Says nothing about rules (`engine.checks.rule_checks`) or about the facts of a job
(`engine.facts.reader`), and knows no service: where looked-up facts and windows are kept is the caller's affair."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.diagnostics import Span
from engine.schema.sent_names import SentNames, plain_name
from engine.values import clock_text, zone_named

Kind = typing.Literal["number", "text", "boolean", "date", "time", "duration", "list", "object"]
#: A constant that domain.toml gives a field.
Constant = str | Decimal | time | timedelta
KINDS: tuple[Kind, ...] = typing.get_args(Kind)


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of a fact."""

    name: str
    kind: Kind
    #: A job whose fact lacks it, or has null there, is refused.
    required: bool = False
    #: Lowest value that is taken, itself included; only for numbers, times and durations, and of the same kind.
    minimum: Decimal | time | timedelta | None = None
    #: Highest value that is taken, itself included; likewise.
    maximum: Decimal | time | timedelta | None = None
    #: The only values that are taken (of the kind, which is none of dates, booleans, lists and objects); None: any.
    values: tuple[Constant, ...] | None = None
    #: Written by rules and never sent with a job.
    derived: bool = False
    description: str = ""
    #: What a derived number or duration without a value counts as in `+=` and its kin; None: 0.
    default: Decimal | timedelta | None = None
    #: By what other name it comes, from another system; empty: by none.
    sent_as: str = ""
    #: Whether people who look at facts see that it is there, and not its value.
    private: bool = False
    #: Where it stands in domain.toml; takes no part in equality.
    span: Span | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def start(self) -> Decimal | timedelta | None:
        """What it counts as in `+=` and its kin while it has no value; None: nothing, so that they give null."""
        if not self.derived or self.kind not in ("number", "duration"):
            return None
        if self.default is not None:
            return self.default
        return Decimal(0) if self.kind == "number" else timedelta(0)


@dataclass(frozen=True, slots=True)
class FactSchema:
    """One fact: an object, or a list of like objects."""

    name: str
    is_list: bool
    fields: Mapping[str, FieldSchema]
    description: str = ""
    #: By what other name it comes, from another system; empty: by none.
    sent_as: str = ""

    @property
    def fields_as_sent(self) -> dict[str, FieldSchema]:
        """The fields by every name that they may come by."""
        return {field.sent_as: field for field in self.fields.values() if field.sent_as} | dict(self.fields)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A fact that does not come with a job but is looked up by one of its fields."""

    #: Name of the fact that is looked up; an object.
    fact: str
    #: The fact and the field that hold its key: ("Order", "household_id").
    by: tuple[str, str]
    #: A job whose fact is nowhere to be found is an error; else the fact is null.
    required: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """A list fact that holds the recent events of one key, of which the job is the last."""

    #: Name of the list fact.
    name: str
    #: The fact whose fields the events have, and the field that groups them: ("Payment", "card").
    key: tuple[str, str]
    #: Seconds that an event is seen for: an event as of t is in the window of one as of t + window_s - 1, and not of
    #: one as of t + window_s.
    window_s: int
    #: Events that are seen at most: the newest.
    max_events: int
    #: Seconds that events are kept beyond the window, for jobs that are judged late.
    late_s: int
    #: The key's fact, and the date field that says when an event happened: ("Payment", "at"). None, or null in a job:
    #: when the job is judged, its as_of.
    time: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CallSchema:
    """A call that rules may make: it becomes an event of the verdict, and nothing is executed."""

    name: str
    #: The kind of each argument; null is taken for any of them.
    args: tuple[Kind, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The facts of one domain, and what a job of it is about."""

    #: The fact that a job judges; an object, never a list.
    subject: str
    #: The field of the subject that names it (`product_id`).
    key: str
    facts: Mapping[str, FactSchema]
    description: str = ""
    #: The facts that are looked up, by name.
    lookups: tuple[Lookup, ...] = ()
    #: The list facts that hold recent events, by name.
    streams: tuple[Stream, ...] = ()
    #: The calls that rules may make, by name.
    calls: Mapping[str, CallSchema] = dataclasses.field(default_factory=dict)
    #: What stands before the decimals of a number in text that comes in, as in csv: `.` or `,`.
    decimal: str = "."
    #: IANA name of the zone of days, and of dates and times that have none.
    timezone: str = "UTC"
    #: Whether facts with a name that stands nowhere here are refused, and not only said to have it.
    strict: bool = False
    #: The names that facts and fields have in other systems.
    sent_names: SentNames = dataclasses.field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        facts = {plain_name(fact.sent_as): fact.name for fact in self.facts.values() if fact.sent_as}
        fields = {
            fact.name: {plain_name(field.sent_as): field.name for field in fact.fields.values() if field.sent_as}
            for fact in self.facts.values()
        }
        names = SentNames(facts, {fact: names for fact, names in fields.items() if names})
        object.__setattr__(self, "sent_names", names)

    @property
    def zone(self) -> tzinfo:
        """The zone of `timezone`."""
        return zone_named(self.timezone)

    @property
    def list_facts(self) -> frozenset[str]:
        """Names of the facts that are lists of objects."""
        return frozenset(fact.name for fact in self.facts.values() if fact.is_list)

    @property
    def is_shared(self) -> bool:
        """Whether jobs are judged with facts that do not come with them."""
        return bool(self.lookups or self.streams)

    def with_own_names(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Facts as they were sent, under the domain's own names; of two that mean one field the first is there."""
        return self.sent_names.renamed(facts)[0] if self.sent_names else facts

    def field_at(self, fact: str, steps: tuple[str | int, ...]) -> FieldSchema | None:
        """The field that a path ends in.

        Args:
            fact: where it begins.
            steps: from there on: a name; or, into a list fact, a place and a name.

        Returns:
            The field; None below a field, and for what the schema does not know.
        """
        owner = self.facts.get(fact)
        if owner is None:
            return None
        steps = steps[1:] if owner.is_list and steps and isinstance(steps[0], int) else steps
        return owner.fields.get(str(steps[0])) if len(steps) == 1 else None

    def canonical(self) -> str:
        """The same text for schemas that take and mean the same; it goes into a ruleset's digest.

        >>> Schema("P", "id", {"P": FactSchema("P", False, {"id": FieldSchema("id", "text")})}).canonical()
        'subject P key id\\nP.id text'
        """
        lines = [f"subject {self.subject} key {self.key}"]
        if self.decimal != ".":
            lines.append(f"decimal {self.decimal}")
        if self.timezone != "UTC":
            lines.append(f"timezone {self.timezone}")
        if self.strict:
            lines.append("strict")
        for fact in sorted(self.facts.values(), key=lambda fact: fact.name):
            if fact.is_list:
                lines.append(f"{fact.name} list")
            if fact.sent_as:
                lines.append(f"{fact.name} from {fact.sent_as!r}")
            lines += [_canonical_field(fact.name, fact.fields[name]) for name in sorted(fact.fields)]
        for lookup in self.lookups:
            lines.append(f"lookup {lookup.fact} by {'.'.join(lookup.by)}{' required' * lookup.required}")
        for stream in self.streams:
            lines.append(
                f"stream {stream.name} key {'.'.join(stream.key)} window {stream.window_s}"
                f" max_events {stream.max_events} late {stream.late_s}"
                + (f" time {'.'.join(stream.time)}" if stream.time else "")
            )
        lines += [f"emit {name}({', '.join(self.calls[name].args)})" for name in sorted(self.calls)]
        return "\n".join(lines)


def _canonical(value: Constant) -> str:
    if isinstance(value, time | timedelta):
        return clock_text(value)
    return value if isinstance(value, str) else str(value.normalize())


def _canonical_field(fact: str, field: FieldSchema) -> str:
    words = [f"{fact}.{field.name}", field.kind]
    # What is judged is the same; but a version that hides another field is another version, or it could not go live.
    words += ["required"] * field.required + ["derived"] * field.derived + ["private"] * field.private
    if field.minimum is not None:
        words.append(f"min {_canonical(field.minimum)}")
    if field.maximum is not None:
        words.append(f"max {_canonical(field.maximum)}")
    if field.values is not None:
        words.append(f"values {sorted(map(_canonical, field.values))}")
    if field.default:
        words.append(f"default {_canonical(field.default)}")
    if field.sent_as:
        words.append(f"from {field.sent_as!r}")
    return " ".join(words)
