"""A schema as JSON Schema, for whoever sends facts in another language.  schema -> [json_schema]

JSON Schema 2020-12 of the facts of one job. What it accepts the engine judges; what it refuses is mostly refused by the
engine too, which also takes dates written in other ways of ISO 8601, and whole numbers for texts. It can't say how many
digits a number may have, which days there are, or between which bounds a time is. Derived fields are shown, and must be
null; what the farm adds need not come with a job."""

from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from engine.schema.schema import Constant, FactSchema, FieldSchema, Kind, Schema
from engine.values import clock_text

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DAY, _ZONE = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "(Z|[+-][0-9]{2}:[0-9]{2})?"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
#: Of days and what is shorter; no letter without a number, and at least one.
_LENGTH = r"-?P(?=[0-9T])([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,6})?S)?)?"
_KINDS: Mapping[Kind, dict[str, Any]] = {
    "number": {"type": "number"},
    "text": {"type": "string"},
    "boolean": {"type": "boolean"},
    # That there is such a day, the engine says.
    "date": {
        "type": "string",
        "pattern": f"^{_DAY}(T{_CLOCK}{_ZONE})?$",
    },
    "time": {"type": "string", "pattern": f"^{_CLOCK}$"},
    "duration": {"type": "string", "pattern": f"^{_LENGTH}$"},
    "list": {"type": "array"},
    "object": {"type": "object"},
}
#: What a reader is told of a kind that JSON has no type for.
_WRITTEN: Mapping[Kind, str] = {
    "date": "a date or an instant, ISO 8601: 2026-03-01, 2026-03-01T12:00:00Z",
    "time": "a time of day: 10:30, 10:30:15",
    "duration": "ISO 8601 of days and less: PT1H30M, P2D",
}


def json_schema(schema: Schema) -> dict[str, Any]:
    """The facts of one job, as JSON Schema.

    Args:
        schema: of the domain.
    """
    added = {lookup.fact for lookup in schema.lookups} | {stream.name for stream in schema.streams}
    properties: dict[str, Any] = {}
    needed = []
    for fact in schema.facts.values():
        described = _fact(schema, fact)
        # A fact that is not there lacks the fields that it must have.
        is_needed = fact.name == schema.subject or (not fact.is_list and any(map(_is_required, fact.fields.values())))
        if not is_needed:
            described["type"] = [described["type"], "null"]
        elif fact.name not in added:
            needed.append((fact.name, fact.sent_as))
        _name(properties, fact.name, fact.sent_as, described)
    document = {"$schema": _DIALECT, "title": schema.subject, "type": "object", "properties": properties}
    if schema.description:
        document["description"] = schema.description
    return document | _required(needed) | _closed(schema)


def _fact(schema: Schema, fact: FactSchema) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in fact.fields.values():
        _name(properties, field.name, field.sent_as, _field(field))
    needed = [(field.name, field.sent_as) for field in fact.fields.values() if _is_required(field)]
    described: dict[str, Any] = {"type": "object", "properties": properties}
    described |= _required(needed) | _closed(schema)
    if fact.is_list:
        described = {"type": "array", "items": described}
    return described | ({"description": fact.description} if fact.description else {})


def _field(field: FieldSchema) -> dict[str, Any]:
    told = [field.description, _WRITTEN.get(field.kind, "")]
    if field.derived:
        # Rules write it: what a reader sees of it is where to find it in `changes`.
        return {"type": "null", "readOnly": True, "description": "; ".join(["written by rules", *filter(None, told)])}
    described = dict(_KINDS[field.kind])
    for bound, keyword in ((field.minimum, "minimum"), (field.maximum, "maximum")):
        if isinstance(bound, Decimal):
            described[keyword] = _plain(bound)
        elif bound is not None:
            told.append(f"{keyword} {_plain(bound)}")
    if field.values is not None:
        described["enum"] = [_plain(value) for value in field.values]
    if not field.required:
        described["type"] = [described["type"], "null"]
        if "enum" in described:
            described["enum"].append(None)
    if any(told):
        described["description"] = "; ".join(filter(None, told))
    return described


def _name(properties: dict[str, Any], name: str, sent_as: str, described: dict[str, Any]) -> None:
    """Put a property under each name that it may come by."""
    properties[name] = described
    if sent_as:
        properties[sent_as] = described


def _required(needed: list[tuple[str, str]]) -> dict[str, Any]:
    plain = [name for name, sent_as in needed if not sent_as]
    by_either = [{"anyOf": [{"required": [name]}, {"required": [sent_as]}]} for name, sent_as in needed if sent_as]
    return ({"required": plain} if plain else {}) | ({"allOf": by_either} if by_either else {})


def _closed(schema: Schema) -> dict[str, Any]:
    return {"additionalProperties": False} if schema.strict else {}


def _is_required(field: FieldSchema) -> bool:
    return field.required and not field.derived


def _plain(value: Constant) -> str | int | float:
    if isinstance(value, time | timedelta):
        return clock_text(value)
    if isinstance(value, str):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
