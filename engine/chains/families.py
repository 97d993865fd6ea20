"""Rules that read what rules write, in a form for many rows at once.  chain_rule, loops -> [families] -> columnar

Takes a program, gives for each of its rules what an index finds for all rows beforehand, and a form of the rest: tests
of numbers against constants and each other, and assignments of constants, sums, differences and products. Rules of one
shape differ in their constants alone. Rules of any other kind, and those whose writes lead back to an earlier one, have
none: a row in which one of them may fire is judged by itself. A program with many of these has no families at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.chain_rule import ChainMaterial, ChainRule
from engine.chains.loops import leading_back
from engine.evaluation import ActionRefused, Actions, Expressions, Reason, ReasonTable
from engine.language import Arithmetic, Assign, Compare, Decide, Expression, Literal, Path
from engine.matching import Conjunction, Entry
from engine.schema import FieldSchema, Limits
from engine.values import Value, ValueSet, is_ordinary, literal

_INFINITY = float("inf")
#: One rule in so many may have no form: with more, hardly a row is without one that may fire.
_STRAYS = 4

#: `("field", slot)`; `("constant", place)`; `("started", slot, place)`, a field that counts as a constant while it is
#: null; or `(operator, number, number)`.
Number = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RuleForm:
    """What a rule tests and sets when its turn comes."""

    #: `("within", slot, place of the least, place of what is above the most, whether null does)`, or `("compare",
    #: operator, number, number)`.
    tests: tuple[tuple[Any, ...], ...]
    #: `("number", slot, number)`, or `("value", slot, place)` of a constant that is no number.
    sets: tuple[tuple[Any, ...], ...]
    #: By place.
    constants: tuple[float, ...]
    #: By place.
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Families:
    """All rules of a program."""

    #: What can be found out beforehand, in agenda order: no rule changes it.
    entries: Sequence[Entry]
    #: By position on the agenda, of the rules that test or set more than that.
    forms: Mapping[int, RuleForm]
    #: Positions of the rules that have no form, where a row is judged by itself.
    strays: frozenset[int]
    #: What all others say, for none of it is computed.
    reasons: ReasonTable


class _Unfit(Exception):
    """A rule has no form."""


def families_of(material: ChainMaterial) -> Families | None:
    """The rules of a program; None where too many of them have to be judged row by row."""
    by_position: dict[int, list[Entry]] = {}
    for entry in material.entries:
        by_position.setdefault(entry.position, []).append(entry)
    rules = [ChainRule(position, entries, material) for position, entries in sorted(by_position.items())]
    strays = {rules[place].position for place, _ in leading_back(rules)}
    strays.update(rule.position for rule in rules if rule.blocks or rule.overlaps)
    former = _Former(rules, material)
    entries: list[Entry] = []
    forms: dict[int, RuleForm] = {}
    reasons: list[tuple[Reason, ...] | None] = [()] * len(material.rules)
    for rule in rules:
        if rule.position not in strays:
            try:
                said, guards, form = former.reasons(rule), former.guards(rule), former.form(rule)
            except _Unfit:
                strays.add(rule.position)
            else:
                reasons[rule.position] = said
                entries += guards
                if form.tests or form.sets:
                    forms[rule.position] = form
                continue
        if len(strays) * _STRAYS > len(rules):
            return None
        entries += former.any_guards(rule)
    return Families(entries, forms, frozenset(strays), ReasonTable(material.agenda.reasons.names, reasons))


class _Former:
    """Makes the forms of one program."""

    def __init__(self, rules: Sequence[ChainRule], material: ChainMaterial) -> None:
        self._material = material
        self._written = frozenset[int]().union(*(rule.changed for rule in rules))
        self._actions = Actions(material.layout, Expressions(material.layout), material.positions)
        self._constants: list[float] = []
        self._values: list[Value] = []

    def reasons(self, rule: ChainRule) -> tuple[Reason, ...]:
        """What a rule says."""
        reasons = []
        for action in rule.rule.actions:
            if isinstance(action, Decide) and isinstance(action.reason, Literal):
                reasons.append(self._actions.constant_reason(rule.rule.name, action.outcome, action.reason))
            elif not isinstance(action, Assign):
                raise _Unfit
        return tuple(reasons)

    def guards(self, rule: ChainRule) -> list[Entry]:
        """The parts of its conjunctions that no rule changes."""
        if self._written.isdisjoint(rule.reads):
            return list(rule.entries)
        if len(rule.entries) > 1:
            # Which of them was found is not told.
            raise _Unfit
        entry = rule.entries[0]
        return [entry.part(self._part(entry.conjunction, guard=True))]

    def any_guards(self, rule: ChainRule) -> list[Entry]:
        """The same of a rule that has no form: where none holds, it can't fire."""
        return [entry.part(self._part(entry.conjunction, guard=True)) for entry in rule.entries]

    def form(self, rule: ChainRule) -> RuleForm:
        """The rest of a rule."""
        self._constants, self._values = [], []
        tests: list[tuple[Any, ...]] = []
        if not self._written.isdisjoint(rule.reads):
            rest = self._part(rule.entries[0].conjunction, guard=False)
            tests = [self._within(slot, values) for slot, values in rest.allowed.items()]
            tests += map(self._compared, rest.residuals)
        sets = tuple(self._set(action) for action in rule.rule.actions if isinstance(action, Assign))
        return RuleForm(tuple(tests), sets, tuple(self._constants), tuple(self._values))

    def _part(self, conjunction: Conjunction, *, guard: bool) -> Conjunction:
        written, note = self._written, self._material.layout.note
        return Conjunction(
            {slot: values for slot, values in conjunction.allowed.items() if (slot not in written) is guard},
            tuple(node for node in conjunction.residuals if written.isdisjoint(note(node)) is guard),
        )

    def _within(self, slot: int, values: ValueSet) -> tuple[Any, ...]:
        numbers = values.numbers
        if self._material.kinds.get(slot) != "number":
            raise _Unfit
        match numbers.inside, numbers.points:
            case True, ():
                least, above = -_INFINITY, _INFINITY
            case True, (end,):
                least, above = -_INFINITY, end
            case False, (start,):
                least, above = start, _INFINITY
            case False, (start, end):
                least, above = start, end
            case _:
                raise _Unfit
        return "within", slot, self._constant(least), self._constant(above), values.null

    def _compared(self, node: Expression) -> tuple[Any, ...]:
        if not isinstance(node, Compare) or node.op not in ("<", "<=", ">", ">="):
            raise _Unfit
        if not all(isinstance(side, Path | Literal) for side in (node.left, node.right)):
            raise _Unfit
        return "compare", node.op, self._number(node.left), self._number(node.right)

    def _set(self, action: Assign) -> tuple[Any, ...]:
        layout, target = self._material.layout, action.target
        slot, field = layout.slot(target.fact, target.steps), layout.field(target)
        if field is None or field.required or Limits(field) or len(target.steps) != 1:
            raise _Unfit
        if field.kind == "number":
            if action.op == "=":
                return "number", slot, self._number(action.value)
            if action.op in ("+=", "-=", "*="):
                return "number", slot, (action.op[0], self._started(slot, field), self._number(action.value))
        elif action.op == "=" and isinstance(action.value, Literal) and field.derived:
            value = literal(action.value.value)
            try:
                self._actions.check(target)(value)
            except ActionRefused:
                raise _Unfit from None
            if value is not None:
                self._values.append(value)
                return "value", slot, len(self._values) - 1
        raise _Unfit

    def _started(self, slot: int, field: FieldSchema) -> Number:
        if field.start is None:
            return "field", slot
        return "started", slot, self._constant(literal(field.start))

    def _number(self, node: Expression) -> Number:
        match node:
            case Literal():
                value = literal(node.value)
                if value.__class__ is float and is_ordinary(value):
                    return "constant", self._constant(value)
            case Path():
                slot = self._material.layout.slot(node.fact, node.steps)
                if self._material.kinds.get(slot) == "number":
                    return "field", slot
            case Arithmetic("+" | "-" | "*" as op, left, right):
                return op, self._number(left), self._number(right)
        raise _Unfit

    def _constant(self, value: float) -> int:
        self._constants.append(value)
        return len(self._constants) - 1
