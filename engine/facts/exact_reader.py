"""Read the facts of a job exactly: check every field, name every problem at once, put what rules read into slots.

With a schema, every field that it names is checked, and what it does not name is ignored, unless it is strict; without
one, whatever a rule reads is taken as it is. This reader says what facts mean; the fast one
(`engine.facts.fast_reader`) agrees with it or hands over to it. Never keeps or changes what the caller passed in."""

import math
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from engine.errors import FactsRejected
from engine.facts.field_use import FieldUse
from engine.facts.known_names import KnownNames
from engine.facts.paths import get_path, path_label, present
from engine.facts.slots import AS_OF, ORDINARY, SlotLayout, Slots
from engine.schema import FactSchema, FieldSchema, Limits
from engine.values import (
    CONTEXT,
    Value,
    ValueRefused,
    decimal,
    from_python,
    is_number,
    kind_of,
    normal_text,
    ordinary,
    parse_duration,
    parse_moment,
    parse_time,
    take_number,
    to_python,
    whole_digits,
)

#: Characters of a value that a problem shows.
_SHOWN = 40
#: More problems than these are only counted: one is enough to refuse a job, and a long list has thousands.
MAX_PROBLEMS = 20
#: What reads the texts of the kinds that are read whether a rule uses them or not.
CLOCKS: dict[str, Callable[[str], Value]] = {"time": parse_time, "duration": parse_duration}


class ExactReader:
    """Reads facts exactly."""

    def __init__(self, layout: SlotLayout, use: FieldUse) -> None:
        """Prepare.

        Args:
            layout: the slots to fill.
            use: the fields that rules use.
        """
        self._layout = layout
        self._use = use
        #: What is known; None: it does not matter.
        self._names = KnownNames(layout.schema) if layout.schema is not None and layout.schema.strict else None

    def read(self, facts: Any, as_of: Value) -> Slots:
        """Fill the slots of an evaluation.

        Args:
            facts: what the caller sent.
            as_of: the moment it is judged at, in UTC.

        Returns:
            New slots.

        Raises:
            FactsRejected: they are no facts, or break the schema; names every field.
        """
        reading = _ExactReading(self._layout, self._use)
        return reading.read(facts, as_of, [] if self._names is None else self._names.unknown(facts))


