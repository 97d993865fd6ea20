"""Actions that never change anything, and assignments that are always refused.  feasibility -> [idle_actions] -> review

Takes rules that some facts may match. Claims nothing of an action whose value is computed, but for what holds whatever
comes of it: null plus a number stays null, zero times a number stays zero. Rules that never fire are left to
`engine.lint.reachability`."""

from collections.abc import Iterator, Sequence

from engine.facts import reads
from engine.language import (
    Action,
    Assign,
    Literal,
    Path,
    Retract,
    Rule,
    action_expressions,
    has_focus,
    paths,
    print_action,
    print_expression,
)
from engine.lint.assignments import leaves_alone, left_by, overlap
from engine.lint.feasibility import FeasibleSets
from engine.lint.reachability import LintWarning
from engine.schema import Limits, Schema
from engine.values import NOTHING, NULL, ValueSet, among, literal

_NULL_STAYS = "{field} is null there, and stays null: what is computed with null is null"
_ZERO_STAYS = "{field} counts as 0 without a value, and no rule gives it another"


def idle_actions(rules: Sequence[Rule], sets: FeasibleSets, schema: Schema | None) -> Iterator[LintWarning]:
    """Actions without an effect.

    Args:
        rules: in source order.
        sets: of these rules.
        schema: of the facts.
    """
    names = {rule.name for rule in rules}
    alive = {rule.name for position, rule in enumerate(rules) if sets.feasible[position] and has_focus(rule)}
    watched = {path for rule in rules if rule.name in alive for path, _ in reads(rule.condition)}
    for position, rule in enumerate(rules):
        for place, action in enumerate(rule.actions if rule.name in alive else ()):
            if isinstance(action, Retract) and action.rule in names - alive:
                yield _idle(rule, action, f"rule '{action.rule}' never fires", "drop it")
            elif isinstance(action, Assign):
                before = sets.before(position, action.target)
                wakes = any(overlap(action.target, path) for path in watched)
                yield from _assignment(rule, place, action, before, wakes, schema)


def _assignment(
    rule: Rule, place: int, action: Assign, before: ValueSet, wakes: bool, schema: Schema | None
) -> Iterator[LintWarning]:
    """What is wrong with an assignment, given what its field may have when the rule fires, and whether a condition
    reads that field."""
    shown = print_expression(action.target)
    field = None if schema is None else schema.field_at(action.target.fact, action.target.steps)
    later = _overwriting(action.target, rule.actions[place + 1 :])
    # What is changed and set back to what it was is still changed: rules that read it fire again.
    if later is not None and not (wakes and left_by(later, before, field) & before != NOTHING):
        yield _idle(rule, action, f"{print_action(later)} replaces it before anything reads it", "drop one of them")
        return
    if any(overlap(action.target, one.target) for one in rule.actions[:place] if isinstance(one, Assign)):
        return
    if field is not None and action.op == "=" and isinstance(action.value, Literal):
        value = literal(action.value.value)
        broken = Limits(field).broken_by(value) if value.__class__ in (float, str) else ""
        if broken:
            message = f"{print_action(action)} of rule '{rule.name}' is always refused: it {broken}"
            yield LintWarning("action-refused", action, message, "the outcome is error whenever the rule fires")
            return
    after = left_by(action, before, field)
    if leaves_alone(action, before, field):
        yield _idle(rule, action, f"it leaves {shown} as it is", "drop it")
    elif before == after == NULL and action.op == "=":
        yield _idle(rule, action, f"{shown} is null there already", "drop it")
    elif before == after == NULL:
        hint = f"write {shown} = …, or give it a value first"
        yield _idle(rule, action, _NULL_STAYS.format(field=shown), hint)
    elif before == after and isinstance(action.value, Literal) and before == among([literal(action.value.value)]):
        yield _idle(rule, action, f"{shown} has that value there already", "drop it")
    elif action.op in ("*=", "/=") and field is not None and not field.default and _is_zero(before):
        hint = "give it a default in domain.toml, such as default = 1, or a value first"
        yield _idle(rule, action, _ZERO_STAYS.format(field=shown), hint)


def _is_zero(values: ValueSet) -> bool:
    return values & ~(NULL | (among([0.0]) or NOTHING)) == NOTHING


def _idle(rule: Rule, action: Assign | Retract, why: str, hint: str) -> LintWarning:
    message = f"{print_action(action)} of rule '{rule.name}' never changes anything: {why}"
    return LintWarning("action-idle", action if action.span else rule, message, hint)


def _overwriting(target: Path, others: Sequence[Action]) -> Assign | None:
    """The one of the actions that follow which writes the field anew before any of them reads it."""
    for action in others:
        if any(overlap(target, path) for one in action_expressions(action) for path in paths(one)):
            return None
        if isinstance(action, Assign) and overlap(target, action.target):
            return action if action.op == "=" and action.target == target else None
    return None
