"""Facts of the naive evaluator: taken in one by one, refused when a rule reads what is no value of the language."""

import unicodedata
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from engine.language import Path, Rule, nodes
from engine.schema import Schema
from tests.engine.naive_expressions import inner, paths, seen
from tests.engine.naive_values import Refused, clock, kind, printed, take, takes, with_normal_names


class Intake:
    """What some rules read and write of the facts."""

    def __init__(self, rules: list[Rule], schema: Schema | None) -> None:
        self.schema = schema
        self.zone: tzinfo = UTC if schema is None else schema.zone
        self.reads = {one for rule in rules for root in self.roots(rule) for one in paths(root)}
        #: Facts that some rule reads as a whole.
        self.whole = {path.fact for path, _ in self.reads if not self.steps(path)}
        #: Facts that some rule writes into, and whether it writes to an item of a list.
        self.written = {
            (action.target.fact, isinstance(action.target.steps[0], int))
            for rule in rules
            for action in rule.actions
            if isinstance(action, nodes.Assign)
        }

    def roots(self, rule: Rule) -> list[Any]:
        found: list[Any] = [rule.condition]
        for action in rule.actions:
            if isinstance(action, nodes.Assign):
                # What is written is read too, and so are its parents: they have to be there to be written to.
                target, first = action.target, 0 if isinstance(action.target.steps[0], int) else 1
                found += [Path(target.fact, target.steps[:n]) for n in range(first, len(target.steps) + 1)]
                found.append(action.value)
            else:
                found += inner(action)
        return found

    def steps(self, path: Path) -> tuple[str | int, ...]:
        return path.steps[1:] if path.steps and isinstance(path.steps[0], int) else path.steps

    def take(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The facts as values; raises Refused."""
        raw = self.with_clocks(self.with_digits(self.with_own_names(raw)))
        self.check(raw)
        for path, bound in self.reads:
            take(seen(raw, path, bound), self.zone)
        for fact, in_list in self.written:
            if not isinstance(raw.get(fact), (list if in_list else dict) | None):
                raise Refused("facts-rejected")
        return {name: self.fact(name, fact) for name, fact in raw.items()}

    def with_own_names(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The facts under the names of the schema, each of which has one more at most."""
        if self.schema is None:
            return raw
        raw = self.picked(raw, {fact.name: fact.sent_as for fact in self.schema.facts.values()})
        for fact in self.schema.facts.values():
            names = {field.name: field.sent_as for field in fact.fields.values()}
            one = raw.get(fact.name)
            if isinstance(one, list):
                raw[fact.name] = [self.picked(item, names) for item in one]
            elif isinstance(one, dict):
                raw[fact.name] = self.picked(one, names)
        return raw

    def picked(self, raw: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
        found = {}
        left = set(raw)
        for own, other in names.items():
            fits = [key for key in raw if key == own or (other and unicodedata.normalize("NFC", key.strip()) == other)]
            left -= set(fits)
            values = [raw[key] for key in fits if raw[key] is not None]
            if len(values) > 1:
                raise Refused("facts-rejected")
            if fits:
                found[own] = values[0] if values else None
        if left and self.schema is not None and self.schema.strict:
            raise Refused("facts-rejected")
        return found

    def with_digits(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The facts with digits for whole numbers where a schema wants text."""
        found = dict(raw)
        for fact in self.schema.facts.values() if self.schema else ():
            texts = {field.name for field in fact.fields.values() if field.kind == "text"}
            one = raw.get(fact.name)
            if isinstance(one, list):
                found[fact.name] = [self.digits(item, texts) for item in one]
            elif isinstance(one, dict):
                found[fact.name] = self.digits(one, texts)
        return found

    def digits(self, raw: dict[str, Any], texts: set[str]) -> dict[str, Any]:
        return {name: whole_digits(value) if name in texts else value for name, value in raw.items()}

    def with_clocks(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The facts with times and durations for texts; raises Refused for what is none, read or not."""
        found = dict(raw)
        for fact in self.schema.facts.values() if self.schema else ():
            kinds = {field.name: field.kind for field in fact.fields.values() if field.kind in ("time", "duration")}
            one = raw.get(fact.name)
            if isinstance(one, list):
                found[fact.name] = [self.clocks(item, kinds) for item in one]
            elif isinstance(one, dict):
                found[fact.name] = self.clocks(one, kinds)
        return found

    def clocks(self, raw: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
        found = {name: clock(value, kinds[name]) if name in kinds else value for name, value in raw.items()}
        for name, wanted in kinds.items():
            value = take(found.get(name))
            if value is not None and kind(value) != wanted:
                raise Refused("facts-rejected")
        return found

    def check(self, raw: dict[str, Any]) -> None:
        """Bounds and values hold for every field of a schema, whether a rule reads it or not."""
        for fact in self.schema.facts.values() if self.schema else ():
            one = raw.get(fact.name)
            for item in one if isinstance(one, list) else [one or {}]:
                for field in fact.fields.values():
                    if not takes(field, self.number(item.get(field.name)), whole=False):
                        raise Refused("facts-rejected")

    def number(self, raw: Any) -> Any:
        """A number as a decimal, also one that is refused where a rule reads it; a text in its normal form."""
        if isinstance(raw, str):
            return take(raw)
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return raw
        return printed(raw) if isinstance(raw, float) else Decimal(raw)

    def fact(self, name: str, raw: Any) -> Any:
        if name in self.whole:
            return take(raw, self.zone)
        if isinstance(raw, dict):
            return {key: self.lenient(value) for key, value in with_normal_names(raw).items()}
        return [self.fact(name, one) for one in raw] if isinstance(raw, list) else self.lenient(raw)

    def lenient(self, raw: Any) -> Any:
        """Values that no rule reads may be anything."""
        if isinstance(raw, dict):
            return {name: self.lenient(value) for name, value in with_normal_names(raw).items()}
        if isinstance(raw, list):
            return [self.lenient(value) for value in raw]
        try:
            return take(raw, self.zone)
        except Refused:
            return None


def whole_digits(raw: Any) -> Any:
    """The digits of a whole number that is surely this one; anything else as it is."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or raw != raw // 1:
        return raw
    exact = Decimal(repr(raw))
    return str(int(exact)) if isinstance(raw, int) or printed(raw) == exact else raw
