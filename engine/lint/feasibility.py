"""What facts a rule can hold for.  ruleset, normal_form -> [extents] -> reachability, conflicts

The extent of a rule is its normal form within what the schema and the other rules let its fields have. It is an upper
bound wherever a residual test is left over; so a rule with an empty extent never fires, but a rule with another one may
still never. What is claimed of a rule that does fire is therefore tried on the engine, with facts made here."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine.evaluation import Expressions
from engine.facts import AS_OF, SlotLayout, path_label
from engine.language import Assign, Expression, Literal, Path, Rule, action_expressions, print_value
from engine.matching import Conjunction, NormalForm, validity
from engine.schema import FieldSchema, Schema, possible_values, values_of_kind
from engine.values import ANYTHING, NOTHING, NULL, Value, ValueSet, among, literal, to_python, witnesses

#: Sets of facts that are made for one claim.
MAX_TRIES = 48

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class WitnessFacts:
    """Facts that prove a claim."""

    def __init__(self, facts: dict[str, Any], as_of: datetime, text: str) -> None:
        self.facts = facts
        self.as_of = as_of
        #: The part of them that the claim is about, for a message.
        self.text = text


class FeasibleSets:
    """The extents of the rules of one ruleset."""

    def __init__(self, rules: Sequence[Rule], schema: Schema | None) -> None:
        """Find them.

        Args:
            rules: in source order.
            schema: what fields can have; None: anything.
        """
        self._schema = schema
        self._layout = SlotLayout(schema)
        self._reads = [self._layout.note(rule.condition) for rule in rules]
        #: What the actions of each rule compute with.
        self._uses = [frozenset(slot for node in _used(rule) for slot in self._layout.note(node)) for rule in rules]
        forms = NormalForm(self._layout, Expressions(self._layout))
        self._written = _written(rules)
        self._universes: dict[int, ValueSet] = {AS_OF: values_of_kind("date")}
        #: The conjunctions of each rule as it is written.
        self.forms = [[_dated(rule, form) for form in forms.of(rule.condition)] for rule in rules]
        self._places = {slot: place for place, slot in self._layout.places.items()}
        #: The same, without what no field can have.
        self.extents = [[one for form in each if (one := self._within(form)) is not None] for each in self.forms]

    def universe(self, slot: int) -> ValueSet:
        """All that a field can have."""
        if slot not in self._universes:
            place = self._places.get(slot)
            field = None if place is None else self._layout.field(Path(*place))
            known = field is not None and place is not None and len(place[1]) == 1
            self._universes[slot] = self._of_field(Path(*place), field) if known and place and field else ANYTHING
        return self._universes[slot]

    def _of_field(self, path: Path, field: FieldSchema) -> ValueSet:
        values = possible_values(field)
        if not field.derived:
            return values
        # No job sends it, so it has what rules give it, or nothing.
        given = self._written.get(path, ())
        literals = [value.value for value in given if isinstance(value, Literal)]
        constants = among(map(literal, literals)) if len(literals) == len(given) else None
        return values if constants is None else values & (constants | NULL)

    def _within(self, form: Conjunction) -> Conjunction | None:
        allowed = {slot: values & self.universe(slot) for slot, values in form.allowed.items()}
        return None if NOTHING in allowed.values() else Conjunction(allowed, form.residuals)

    def missed(self, form: Conjunction) -> str:
        """The first field that can't have what a conjunction asks for, as a message names it."""
        slots = (slot for slot, values in form.allowed.items() if values & self.universe(slot) == NOTHING)
        return next((path_label(*self._places[slot]) for slot in slots if slot in self._places), "")

    def covers(self, wide: int, narrow: int) -> bool:
        """Whether one rule surely holds whenever another one does."""
        return all(any(self._inside(one, other) for other in self.extents[wide]) for one in self.extents[narrow])

    def _inside(self, narrow: Conjunction, wide: Conjunction) -> bool:
        return set(wide.residuals) <= set(narrow.residuals) and all(
            narrow.allowed.get(slot, self.universe(slot)) & ~values == NOTHING for slot, values in wide.allowed.items()
        )

    def meet(self, one: int, other: int) -> Iterator[Conjunction]:
        """The conjunctions in which two rules may hold together."""
        for mine, its in itertools.product(self.extents[one], self.extents[other]):
            both = mine & its
            if both is not None:
                yield both

    def facts(self, conjunctions: Iterator[Conjunction], rules: Sequence[int]) -> Iterator[WitnessFacts]:
        """Facts that may make rules hold, for the engine to try; at most `MAX_TRIES`.

        Args:
            conjunctions: in which the rules hold, but for residual tests.
            rules: positions of the rules.
        """
        made = (each for one in conjunctions for each in self._of_conjunction(one, rules))
        return itertools.islice(made, MAX_TRIES)

    def _of_conjunction(self, conjunction: Conjunction, rules: Sequence[int]) -> Iterator[WitnessFacts]:
        used = {slot for rule in rules for slot in self._uses[rule] if slot in self._places}
        asked = {slot for rule in rules for slot in self._reads[rule] if slot in self._places} | {AS_OF}
        choices: dict[int, list[Value]] = {}
        for slot in sorted(asked | used | conjunction.allowed.keys()):
            values = conjunction.allowed.get(slot, self.universe(slot))
            field = None if slot not in self._places else self._layout.field(Path(*self._places[slot]))
            if field is not None and field.derived:
                # Jobs do not send it; it is null before any rule has fired.
                values &= NULL
            few = witnesses(values)
            if slot not in asked and slot not in conjunction.allowed:
                few = few[:2]
            elif slot not in conjunction.allowed and not conjunction.residuals:
                few = few[-1:]
            if not few:
                return
            choices[slot] = few
        for values_of in itertools.product(*choices.values()):
            chosen = dict(zip(choices, values_of, strict=True))
            yield self._made(chosen, conjunction)

    def _made(self, chosen: Mapping[int, Value], conjunction: Conjunction) -> WitnessFacts:
        facts = self._required()
        told = []
        for slot, value in chosen.items():
            if slot == AS_OF:
                continue
            fact, steps = self._places[slot]
            if value is not None:
                _put(facts, fact, steps, to_python(value))
            if slot in conjunction.allowed or value is not None:
                told.append(f"{path_label(fact, steps)} = {_shown(value)}")
        as_of = chosen.get(AS_OF)
        if AS_OF in conjunction.allowed:
            told.append(f"as of {as_of:%Y-%m-%dT%H:%M:%S}")
        return WitnessFacts(facts, as_of if isinstance(as_of, datetime) else _NOON, ", ".join(told) or "any facts")

    def _required(self) -> dict[str, Any]:
        """The least facts that the schema takes."""
        facts: dict[str, Any] = {}
        for fact in self._schema.facts.values() if self._schema else ():
            if not fact.is_list:
                for field in fact.fields.values():
                    if field.required:
                        (value, *_) = witnesses(self._of_field(Path(fact.name, (field.name,)), field)) or [()]
                        facts.setdefault(fact.name, {})[field.name] = to_python(value)
                if self._schema is not None and fact.name == self._schema.subject:
                    facts.setdefault(fact.name, {})
        return facts


