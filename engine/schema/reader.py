"""Read what the facts of a domain look like.  keys, shared_facts, toml_locations -> [reader] -> rulesets.loader

Takes the text of a domain.toml, gives a `Schema`, or a `SchemaRejected` that names every problem at once. Reads no
file; tables of shared facts are read by `engine.schema.shared_facts`."""

import re
import tomllib
import typing
import zoneinfo
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from engine.diagnostics import Diagnostic, Span
from engine.errors import SchemaRejected
from engine.schema.calls import read_calls
from engine.schema.constants import ConstantReader
from engine.schema.keys import FACT, FIELD, TOP
from engine.schema.limits import Limits
from engine.schema.schema import KINDS, FactSchema, FieldSchema, Kind, Schema
from engine.schema.sent_names import plain_name
from engine.schema.shared_facts import SharedFactsReader
from engine.schema.toml_locations import TomlLocations, syntax_problem
from engine.suggestions import did_you_mean
from engine.values import (
    Value,
    literal,
    zone_named,
)

#: A schema of a thousand described fields is a tenth of this.
MAX_SCHEMA_CHARACTERS = 1_000_000

#: Nobody mends more than this before the next try.
MAX_PROBLEMS = 100

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def parse_schema(text: str | bytes, source: str = "domain.toml") -> Schema:
    """Read a domain.toml.

    Args:
        text: the file's content; bytes have to be UTF-8.
        source: name for the diagnostics; default `domain.toml`.

    Returns:
        The schema.

    Raises:
        SchemaRejected: it is not TOML, or not a schema; every problem is in it.
    """
    reader = _Reader(source)
    return reader.read(text)


