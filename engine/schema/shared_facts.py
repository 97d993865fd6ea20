"""Read which facts a domain shares: those looked up, and windows of events.  keys, schema -> [shared_facts] -> reader

Takes the tables `lookup` and `stream` as TOML has them, and the facts that are declared. Every problem is reported,
with its place, to whoever reads the file."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.schema.keys import LOOKUP, STREAM
from engine.schema.schema import FactSchema, FieldSchema, Kind, Lookup, Stream
from engine.suggestions import did_you_mean
from engine.values import MAX_WINDOW_DAYS, MAX_WINDOW_S, unit_seconds

#: Tells a problem: code, message, table, key, hint.
Report = Callable[[str, str, str, str, str], None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: Kinds of what facts and windows are found by.
_KEY_KINDS: tuple[Kind, ...] = ("text", "number")
_DURATION = re.compile(r"([1-9][0-9]{0,6})\s*([smhd])\Z")
#: Events that one job may read: every rule over a window costs time in proportion to them.
MAX_EVENTS = 1_000
_EVENTS, _LATE_S = 200, 3_600


class SharedFactsReader:
    """Reads the shared facts of one domain.

    Args:
        facts: as declared.
        subject: the fact that a job judges.
        report: takes the problems.
    """

    def __init__(self, facts: Mapping[str, FactSchema], subject: str, report: Report) -> None:
        self._facts = facts
        self._subject = subject
        self._report = report
        self._looked_up: set[str] = set()

    def lookups(self, tables: object) -> tuple[Lookup, ...]:
        """The facts that are looked up, by name.

        Args:
            tables: what stands under `lookup`.
        """
        described = self._tables("lookup", tables, LOOKUP.names)
        self._looked_up = set(described)
        return tuple(self._lookup(name, described[name]) for name in sorted(described))

    def streams(self, tables: object) -> tuple[Stream, ...]:
        """The windows of events, by name; read after the lookups.

        Args:
            tables: what stands under `stream`.
        """
        described = self._tables("stream", tables, STREAM.names)
        return tuple(self._stream(name, described[name]) for name in sorted(described))

    def stream_facts(self, streams: tuple[Stream, ...]) -> dict[str, FactSchema]:
        """The list facts that rules read the windows by.

        Bounds are left out, for each event has passed them: a domain that draws them closer need not refuse what it
        took before.
        """
        facts = {}
        for stream in streams:
            fields = self._facts[stream.key[0]].fields.values()
            kept = {field.name: FieldSchema(field.name, field.kind) for field in fields if not field.derived}
            facts[stream.name] = FactSchema(stream.name, True, kept)
        return facts

    def _tables(self, kind: str, tables: object, names: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            example = "[lookup.Customer]" if kind == "lookup" else "[stream.payments]"
            self._report("schema-value", f"'{kind}' has to hold tables", kind, "", f"write {example}")
            return {}
        for name, table in tables.items():
            for key in table:
                if key not in names:
                    hint = did_you_mean(key, names) or f"known: {', '.join(names)}"
                    self._report(
                        "schema-unknown-key", f"{kind} '{name}' has no key '{key}'", f"{kind}.{name}", key, hint
                    )
            if not isinstance(table.get("description", ""), str):
                message = f"'description' of {kind} '{name}' has to be text"
                self._report("schema-value", message, f"{kind}.{name}", "description", "")
        return tables

    def _lookup(self, name: str, table: Mapping[str, Any]) -> Lookup:
        place = f"lookup.{name}"
        fact = self._facts.get(name)
        if fact is None:
            hint = did_you_mean(name, self._facts) or f"declare it: [facts.{name}.fields]"
            self._report("schema-lookup", f"there is no fact '{name}' to look up", place, "", hint)
        elif name == self._subject:
            self._report("schema-lookup", f"'{name}' is the subject: it comes with the job", place, "", "")
        elif fact.is_list:
            self._report("schema-lookup", f"'{name}' is a list; only an object can be looked up", place, "", "")
        required = table.get("required", False)
        if not isinstance(required, bool):
            self._report("schema-value", "'required' has to be true or false", place, "required", "")
        return Lookup(name, self._field(table, "by", place, "schema-lookup"), required is True)

    def _stream(self, name: str, table: Mapping[str, Any]) -> Stream:
        place = f"stream.{name}"
        if not _NAME.match(name):
            self._report("schema-name", f"'{name}' is no name for a stream", place, "", "letters, digits and _ only")
        if name in self._facts:
            self._report("schema-stream", f"'{name}' is a fact already", place, "", "a stream declares its own list")
        if "window" not in table:
            self._report("schema-value", f"stream '{name}' needs a window", place, "", 'for example window = "10m"')
        window_s = self._seconds(table, "window", place, 1)
        late_s = self._seconds(table, "late", place, _LATE_S)
        most = table.get("max_events", _EVENTS)
        if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MAX_EVENTS:
            message = f"'max_events' has to be a whole number from 1 to {MAX_EVENTS:,}"
            self._report("schema-value", message, place, "max_events", "")
            most = _EVENTS
        key = self._field(table, "key", place, "schema-stream")
        return Stream(name, key, window_s, most, late_s, self._time(table, key[0], place))

    def _time(self, table: Mapping[str, Any], owner: str, place: str) -> tuple[str, str] | None:
        if "time" not in table:
            return None
        named = self._field(table, "time", place, "schema-stream", ("date",))
        if owner and named[0] in self._facts and named[0] != owner:
            hint = f"name a date of {owner}, the fact of the key"
            self._report("schema-stream", f"an event has no field {'.'.join(named)}", place, "time", hint)
        return named

    def _seconds(self, table: Mapping[str, Any], key: str, place: str, default: int) -> int:
        value = table.get(key)
        if value is None:
            return default
        written = _DURATION.match(value) if isinstance(value, str) else None
        seconds = int(written[1]) * (unit_seconds(written[2]) or 0) if written else 0
        if not 0 < seconds <= MAX_WINDOW_S:
            message = f"'{key}' has to be a time of at most {MAX_WINDOW_DAYS} days"
            self._report("schema-value", message, place, key, 'write "90s", "10m", "24h" or "7d"')
            return default
        return seconds

    def _field(
        self, table: Mapping[str, Any], key: str, place: str, code: str, kinds: tuple[Kind, ...] = _KEY_KINDS
    ) -> tuple[str, str]:
        """The fact and field that `by`, `key` or `time` names: of what comes with every job, one of the kinds."""
        value = table.get(key)
        steps = value.split(".") if isinstance(value, str) else []
        if len(steps) != 2:
            example = "Payment.at" if key == "time" else "Order.household_id"
            self._report("schema-value", f"'{key}' has to name a field", place, key, f'for example "{example}"')
            return "", ""
        name, field_name = steps
        fact = self._facts.get(name)
        field = fact.fields.get(field_name) if fact else None
        flaw, hint = "", ""
        if fact is None:
            flaw, hint = f"there is no fact '{name}'", did_you_mean(name, self._facts)
        elif fact.is_list or name in self._looked_up:
            flaw = f"'{name}' is {'a list' if fact.is_list else 'looked up itself'}"
            hint = "name a field of an object that comes with the job"
        elif field is None:
            flaw, hint = f"{name} has no field '{field_name}'", did_you_mean(field_name, fact.fields)
        elif field.kind not in kinds or field.derived:
            what = "derived: no job sends it" if field.derived else f"of kind {field.kind}"
            expected = "a time is a date" if key == "time" else "a key is a text or a number"
            flaw, hint = f"{value} is {what}", f"{expected} that comes with the job"
        if flaw:
            self._report(code, flaw, place, key, hint)
        return name, field_name
