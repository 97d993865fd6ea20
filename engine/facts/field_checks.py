"""Write the lines that check one value and make it one of the language; they raise `Doubt` where it is not plain.

schema, codegen -> [field_checks] -> fast_reader, row_reader

Takes the name of a variable that holds what was sent, and what the schema says of its field; the lines leave in it what
a slot would hold. What is raised sends the whole facts to the exact reader, which says what is wrong."""

from collections.abc import Mapping
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.facts.codegen import FunctionWriter
from engine.facts.field_use import FieldUse
from engine.facts.paths import get_path, present
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

#: Numbers beyond that are for the exact reader.
_LARGE = MAX_WITH_FEW_DECIMALS


class Doubt(Exception):
    """The facts need a closer look."""


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


class FieldChecks:
    """Writes the checks of the values of one program."""

    def __init__(self, writer: FunctionWriter, use: FieldUse, zone: tzinfo) -> None:
        """Bind what the lines call by name.

        Args:
            writer: of the function that they are part of.
            use: the fields that rules use.
            zone: of dates that have none.
        """
        self._writer = writer
        self._use = use
        for name, value in _BOUND.items():
            writer.bind(value, name)
        writer.bind(zone, "zone")

    def field(self, value: str, fact: FactSchema, field: FieldSchema) -> None:
        """Check the value of a field that jobs may send.

        Args:
            value: the name of the variable that holds it.
            fact: whose field it is.
            field: what the schema says of it.
        """
        if field.required:
            self._writer.line(f"if {value} is None: raise Doubt")
        is_read = self._use.is_used(fact.name, field.name)
        match field.kind:
            case "number":
                self.number(value, field)
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

    def _clock_bounds(self, value: str, field: FieldSchema) -> None:
        for op, bound in (("<", field.minimum), (">", field.maximum)):
            if bound is not None:
                limit = self._writer.bind(literal(bound))
                self._writer.line(f"if {value} is not None and {value} {op} {limit}: raise Doubt")

    def number(self, value: str, field: FieldSchema | None = None) -> None:
        """Check a number: null, an int, or a float; one of at most four decimals is known at once.

        Args:
            value: the name of the variable that holds it.
            field: what the schema says of it; default None: nothing, and lines for other kinds follow.
        """
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

    def any(self, value: str) -> None:
        """Check a value of any kind, in a variable of that name."""
        self.number(value)
        self._writer.line(f"elif {value}.__class__ is str:")
        self._writer.line(f"    if not {value}.isascii(): {value} = normal({value})")
        self._writer.line(f"elif {value} is not None and {value}.__class__ is not bool:")
        self._writer.line(f"    {value} = taken({value}, zone)")


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