class _Reader:
    """One reading of one schema: collects problems, and finds the lines they stand on."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: list[str] = []
        self._locations = TomlLocations([])
        self._diagnostics: list[Diagnostic] = []
        self._constants = ConstantReader(self._problem)

    def read(self, text: str | bytes) -> Schema:
        document = self._toml(text)
        self._check_keys(document, TOP.names, "a schema", "")
        described = document.get("facts")
        facts: dict[str, FactSchema] = {}
        if not isinstance(described, dict) or not described:
            self._problem(
                "schema-facts", "a schema needs at least one fact", "", hint="add a table [facts.Product.fields]"
            )
        else:
            facts = {name: self._fact(name, fact) for name, fact in described.items()}
        subject, key = self._text(document, "subject"), self._text(document, "key")
        if subject and facts:
            self._subject(subject, key, facts)
        description = document.get("description", "")
        if not isinstance(description, str):
            self._problem("schema-value", "'description' has to be text", "", "description")
        decimal = document.get("decimal", ".")
        if decimal not in (".", ","):
            self._problem(
                "schema-value", "'decimal' is what stands before decimals in files: '.' or ','", "", "decimal"
            )
        timezone = self._timezone(document)
        strict = self._flag(document, "strict", "", "strict")
        shared = SharedFactsReader(facts, subject, self._problem)
        lookups, streams = shared.lookups(document.get("lookup", {})), shared.streams(document.get("stream", {}))
        calls = read_calls(document.get("emit", {}), self._problem)
        self._check_fact_names(facts, {lookup.fact for lookup in lookups}, {stream.name for stream in streams})
        if self._diagnostics:
            raise SchemaRejected(self._diagnostics)
        facts |= shared.stream_facts(streams)
        return Schema(subject, key, facts, description, lookups, streams, calls, decimal, timezone, strict)

    def _toml(self, text: str | bytes) -> dict[str, Any]:
        if len(text) > MAX_SCHEMA_CHARACTERS:
            self._refuse("schema-too-large", f"a schema has at most {MAX_SCHEMA_CHARACTERS:,} characters", 1, 1)
        if isinstance(text, bytes):
            try:
                text = text.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                line = error.object.count(b"\n", 0, error.start) + 1
                self._refuse("schema-not-utf8", "the file is not UTF-8", line, 1)
        text = text.removeprefix("\ufeff")
        self._lines = text.splitlines()
        self._locations = TomlLocations(self._lines)
        try:
            return tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            self._refuse("schema-syntax", *syntax_problem(error, self._lines))
        # Both come from tomllib itself: too deep a nesting, an integer or decimal that Python refuses to read.
        except (RecursionError, ValueError, ArithmeticError):
            self._refuse("schema-syntax", "not TOML that can be read: nested too deep, or a number too long", 1, 1)

    def _refuse(self, code: str, message: str, line: int, column: int) -> typing.NoReturn:
        shown = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        raise SchemaRejected([Diagnostic(code, "error", Span(self._source, line, column), message, "", shown)])

    def _problem(self, code: str, message: str, table: str, key: str = "", hint: str = "") -> None:
        line, column, length = self._locations.find(table, key)
        shown = self._lines[line - 1] if line <= len(self._lines) else ""
        span = Span(self._source, line, column, length)
        self._diagnostics.append(Diagnostic(code, "error", span, message, hint, shown))
        if len(self._diagnostics) >= MAX_PROBLEMS:
            raise SchemaRejected(self._diagnostics)

    def _text(self, document: Mapping[str, Any], key: str) -> str:
        value = document.get(key)
        if isinstance(value, str) and value:
            return value
        self._problem("schema-value", f"'{key}' has to name {'a fact' if key == 'subject' else 'a field'}", "", key)
        return ""

    def _timezone(self, document: Mapping[str, Any]) -> str:
        name = document.get("timezone", "UTC")
        try:
            zone_named(name if isinstance(name, str) else "")
        except LookupError:
            zones = zoneinfo.available_timezones()
            hint = did_you_mean(str(name), zones) or 'an IANA name, for example "Europe/Berlin"'
            self._problem("schema-timezone", f"there is no time zone '{str(name)[:40]}'", "", "timezone", hint)
            return "UTC"
        return str(name)

    def _check_keys(
        self, table: Mapping[str, Any], names: tuple[str, ...], owner: str, place: str, row: str = ""
    ) -> None:
        for key in table:
            if key not in names:
                hint = did_you_mean(key, names) or f"known: {', '.join(names)}"
                self._problem("schema-unknown-key", f"{owner} has no key '{key}'", place, row or key, hint)

    def _subject(self, subject: str, key: str, facts: Mapping[str, FactSchema]) -> None:
        fact = facts.get(subject)
        if fact is None:
            self._problem("schema-subject", f"the subject '{subject}' is not one of the facts", "", "subject")
        elif fact.is_list:
            self._problem(
                "schema-subject", f"the subject '{subject}' is a list; a job judges one object", "", "subject"
            )
        elif key and (key not in fact.fields or fact.fields[key].kind not in ("text", "number")):
            self._problem("schema-subject", f"the key '{key}' is not a text or number field of {subject}", "", "key")
        elif key and fact.fields[key].private:
            message = f"the key '{key}' can't be private: it is what everybody calls a {subject} by"
            self._problem("schema-private", message, f"facts.{subject}.fields", key)

    def _fact(self, name: str, described: object) -> FactSchema:
        place = f"facts.{name}"
        if not _NAME.match(name):
            self._problem("schema-name", f"'{name}' is no name for a fact", place, hint="letters, digits and _ only")
        if not isinstance(described, dict):
            self._problem("schema-value", f"fact '{name}' has to be a table", "facts", name)
            return FactSchema(name, False, {})
        self._check_keys(described, FACT.names, f"fact '{name}'", place)
        is_list = self._flag(described, "list", place, "list")
        fields = described.get("fields")
        if not isinstance(fields, dict) or not fields:
            self._problem("schema-facts", f"fact '{name}' has no fields", place, hint=f"add a table [{place}.fields]")
            fields = {}
        description = described.get("description", "")
        if not isinstance(description, str):
            self._problem("schema-value", f"'description' of fact '{name}' has to be text", place, "description")
            description = ""
        read = {field: self._field(f"{place}.fields", name, field, value) for field, value in fields.items()}
        self._check_sent_names(f"{place}.fields", read, read.keys())
        return FactSchema(name, is_list, read, description, self._from(described, place, "from"))

    def _field(self, place: str, fact: str, name: str, described: object) -> FieldSchema:
        owner = f"{fact}.{name}"
        if not _NAME.match(name):
            self._problem("schema-name", f"'{name}' is no name for a field", place, name, "letters, digits and _ only")
        if not isinstance(described, dict):
            hint = 'write it as { kind = "number" }'
            self._problem("schema-value", f"field {owner} has to be a table", place, name, hint)
            return FieldSchema(name, "object")
        self._check_keys(described, FIELD.names, f"field {owner}", place, name)
        kind = described.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            hint = did_you_mean(str(kind), KINDS) or f"a kind is one of: {', '.join(KINDS)}"
            self._problem("schema-kind", f"field {owner} has no known kind", place, name, hint)
            return FieldSchema(name, "object")
        field_kind: Kind = next(name for name in KINDS if name == kind)
        minimum = self._constants.bound(described, "min", field_kind, place, name)
        maximum = self._constants.bound(described, "max", field_kind, place, name)
        if minimum is not None and maximum is not None and literal(minimum) > literal(maximum):
            self._problem("schema-bounds", f"field {owner} has min above max", place, name)
        required = self._flag(described, "required", place, name)
        derived = self._flag(described, "derived", place, name)
        if required and derived:
            self._problem(
                "schema-derived", f"field {owner} is derived, so no job can be required to send it", place, name
            )
        private = self._flag(described, "private", place, name)
        description = described.get("description", "")
        if not isinstance(description, str):
            self._problem("schema-value", f"'description' of field {owner} has to be text", place, name)
            description = ""
        values = self._constants.values(described, field_kind, place, name)
        default = self._constants.bound(described, "default", field_kind, place, name)
        sent_as = self._from(described, place, name)
        if sent_as and derived:
            self._problem("schema-from", f"field {owner} is derived, so nothing comes from elsewhere", place, name)
        span = Span(self._source, *self._locations.find(place, name))
        field = FieldSchema(
            name, field_kind, required, minimum, maximum, values, derived, description, default, sent_as, private, span
        )
        if default is not None:
            self._default(field, literal(default), owner, place)
        return field

    def _default(self, field: FieldSchema, value: Value, owner: str, place: str) -> None:
        """A default is one that the field may have."""
        if field.start is None:
            self._problem(
                "schema-default",
                f"'default' is for derived numbers and durations, and {owner} is none",
                place,
                field.name,
            )
        elif broken := Limits(field).broken_by(value):
            self._problem("schema-default", f"the default of {owner} {broken}", place, field.name)

    def _from(self, table: Mapping[str, Any], place: str, row: str) -> str:
        value = table.get("from", "")
        if "from" not in table or (isinstance(value, str) and value.isprintable() and plain_name(value)):
            return plain_name(value)
        self._problem("schema-value", "'from' has to be the name that another system has for it", place, row)
        return ""

    def _check_fact_names(self, facts: Mapping[str, FactSchema], looked_up: set[str], streams: set[str]) -> None:
        for name in looked_up & facts.keys():
            if facts[name].sent_as:
                self._problem(
                    "schema-from", f"fact '{name}' is looked up, and comes with no job", f"facts.{name}", "from"
                )
        self._check_sent_names("", facts, facts.keys() | streams)

    def _check_sent_names(
        self, place: str, known: Mapping[str, FactSchema] | Mapping[str, FieldSchema], taken: Collection[str]
    ) -> None:
        """What comes by a name is one thing."""
        owners: dict[str, str] = {}
        for name, one in known.items():
            table, row = (place, name) if place else (f"facts.{name}", "from")
            if not one.sent_as:
                continue
            if one.sent_as in taken and one.sent_as != name:
                self._problem("schema-from", f"{name} comes from {one.sent_as!r}, which is another's name", table, row)
            elif one.sent_as in owners:
                both = f"{owners[one.sent_as]} and {name}"
                self._problem("schema-from", f"{both} come from one name, {one.sent_as!r}", table, row)
            owners.setdefault(one.sent_as, name)

    def _flag(self, table: Mapping[str, Any], key: str, place: str, row: str) -> bool:
        value = table.get(key, False)
        if isinstance(value, bool):
            return value
        self._problem("schema-value", f"'{key}' has to be true or false", place, row)
        return False
