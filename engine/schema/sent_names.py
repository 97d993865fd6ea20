"""The names by which other systems send facts and fields.  [sent_names] -> schema, and by it programs and tasks

A schema may say `from = "Credit Score"`: what comes by that name is the field. Gives facts and columns the domain's own
names, by which all else knows them; what has no other name stays as it is. Such names compare trimmed and in NFC. What
comes by two of its names is told to the caller, for nobody knows which of them is meant."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.values import normal_text


def plain_name(name: str) -> str:
    """A name of another system as it is compared.

    >>> plain_name(" Credit Score ")
    'Credit Score'
    """
    return normal_text(name.strip())


class SentNames:
    """The names that the facts of one domain have elsewhere."""

    def __init__(self, facts: Mapping[str, str], fields: Mapping[str, Mapping[str, str]]) -> None:
        """Prepare.

        Args:
            facts: name elsewhere to own name.
            fields: the same of the fields of each fact, by the own name of the fact.
        """
        self._facts = facts
        self._fields = fields

    def __bool__(self) -> bool:
        return bool(self._facts or self._fields)

    def fact(self, name: str) -> str:
        """The own name of a fact."""
        return _own(name, self._facts)

    def field(self, fact: str, name: str) -> str:
        """The own name of a field.

        Args:
            fact: its fact, by its own name.
            name: as it came.
        """
        return _own(name, self._fields.get(fact, {}))

    def renamed(self, facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Facts under the domain's own names.

        Args:
            facts: as they were sent; not changed.

        Returns:
            The facts, which share with those what has no other name; and what came by two names, a sentence each. Of
            that the first value is there.
        """
        problems: list[str] = []
        found = _renamed(facts, self._facts, "", problems)
        for fact, names in self._fields.items():
            value = found.get(fact)
            if isinstance(value, Mapping):
                found[fact] = _renamed(value, names, f"{fact}.", problems)
            elif isinstance(value, list | tuple):
                found[fact] = [
                    _renamed(one, names, f"{fact}[{i}].", problems) if isinstance(one, Mapping) else one
                    for i, one in enumerate(value)
                ]
        return found, problems


def doubled(own: Iterable[str]) -> bool:
    """Whether a name stands there twice."""
    names = list(own)
    return len(set(names)) < len(names)


def _own(name: str, names: Mapping[str, str]) -> str:
    own = names.get(name)
    if own is None and names and isinstance(name, str):
        own = names.get(plain_name(name))
    return name if own is None else own


def _renamed(given: Mapping[str, Any], names: Mapping[str, str], place: str, problems: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    sent: dict[str, str] = {}
    for name, value in given.items():
        own = _own(name, names)
        if found.get(own) is None:
            found[own] = value
            sent[own] = name
        elif value is not None:
            problems.append(f"{place}{own} came by two names: {sent[own]!r} and {name!r}")
    return found
