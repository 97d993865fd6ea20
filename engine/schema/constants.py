"""Constants of a field in domain.toml: its bounds, its values, its default.  schema -> [constants] -> reader

Takes the table of a field and its kind, gives numbers, texts, times of day and durations as the schema holds them, and
reports what is none. Whether they fit each other is for the reader to say."""

from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from engine.schema.schema import Constant, Kind
from engine.schema.shared_facts import Report
from engine.values import DIGITS, ValueRefused, normal_text, number_problem, parse_duration, parse_time


class ConstantReader:
    """Reads the constants of fields.

    Args:
        report: takes the problems.
    """

    def __init__(self, report: Report) -> None:
        self._problem = report

    def _number(self, value: object, key: str, place: str, row: str) -> Decimal | None:
        hint = ""
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            hint = number_problem(number)
            if not hint:
                return number
        self._problem("schema-value", f"'{key}' has to be a number of at most {DIGITS} digits", place, row, hint)
        return None

    def _clock(self, value: object, kind: Kind, key: str, place: str, row: str) -> time | timedelta | None:
        """A time of day or a duration, as the text that domain.toml has for it, or TOML's own time."""
        hint = ""
        try:
            if kind == "time" and isinstance(value, time):
                return value
            if isinstance(value, str):
                return parse_time(value) if kind == "time" else parse_duration(value)
        except ValueRefused as refused:
            hint = f"{value!r} {refused}"
        example = '"10:30"' if kind == "time" else '"PT1H30M"'
        self._problem("schema-value", f"'{key}' has to be a {kind}, such as {example}", place, row, hint)
        return None

    def bound(self, field: Mapping[str, Any], key: str, kind: Kind, place: str, row: str) -> Any:
        """A bound or the default of a field; None when there is none, or it can't be read.

        Args:
            field: its table.
            key: `min`, `max` or `default`.
            kind: of the field.
            place: the table that it stands in.
            row: its key there.
        """
        if key not in field:
            return None
        if kind in ("time", "duration"):
            return self._clock(field[key], kind, key, place, row)
        if kind != "number" and key != "default":
            message = f"'{key}' is for numbers, times and durations, and this field is {kind}"
            self._problem("schema-bounds", message, place, row, "")
            return None
        return self._number(field[key], key, place, row)

    def values(self, field: Mapping[str, Any], kind: Kind, place: str, row: str) -> tuple[Constant, ...] | None:
        """The values that a field may have; None when they are not listed, or can't be read.

        Args:
            field: its table.
            kind: of the field.
            place: the table that it stands in.
            row: its key there.
        """
        if "values" not in field:
            return None
        values = field["values"]
        if kind not in ("number", "text", "time", "duration") or not isinstance(values, list) or not values:
            message = "'values' has to be a list of texts, numbers, times or durations, on such a field"
            self._problem("schema-value", message, place, row, "")
            return None
        if kind == "text":
            if all(isinstance(value, str) for value in values):
                return tuple(map(normal_text, values))
            self._problem("schema-value", "'values' of a text field has to hold texts only", place, row, "")
            return None
        read = [self.bound({"values": value}, "values", kind, place, row) for value in values]
        return tuple(value for value in read if value is not None)
