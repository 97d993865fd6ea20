"""Read facts that are as they should be, fast; hand all others over to the exact reader.

Generates a straight-line function that fills the slots, and gives up at the first doubt: then the exact reader looks
again, and says what is wrong. The text of the function holds slot numbers, names that are made here, and bounds as
Python writes floats; field names and all else are bound to it as values (`engine.facts.codegen`). Facts that it reads
by itself give the slots that the exact reader would give."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.facts.codegen import FunctionWriter
from engine.facts.field_use import FieldUse
from engine.facts.paths import get_path, present
from engine.facts.slots import AS_OF, ORDINARY, SlotLayout, Slots
from engine.schema import FactSchema, FieldSchema
from engine.values import (
    MAX_WITH_FEW_DECIMALS,
    Value,
    ValueRefused,
    clock_value,
    dated,
    few_decimals_test,
    from_python,
    is_number,
    is_ordinary,
    literal,
    normal_text,
    ordinary,
    parse_duration,
    parse_moment,
    parse_time,
    take_number,
    whole_digits,
)

#: Takes facts as they were sent and the moment they are judged at, gives new slots or raises `FactsRejected`.
ReadFacts = Callable[[Any, Value], Slots]

#: Numbers beyond that are for the exact reader.
_LARGE = MAX_WITH_FEW_DECIMALS


class Doubt(Exception):
    """The facts need a closer look."""


def compile_fast_reader(layout: SlotLayout, use: FieldUse, read_exactly: ReadFacts) -> ReadFacts:
    """Make the function for one program.

    Args:
        layout: the slots to fill, none of which is added later.
        use: the fields that rules use.
        read_exactly: reads the facts that need a closer look.
    """
    return _ReaderWriter(layout, use).write(read_exactly)


def _taken(raw: Any, zone: tzinfo) -> Value:
    value = from_python(raw, zone=zone)
    if not ordinary(value):
        raise Doubt
    return value


def _moment(raw: Any, zone: tzinfo) -> Value:
    if raw is None:
        return None
    return parse_moment(raw, zone) if isinstance(raw, str) else _moment_of_date(raw, zone)


def _moment_of_date(raw: Any, zone: tzinfo) -> Value:
    if not isinstance(raw, date):
        raise Doubt
    return dated(raw, zone)


def _time_of(raw: Any) -> Value:
    return parse_time(raw) if isinstance(raw, str) else _clock_of(raw, time)


def _duration_of(raw: Any) -> Value:
    return parse_duration(raw) if isinstance(raw, str) else _clock_of(raw, timedelta)


def _clock_of(raw: Any, kind: type) -> Value:
    if not isinstance(raw, kind):
        raise Doubt
    return clock_value(raw)


def _typed(raw: Any, kind: type, zone: tzinfo) -> Value:
    value = None if raw is None else _taken(raw, zone)
    if value is not None and value.__class__ is not kind:
        raise Doubt
    return value


def _rounded(value: float) -> float:
    """A float as a number of the language, of ordinary size."""
    if not is_ordinary(value):
        raise Doubt
    return value if is_number(value) else take_number(value)


class _ReaderWriter:
    """Writes the function of one program."""

    def __init__(self, layout: SlotLayout, use: FieldUse) -> None:
        self._layout = layout
        self._use = use
        self._subject = layout.schema.subject if layout.schema is not None else ""
        self._writer = FunctionWriter("read", ["facts", "as_of"])
        for name, value in _BOUND.items():
            self._writer.bind(value, name)
        self._writer.bind(layout.zone, "zone")

    def write(self, read_exactly: ReadFacts) -> ReadFacts:
        #: Slot to the text of what goes into it.
        content = ["None"] * self._layout.size
        content[AS_OF], content[ORDINARY] = "as_of", "True"
        writer = self._writer
        writer.line("try:")
        with writer.indent():
            writer.line("if facts.__class__ is not dict: raise Doubt")
            schema = self._layout.schema
            if schema is not None:
                for fact in schema.facts.values():
                    self._described(fact, content)
            else:
                for name in sorted({fact for fact, _ in self._layout.places}):
                    self._free(name, content)
            writer.line(f"return [{', '.join(content)}]")
        writer.line("except (Doubt, Refused): pass")
        writer.line(f"return {writer.bind(read_exactly, 'read_exactly')}(facts, as_of)")
        read: ReadFacts = writer.compile()
        return read

    def _described(self, fact: FactSchema, content: list[str]) -> None:
        """A fact of the schema: an object, or a list of objects."""
        raw = self._writer.variable()
        self._writer.line(f"{raw} = facts.get({self._writer.bind(fact.name)})")
        places = [(steps, slot) for (name, steps), slot in self._layout.places.items() if name == fact.name]
        if fact.is_list:
            items = self._elements(raw, fact)
            for steps, slot in places:
                content[slot] = f"get_path({items}, {self._writer.bind(steps)})" if steps else items
            return
        absent = "False"
        if fact.name != self._subject and not any(field.required for field in fact.fields.values()):
            absent = self._writer.variable()
            self._writer.line(f"{absent} = {raw} is None")
            self._writer.line(f"if {absent}: {raw} = {self._writer.bind({})}")
        self._writer.line(f"if {raw}.__class__ is not dict: raise Doubt")
        fields = {field.name: self._field(raw, fact, field) for field in fact.fields.values()}
        for steps, slot in places:
            if not steps:
                content[slot] = f"(None if {absent} else present({self._object(fields)}))"
            elif steps[0] in fields and isinstance(steps[0], str):
                field = fields[steps[0]]
                content[slot] = field if len(steps) == 1 else f"get_path({field}, {self._writer.bind(steps[1:])})"

    def _object(self, fields: Mapping[str, str]) -> str:
        return "{" + ", ".join(f"{self._writer.bind(name)}: {value}" for name, value in fields.items()) + "}"

    def _elements(self, raw: str, fact: FactSchema) -> str:
        items, item = self._writer.variable(), self._writer.variable()
        self._writer.line(f"if {raw} is None: {raw} = ()")
        self._writer.line(f"elif {raw}.__class__ is not list: raise Doubt")
        self._writer.line(f"{items} = []")
        self._writer.line(f"for {item} in {raw}:")
        with self._writer.indent():
            self._writer.line(f"if {item}.__class__ is not dict: raise Doubt")
            fields = {field.name: self._field(item, fact, field) for field in fact.fields.values()}
            kept = {name: value for name, value in fields.items() if self._use.is_used(fact.name, name)}
            # Nobody looks at elements as a whole where only some of their fields are kept.
            element = f"present({self._object(kept)})" if self._use.is_whole(fact.name) else self._object(kept)
            self._writer.line(f"{items}.append({element})")
        self._writer.line(f"{items} = tuple({items})")
        return items

    def _field(self, raw: str, fact: FactSchema, field: FieldSchema) -> str:
        """Take one field of an object; gives the name or constant that holds it."""
        key, value = self._writer.bind(field.name), self._writer.variable()
        if field.derived:
            self._writer.line(f"if {raw}.get({key}) is not None: raise Doubt")
            return "None"
        self._writer.line(f"{value} = {raw}.get({key})")
        if field.required:
            self._writer.line(f"if {value} is None: raise Doubt")
        is_read = self._use.is_used(fact.name, field.name)
        match field.kind:
            case "number":
                self._number(value, field)
            case "text":
                self._writer.line(f"if {value}.__class__ is str:")
                self._writer.line(f"    if not {value}.isascii(): {value} = normal({value})")
                self._writer.line(f"elif {value}.__class__ is int and abs({value}) < 1e15: {value} = digits({value})")
                self._writer.line(f"elif {value} is not None: raise Doubt")
            case "boolean":
                self._writer.line(f"if {value} is not None and {value}.__class__ is not bool: raise Doubt")
            case "date" if is_read:
                self._writer.line(f"{value} = moment({value}, zone)")
            case "date":
                self._writer.line(f"if {value} is not None and not isinstance({value}, date_kinds): raise Doubt")
            case "time" | "duration":
                self._writer.line(f"if {value} is not None: {value} = {field.kind}_of({value})")
                self._clock_bounds(value, field)
            case "list" if is_read:
                self._writer.line(f"{value} = typed({value}, tuple, zone)")
            case "list":
                self._writer.line(f"if {value} is not None and not isinstance({value}, (list, tuple)): raise Doubt")
            case "object" if is_read:
                self._writer.line(f"{value} = typed({value}, dict, zone)")
            case "object":
                self._writer.line(f"if {value} is not None and not isinstance({value}, Mapping): raise Doubt")
        if field.values is not None:
            values = self._writer.bind(frozenset([None, *(literal(one) for one in field.values)]))
            self._writer.line(f"if {value} not in {values}: raise Doubt")
        return value

    def _clock_bounds(self, value: str, field: FieldSchema) -> None:
        for op, bound in (("<", field.minimum), (">", field.maximum)):
            if bound is not None:
                limit = self._writer.bind(literal(bound))
                self._writer.line(f"if {value} is not None and {value} {op} {limit}: raise Doubt")

    def _number(self, value: str, field: FieldSchema | None = None) -> None:
        """A number: null, an int, or a float; one of at most four decimals is known at once."""
        low, high = -_LARGE, _LARGE
        if field is not None and isinstance(field.minimum, Decimal):
            low = min(max(low, float(field.minimum)), 2 * _LARGE)
        if field is not None and isinstance(field.maximum, Decimal):
            high = max(min(high, float(field.maximum)), -2 * _LARGE)
        bounds = f"{low!r} <= {value} <= {high!r}"
        self._writer.line(f"if {value}.__class__ is float:")
        self._writer.line(f"    if not {few_decimals_test(value)}: {value} = rounded({value})")
        self._writer.line(f"    if not {bounds}: raise Doubt")
        self._writer.line(f"elif {value}.__class__ is int:")
        self._writer.line(f"    if not {bounds}: raise Doubt")
        self._writer.line(f"    {value} = {value} + 0.0")
        if field is not None:
            self._writer.line(f"elif {value} is not None: raise Doubt")

    def _free(self, fact: str, content: list[str]) -> None:
        """A fact that no schema describes."""
        raw = self._writer.variable()
        self._writer.line(f"{raw} = facts.get({self._writer.bind(fact)})")
        places = [(steps, slot) for (name, steps), slot in self._layout.places.items() if name == fact]
        fields = self._layout.element_fields.get(fact)
        if any(len(steps) == 1 and isinstance(steps[0], str) for steps, _ in places):
            self._writer.line(f"if {raw}.__class__ is not dict: raise Doubt")
        for steps, slot in places:
            if not steps and fields is not None:
                content[slot] = self._free_elements(raw, fields)
                continue
            value = content[slot] = self._writer.variable()
            if len(steps) == 1 and isinstance(steps[0], str) and steps[0].isascii():
                self._writer.line(f"{value} = {raw}.get({self._writer.bind(steps[0])})")
            else:
                self._writer.line(f"{value} = get_path({raw}, {self._writer.bind(steps)})")
            self._any(value)
        for name, is_list in self._use.written:
            if name == fact:
                kind = "list" if is_list else "dict"
                self._writer.line(f"if {raw} is not None and {raw}.__class__ is not {kind}: raise Doubt")

    def _any(self, value: str) -> None:
        self._number(value)
        self._writer.line(f"elif {value}.__class__ is str:")
        self._writer.line(f"    if not {value}.isascii(): {value} = normal({value})")
        self._writer.line(f"elif {value} is not None and {value}.__class__ is not bool:")
        self._writer.line(f"    {value} = taken({value}, zone)")

    def _free_elements(self, raw: str, fields: set[str]) -> str:
        writer = self._writer
        items, item = writer.variable(), writer.variable()
        writer.line(f"{items} = None")
        writer.line(f"if {raw}.__class__ is list:")
        with writer.indent():
            writer.line(f"{items} = []")
            writer.line(f"for {item} in {raw}:")
            with writer.indent():
                writer.line(f"if {item}.__class__ is not dict: raise Doubt")
                kept = {}
                for name in sorted(fields):
                    value = kept[name] = writer.variable()
                    if name.isascii():
                        writer.line(f"{value} = {item}.get({writer.bind(name)})")
                    else:
                        writer.line(f"{value} = get_path({item}, {writer.bind((name,))})")
                    self._any(value)
                writer.line(f"{items}.append({self._object(kept)})")
            writer.line(f"{items} = tuple({items})")
        writer.line(f"elif {raw} is not None: raise Doubt")
        return items


#: What the lines call by name.
_BOUND: dict[str, Any] = {
    "get_path": get_path,
    "moment": _moment,
    "time_of": _time_of,
    "duration_of": _duration_of,
    "normal": normal_text,
    "present": present,
    "taken": _taken,
    "rounded": _rounded,
    "typed": _typed,
    "Doubt": Doubt,
    "Refused": ValueRefused,
    "Mapping": Mapping,
    "digits": whole_digits,
    "date_kinds": (date, str),
}
