"""The facts that each rule can match, as conjunctions of value sets; and facts made from them, to try a claim with.

Takes the rules of one ruleset and its schema. The feasible set of a rule is its normal form, cut down to the values
that the schema and the other rules let its fields have. It is an upper bound, because residual tests are left out of
it: a rule with an empty feasible set never fires, but a rule with another one may never fire either. So nothing is
claimed from a set that is not empty: `engine.lint.conflicts` runs the engine on the facts that are made here."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from engine.evaluation import Expressions
from engine.facts import AS_OF, SlotLayout, path_label, with_path
from engine.language import Assign, Expression, Literal, Path, Rule, action_expressions, print_value
from engine.lint.assignments import left_by
from engine.matching import Conjunction, NormalForm, validity
from engine.schema import FieldSchema, Schema, possible_values, values_of_kind
from engine.values import ANYTHING, NOTHING, NULL, Value, ValueSet, among, literal, to_python, witnesses

#: Sets of facts that are made for one claim, at most.
MAX_TRIES = 48
#: When facts are judged if no rule of the claim has dates.
_AS_OF = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WitnessFacts:
    """Facts that may prove a claim about rules."""

    #: As `Program.evaluate` takes them.
    facts: dict[str, Any]
    #: In UTC.
    as_of: datetime
    #: The part of them that the claim is about, for a message.
    text: str


class FeasibleSets:
    """The feasible sets of the rules of one ruleset; rules are named by their position in source order."""

    def __init__(self, rules: Sequence[Rule], schema: Schema | None) -> None:
        """Bring every condition to normal form and cut it down to what its fields can have.

        Args:
            rules: in source order.
            schema: says what values fields can have; None: any value.
        """
        self._schema = schema
        self._layout = SlotLayout(schema)
        self._reads = [self._layout.note(rule.condition) for rule in rules]
        #: The slots that the actions of each rule compute with.
        self._uses = [frozenset(slot for node in _used(rule) for slot in self._layout.note(node)) for rule in rules]
        normal_form = NormalForm(self._layout, Expressions(self._layout))
        self._assigned = _assigned(rules)
        self._universes: dict[int, ValueSet] = {AS_OF: values_of_kind("date")}
        #: By rule: the conjunctions of its condition as it is written, with its dates.
        self.conjunctions = [[_dated(rule, one) for one in normal_form.of(rule.condition)] for rule in rules]
        self._places = {slot: place for place, slot in self._layout.places.items()}
        #: By rule: the conjunctions that some facts can match, cut down to what their fields can have.
        self.feasible = [
            [cut for conjunction in of_rule if (cut := self._cut(conjunction)) is not None]
            for of_rule in self.conjunctions
        ]

    def universe(self, slot: int) -> ValueSet:
        """Every value that the field of a slot can have."""
        if slot not in self._universes:
            place = self._places.get(slot)
            field = self._layout.field(Path(*place)) if place is not None and len(place[1]) == 1 else None
            self._universes[slot] = self._values_of(Path(*place), field) if place and field else ANYTHING
        return self._universes[slot]

    def before(self, position: int, target: Path) -> ValueSet:
        """Every value that a field can have when a rule fires.

        Args:
            position: of the rule.
            target: the field.
        """
        slot = self._layout.places.get((target.fact, target.steps), -1)
        if slot not in self._places:
            field = self._layout.field(target) if len(target.steps) == 1 else None
            return self._values_of(target, field) if field else ANYTHING
        values = NOTHING
        for conjunction in self.feasible[position]:
            values |= conjunction.allowed.get(slot, self.universe(slot))
        return values

    def _values_of(self, path: Path, field: FieldSchema) -> ValueSet:
        values = possible_values(field)
        if not field.derived:
            return values
        # No job sends it, so it has what some rule leaves in it, or null.
        assigned = self._assigned.get(path, ())
        constants = [one.value.value for one in assigned if one.op == "=" and isinstance(one.value, Literal)]
        left = (among(map(literal, constants)) or ANYTHING) & values | NULL
        computed = {one for one in assigned if one.op != "=" or not isinstance(one.value, Literal)}
        # Null, then what comes of null, then what comes of that: a third round finds no more.
        for _ in range(3):
            for action in computed:
                left |= left_by(action, left, field) & values
        return left

    def _cut(self, conjunction: Conjunction) -> Conjunction | None:
        """A conjunction within what its fields can have; None when one of them can't have what it asks for."""
        allowed = {slot: values & self.universe(slot) for slot, values in conjunction.allowed.items()}
        return None if NOTHING in allowed.values() else Conjunction(allowed, conjunction.residuals)

    def impossible_field(self, conjunction: Conjunction) -> str:
        """The first field that can't have what a conjunction asks for, as a message names it; empty for none."""
        slots = (slot for slot, values in conjunction.allowed.items() if values & self.universe(slot) == NOTHING)
        return next((path_label(*self._places[slot]) for slot in slots if slot in self._places), "")

    def covers(self, wide: int, narrow: int) -> bool:
        """Whether rule `wide` matches all facts that rule `narrow` matches; False when that can't be proved.

        Args:
            wide: position of a rule.
            narrow: position of a rule.
        """
        return all(any(self._implies(one, other) for other in self.feasible[wide]) for one in self.feasible[narrow])

    def _implies(self, narrow: Conjunction, wide: Conjunction) -> bool:
        return set(wide.residuals) <= set(narrow.residuals) and all(
            narrow.allowed.get(slot, self.universe(slot)) & ~values == NOTHING for slot, values in wide.allowed.items()
        )

    def intersection(self, one: int, other: int) -> Iterator[Conjunction]:
        """The conjunctions under which two rules can match the same facts.

        Args:
            one: position of a rule.
            other: position of a rule.
        """
        for left, right in itertools.product(self.feasible[one], self.feasible[other]):
            both = left & right
            if both is not None:
                yield both

    def witness_facts(self, conjunctions: Iterator[Conjunction], rules: Sequence[int]) -> Iterator[WitnessFacts]:
        """Facts that rules may match, for the engine to try; at most `MAX_TRIES` of them.

        Args:
            conjunctions: under which the rules match, residual tests aside.
            rules: positions of the rules.
        """
        made = (facts for conjunction in conjunctions for facts in self._of_conjunction(conjunction, rules))
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
            members = witnesses(values)
            # The product of all choices grows fast: a field that no test depends on gets one value, one that only
            # actions compute with gets two.
            if slot not in asked and slot not in conjunction.allowed:
                members = members[:2]
            elif slot not in conjunction.allowed and not conjunction.residuals:
                members = members[-1:]
            if not members:
                return
            choices[slot] = members
        for combination in itertools.product(*choices.values()):
            yield self._made(dict(zip(choices, combination, strict=True)), conjunction)

    def _made(self, chosen: Mapping[int, Value], conjunction: Conjunction) -> WitnessFacts:
        """Facts with the chosen value in each slot."""
        facts = self._required
        shown = []
        for slot, value in chosen.items():
            if slot == AS_OF:
                continue
            fact, steps = self._places[slot]
            if value is not None and steps:
                # What can't be reached is left out, and the claim is then not proved.
                with contextlib.suppress(LookupError):
                    facts = with_path(facts, (fact, *steps), to_python(value))
            if slot in conjunction.allowed or value is not None:
                shown.append(f"{path_label(fact, steps)} = {_shown(value)}")
        as_of = chosen.get(AS_OF)
        if as_of is not None and AS_OF in conjunction.allowed:
            shown.append(f"as of {as_of.replace(tzinfo=None).isoformat(timespec='seconds')}")
        return WitnessFacts(facts, as_of if isinstance(as_of, datetime) else _AS_OF, ", ".join(shown) or "any facts")

    @cached_property
    def _required(self) -> dict[str, Any]:
        """The smallest facts that fit the schema: its required fields, and the subject."""
        facts: dict[str, Any] = {}
        for fact in self._schema.facts.values() if self._schema else ():
            if not fact.is_list:
                for field in fact.fields.values():
                    if field.required:
                        # A list has no witness, and is taken to be empty.
                        (value, *_) = witnesses(self._values_of(Path(fact.name, (field.name,)), field)) or [()]
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
    """What the actions of a rule compute with; `+=` and its like read their target."""
    for action in rule.actions:
        yield from action_expressions(action)
        if isinstance(action, Assign) and action.op != "=":
            yield action.target


def _assigned(rules: Sequence[Rule]) -> dict[Path, list[Assign]]:
    """The assignments to each field; one to a part of a field makes something unknown of the field."""
    assigned: dict[Path, list[Assign]] = {}
    for rule in rules:
        for action in rule.actions:
            if isinstance(action, Assign):
                assigned.setdefault(action.target, []).append(action)
                if len(action.target.steps) > 1:
                    field = Path(action.target.fact, action.target.steps[:1])
                    assigned.setdefault(field, []).append(Assign(field, "=", action.target))
    return assigned


def _dated(rule: Rule, conjunction: Conjunction) -> Conjunction:
    """The conjunction within the dates between which its rule is in force."""
    moments = validity(rule)
    return conjunction if moments is None else replace(conjunction, allowed={**conjunction.allowed, AS_OF: moments})
