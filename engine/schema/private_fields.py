"""Hide what a schema calls private from who looks at facts.  schema -> [private_fields] -> explanation, who shows facts

`private = true` on a field says that people see `HIDDEN` in place of its value. Rules read it as ever, and nothing on
record changes. Takes facts by whatever names they were sent. What rules make of a private value, as a reason or
another field, is theirs, and stays."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.schema.schema import FactSchema, Schema
from engine.schema.sent_names import plain_name

#: What stands in place of a value.
HIDDEN = "(private)"


class PrivateFields:
    """The private fields of one or more versions of a domain.

    Args:
        schemas: what one of them calls private is hidden.
    """

    def __init__(self, schemas: Iterable[Schema]) -> None:
        #: Own names, as in `Order.email`, in order.
        self.names: list[str] = []
        #: Fact, by any of its names, to its fields, by any of theirs.
        self._fields: dict[str, set[str]] = {}
        for schema in schemas:
            for fact in schema.facts.values():
                self._take(fact)
        self.names = sorted(set(self.names))
        ways = {re.escape(fact): sorted(map(re.escape, fields)) for fact, fields in self._fields.items()}
        paths = [rf'{fact}(?:\[[^\]]*\])?(?:\.|\["?)(?:{"|".join(fields)})(?!\w)' for fact, fields in ways.items()]
        self._mentioned = re.compile(rf"(?<![\w.])(?:{'|'.join(paths)})") if paths else None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._fields)

    def masked(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts without private values; shares the others.

        Args:
            facts: fact to object, or to a list of objects.
        """
        return {fact: self._masked(self._fields.get(plain_name(str(fact))), value) for fact, value in facts.items()}

    def without(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Facts without private fields; shares the others.

        Args:
            facts: as for `masked`.
        """
        return {fact: _without_hidden(value) for fact, value in self.masked(facts).items()}

    def found_in(self, facts: Mapping[str, Any]) -> list[str]:
        """The private fields that have a value somewhere in facts, as they were sent.

        Args:
            facts: as for `masked`.
        """
        found: dict[str, bool] = {}
        for fact, value in self.masked(facts).items():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Mapping):
                    found |= {f"{fact}.{name}": True for name, one in each.items() if one is HIDDEN}
        return list(found)

    def masked_paths(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values without private ones.

        Args:
            values: by path or expression: changes of a verdict, or what a condition saw.
        """
        return {
            path: HIDDEN if value is not None and self.are_in(path) else self._masked(self._fields.get(path), value)
            for path, value in values.items()
        }

    def are_in(self, text: str) -> bool:
        """Whether a path or an expression of the language has a private field in it.

        Args:
            text: canonical GRL, as `Order.email` or `Sum(Line.amount) > 5`.
        """
        return self._mentioned is not None and self._mentioned.search(text) is not None

    def _take(self, fact: FactSchema) -> None:
        private = [field for field in fact.fields.values() if field.private]
        if not private:
            return
        self.names += [f"{fact.name}.{field.name}" for field in private]
        fields = {name for field in private for name in (field.name, plain_name(field.sent_as)) if name}
        for name in {fact.name, plain_name(fact.sent_as)} - {""}:
            self._fields.setdefault(name, set()).update(fields)

    def _masked(self, fields: set[str] | None, value: Any) -> Any:
        """A fact, or each of a list of them, without private values. What is null says so: nothing is known of it."""
        if fields is None:
            return value
        if isinstance(value, list | tuple):
            return [self._masked(fields, each) for each in value]
        if not isinstance(value, Mapping):
            return value
        return {
            name: HIDDEN if one is not None and plain_name(str(name)) in fields else one for name, one in value.items()
        }


def _without_hidden(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_hidden(each) for each in value]
    return {name: one for name, one in value.items() if one is not HIDDEN} if isinstance(value, Mapping) else value