def _shown(value: Value) -> str:
    """A value as a rule would write it."""
    if value.__class__ is float:
        return print_value(Decimal(repr(value)).normalize() if value else Decimal(0))
    if value.__class__ in (tuple, dict):
        return "[]" if value.__class__ is tuple else "{}"
    return print_value(value)


def _used(rule: Rule) -> Iterator[Expression]:
    for action in rule.actions:
        yield from action_expressions(action)
        if isinstance(action, Assign) and action.op != "=":
            yield action.target


def _put(facts: dict[str, Any], fact: str, steps: tuple[str | int, ...], value: Any) -> None:
    """Put a value where a path leads; what can't be reached is left out, and the claim is then not proved."""
    if not steps or not all(isinstance(step, str) for step in steps):
        return
    holder = facts.setdefault(fact, {})
    for step in steps[:-1]:
        if not isinstance(holder, dict):
            return
        holder = holder.setdefault(str(step), {})
    if isinstance(holder, dict):
        holder[str(steps[-1])] = value


def _written(rules: Sequence[Rule]) -> dict[Path, list[Expression]]:
    """What rules assign to each field; a computed or combined value is an expression, not a literal."""
    found: dict[Path, list[Expression]] = {}
    for rule in rules:
        for action in rule.actions:
            if isinstance(action, Assign):
                value = action.value if action.op == "=" else action.target
                found.setdefault(action.target, []).append(value)
    return found


def _dated(rule: Rule, form: Conjunction) -> Conjunction:
    """The conjunction within the dates between which its rule is in force."""
    moments = validity(rule)
    return form if moments is None else replace(form, allowed={**form.allowed, AS_OF: moments})
