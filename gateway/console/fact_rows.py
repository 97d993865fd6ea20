"""Facts as rows of a table, with the rules that read each.  facts, rules -> [fact_rows] -> the page of a verdict

A field is matched by its own name, whatever another system calls it. Shows what it is given: private values are hidden
before. Many fields are cut off, and it is said how many."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine import Schema, json_value

#: Fields that are shown, and characters of one.
MAX_ROWS, MAX_CHARACTERS = 500, 2_000


@dataclass(frozen=True, slots=True)
class FactRow:
    """One field of the facts."""

    path: str
    #: As JSON has it.
    value: str
    #: The rules that read it, of those that fired.
    read_by: list[str]


@dataclass(frozen=True, slots=True)
class FactRows:
    """The facts of a subject."""

    rows: list[FactRow]
    #: Fields that are not among the rows.
    left_out: int


def fact_rows(facts: Mapping[str, Any], read: Mapping[str, set[str]], schema: Schema | None) -> FactRows:
    """The fields of facts: those that rules read first, else as they were sent.

    Args:
        facts: fact to object, or to a list of objects.
        read: the fields that rules read, as `Order.total`, by the name of the rule.
        schema: knows the names that other systems give to facts and fields.
    """
    own_names = _own_names(schema)
    rows = []
    for fact, value in facts.items():
        own_fact, fields = own_names.get(fact, (fact, {}))
        for path, name, field in _fields(fact, value):
            own = f"{own_fact}.{fields.get(name, name)}" if name else own_fact
            readers = [rule for rule, names in read.items() if own in names]
            text = json.dumps(json_value(field), ensure_ascii=False)
            cut = text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"
            rows.append(FactRow(path, cut, readers))
    rows.sort(key=lambda row: not row.read_by)
    return FactRows(rows[:MAX_ROWS], max(0, len(rows) - MAX_ROWS))


def _fields(fact: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """The path, the name and the value of each field; of what has none, of itself."""
    if isinstance(value, Mapping):
        for name, field in value.items():
            yield f"{fact}.{name}", str(name), field
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for n, each in enumerate(value):
            if isinstance(each, Mapping):
                for name, field in each.items():
                    yield f"{fact}[{n}].{name}", str(name), field
            else:
                yield f"{fact}[{n}]", "", each
    else:
        yield fact, "", value


def _own_names(schema: Schema | None) -> dict[str, tuple[str, dict[str, str]]]:
    """A fact by any of its names to its own, and its fields likewise."""
    named = {}
    for fact in schema.facts.values() if schema else ():
        fields = {field.sent_as: field.name for field in fact.fields.values() if field.sent_as}
        for name in {fact.name, fact.sent_as} - {None, ""}:
            named[str(name)] = (fact.name, fields)
    return named