class _ExactReading:
    """One set of facts being read: collects what is wrong with it."""

    def __init__(self, layout: SlotLayout, use: FieldUse) -> None:
        self._layout = layout
        self._use = use
        self._problems: list[str] = []

    def read(self, facts: Any, as_of: Value, problems: list[str]) -> Slots:
        if not isinstance(facts, Mapping):
            raise FactsRejected(["facts have to be an object that holds each fact under its name"])
        self._problems += problems
        slots: Slots = [None] * self._layout.size
        schema = self._layout.schema
        if schema is not None:
            values = {name: self._fact(fact, facts.get(name)) for name, fact in schema.facts.items()}
            for (fact, steps), slot in self._layout.places.items():
                slots[slot] = get_path(values.get(fact), steps)
        else:
            for (fact, steps), slot in self._layout.places.items():
                slots[slot] = self._free(fact, steps, facts.get(fact))
            for fact, is_list in sorted(self._use.written):
                if not isinstance(facts.get(fact), list | tuple | None if is_list else Mapping | None):
                    self._problem(f"{fact} has to be {'a list' if is_list else 'an object'}")
        if self._problems:
            extra = len(self._problems) - MAX_PROBLEMS
            raise FactsRejected(self._problems[:MAX_PROBLEMS] + ([f"and {extra} more"] if extra > 0 else []))
        slots[ORDINARY] = all(map(ordinary, slots))
        slots[AS_OF] = as_of
        return slots

    def _problem(self, sentence: str) -> None:
        self._problems.append(sentence)

    def _free(self, fact: str, steps: tuple[str | int, ...], raw: Any) -> Value:
        """A field of a fact that no schema describes."""
        fields = self._layout.element_fields.get(fact)
        if not steps and fields is not None:
            if isinstance(raw, list | tuple):
                return tuple([self._element(fact, f"{fact}[{i}]", item, fields) for i, item in enumerate(raw)])
            if isinstance(raw, Mapping):
                return self._element(fact, fact, raw, fields)
        return self._value(path_label(fact, steps), get_path(raw, steps))

    def _element(self, fact: str, name: str, raw: Any, fields: set[str]) -> Value:
        if not isinstance(raw, Mapping):
            return None
        return {field: self._value(f"{name}.{field}", get_path(raw, (field,))) for field in fields}

    def _value(self, name: str, raw: Any, field: FieldSchema | None = None) -> Value:
        try:
            return from_python(raw, zone=self._layout.zone)
        except ValueRefused as refused:
            self._problem(f"{name} {refused}{_told(field, raw)}")
            return None

    def _fact(self, fact: FactSchema, raw: Any) -> Value:
        if fact.is_list:
            if raw is None:
                return ()
            if not isinstance(raw, list | tuple):
                self._problem(f"{fact.name} has to be a list of objects")
                return ()
            return tuple([self._object(fact, f"{fact.name}[{i}]", item) for i, item in enumerate(raw)])
        return self._object(fact, fact.name, raw)

    def _object(self, fact: FactSchema, name: str, raw: Any) -> Value:
        if not isinstance(raw, Mapping | None) or (raw is None and fact.is_list):
            self._problem(f"{name} has to be an object")
            return None
        given = {} if raw is None else raw
        subject = self._layout.schema.subject if self._layout.schema is not None else ""
        if raw is None and fact.name == subject:
            self._problem(f"{name} is missing")
            return None
        values = {field.name: self._field(fact, field, name, given.get(field.name)) for field in fact.fields.values()}
        return None if raw is None else present(values)

    def _field(self, fact: FactSchema, field: FieldSchema, owner: str, raw: Any) -> Value:
        name = f"{owner}.{field.name}"
        if raw is None:
            if field.required:
                self._problem(f"{name} is missing")
            return None
        if field.derived:
            self._problem(f"{name} is derived: rules write it, no job sends it")
            return None
        if field.kind == "text" and not isinstance(raw, str):
            raw = whole_digits(raw) or raw
        # A time or a duration is read whether a rule asks or not: it is short, and a text may be none.
        if not self._use.is_used(fact.name, field.name) and field.kind not in CLOCKS:
            if not isinstance(raw, _RAW_KINDS[field.kind]) or (isinstance(raw, bool) and field.kind != "boolean"):
                self._problem(f"{name} has to be {_ARTICLES[field.kind]}{_told(field, raw)}")
                return None
            # Nobody computes with it, so it may have more digits than a rule could read; its bounds hold all the same.
            if field.kind == "number" and _is_finite(raw):
                self._limits(field, name, _near(raw))
            elif field.kind == "text":
                self._limits(field, name, normal_text(str(raw)))
            return None
        value = self._read(field, name, raw)
        if value is not None:
            self._limits(field, name, value)
        return value

    def _read(self, field: FieldSchema, name: str, raw: Any) -> Value:
        if field.kind in ("date", *CLOCKS) and isinstance(raw, str):
            try:
                return CLOCKS[field.kind](raw) if field.kind in CLOCKS else parse_moment(raw, self._layout.zone)
            except ValueRefused as refused:
                self._problem(f"{name} {refused}{_told(field, raw)}")
                return None
        problems = len(self._problems)
        value = self._value(name, raw, field)
        if len(self._problems) == problems and kind_of(value) != field.kind:
            is_now = f"and is {_ARTICLES[kind_of(value)]}{_told(field, raw)}"
            self._problem(f"{name} has to be {_ARTICLES[field.kind]}, {is_now}")
            return None
        return value

    def _limits(self, field: FieldSchema, name: str, value: Value) -> None:
        broken = Limits(field).broken_by(value)
        if broken:
            self._problem(f"{name} {broken}")


def _told(field: FieldSchema | None, raw: Any) -> str:
    """As `_shown`; nothing of what is private, for the problem goes on record."""
    return "" if field is not None and field.private else _shown(raw)


def _shown(raw: Any) -> str:
    """What stands there, to be said behind a problem; nothing for what would be long, or says nothing."""
    if isinstance(raw, str):
        return f": {raw if len(raw) <= _SHOWN else raw[:_SHOWN] + '…'!r}"
    if isinstance(raw, bool):
        return ": true" if raw else ": false"
    if isinstance(raw, date | time):
        return f": {raw.isoformat()}"
    if not isinstance(raw, int | float | Decimal):
        return ""
    try:
        # As the language writes it, whether it came as 7, 7.0 or 7.00.
        raw = to_python(take_number(raw))
    except ValueRefused:
        # Python refuses to write an integer of thousands of digits.
        if isinstance(raw, int) and raw.bit_length() > 1_000:
            return ""
    return f": {raw}"[:_SHOWN]


def _near(raw: Any) -> int | float:
    """A number that no rule reads, as its bounds are compared with it."""
    if isinstance(raw, int):
        return raw
    return float(raw) if isinstance(raw, Decimal) or is_number(raw) else float(CONTEXT.plus(decimal(raw)))


def _is_finite(raw: Any) -> bool:
    if isinstance(raw, Decimal):
        return raw.is_finite()
    return math.isfinite(raw) if isinstance(raw, float) else True


_RAW_KINDS: dict[str, tuple[type, ...]] = {
    "number": (int, float, Decimal),
    "text": (str,),
    "boolean": (bool,),
    "date": (date, str),
    "time": (time, str),
    "duration": (timedelta, str),
    "list": (list, tuple),
    "object": (Mapping,),
}

_ARTICLES = {
    "number": "a number",
    "text": "a text",
    "boolean": "a boolean",
    "date": "a date (ISO 8601)",
    "time": "a time (10:30:00)",
    "duration": "a duration (PT1H30M)",
    "list": "a list",
    "object": "an object",
    "null": "null",
}
