"""Names in facts that the domain does not have.  schema -> [known_names] -> reader, program

What no rule can read may be a misspelt name of what all of them read: then a rule that should have fired stays silent.
Gives a sentence for each such name, with the nearest one that there is. A name counts whatever stands there, null too,
so that a row of a frame and a record say the same. What is looked up, and windows of events, are of other owners, whose
facts may have more fields: only the names of these facts are known here. Refuses nothing: `strict` in domain.toml makes
the reader do so."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from engine.schema import Schema
from engine.suggestions import did_you_mean

#: Names that are told one by one.
_NAMED = 5
#: Characters of a name that are shown.
_SHOWN = 60
#: What was said is kept, of so many sets of names, each no larger: to find the nearest name takes longer than to judge,
#: and producers repeat themselves.
_KEPT, _KEPT_NAMES = 500, 100


class KnownNames:
    """The names that the facts of one domain may have."""

    def __init__(self, schema: Schema) -> None:
        shared = {lookup.fact for lookup in schema.lookups} | {stream.name for stream in schema.streams}
        self._facts = frozenset(schema.facts)
        self._fields = {name: frozenset(fact.fields) for name, fact in schema.facts.items() if name not in shared}
        sent_as = {name: [field.sent_as for field in fact.fields.values()] for name, fact in schema.facts.items()}
        #: What a name may be meant for: that of a field, or the one that it has elsewhere.
        self._near = {name: [*fact.fields, *filter(None, sent_as[name])] for name, fact in schema.facts.items()}
        self._said: dict[frozenset[tuple[str, Any]], list[str]] = {}
        self._near_facts = [*schema.facts, *(fact.sent_as for fact in schema.facts.values() if fact.sent_as)]

    def unknown(self, facts: Any) -> list[str]:
        """What facts have beside all that the domain knows, in sentences.

        Args:
            facts: under the domain's own names; not changed. What are no facts at all have nothing beside them.
        """
        if not isinstance(facts, Mapping):
            return []
        found: list[tuple[str, Any]] = []
        if not self._facts.issuperset(facts):
            found += [("", name) for name in facts if name not in self._facts]
        for fact, known in self._fields.items():
            value = facts.get(fact)
            seen: tuple[Any, ...] = ()
            for one in value if isinstance(value, list | tuple) else (value,):
                if one.__class__ is dict or isinstance(one, Mapping):
                    names = tuple(one)
                    # The lines of an order have the same names, mostly.
                    if names != seen and not known.issuperset(names):
                        found += [(fact, name) for name in names if name not in known]
                    seen = names
        return self._sentences(found) if found else []

    def unknown_columns(self, fact: str, names: Iterable[str]) -> list[str]:
        """What `unknown` says of every row of a frame.

        Args:
            fact: whose fields the columns are, by the domain's own name.
            names: of the columns, likewise.
        """
        return self.unknown({fact: dict.fromkeys(names)})

    def _sentences(self, found: list[tuple[str, Any]]) -> list[str]:
        if len(found) > _KEPT_NAMES:
            return self._written(set(found))
        names = frozenset(found)
        said = self._said.get(names)
        if said is None:
            if len(self._said) >= _KEPT:
                self._said.clear()
            said = self._said[names] = self._written(names)
        return said.copy()

    def _written(self, found: Set[tuple[str, Any]]) -> list[str]:
        # By name: facts of a job are sorted when they are sent, columns are not.
        each = sorted((fact, str(name)) for fact, name in found)
        more = [f"and {len(each) - _NAMED} more"] if len(each) > _NAMED else []
        return [self._sentence(fact, name) for fact, name in each[:_NAMED]] + more

    def _sentence(self, fact: str, name: str) -> str:
        hint = did_you_mean(name, self._near[fact] if fact else self._near_facts)
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
        said = f"{fact} has no field '{shown}'" if fact else f"there is no fact '{shown}'"
        return f"{said} ({hint})" if hint else said
