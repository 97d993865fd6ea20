"""Rewrite rules with what the schema knows: dates, and the ages of events.  kinds -> [resolve] -> ruleset

Takes a rule as it was read, gives the rule with dates for texts, and with the field that says how old an event is.
`Order.placed < "2026-03-01"` compares with the midnight of that day, once the schema says that `placed` is a date. The
text itself stays when it is no date, and the checks then say so. Without a schema nothing is changed: a text then is
compared as text, which for ISO 8601 dates of one form gives the same order."""

from dataclasses import replace

from engine.checks.kinds import kind_of
from engine.language import (
    Action,
    And,
    Assign,
    Binding,
    Compare,
    Decide,
    Emit,
    Expression,
    ListLiteral,
    Literal,
    Log,
    Membership,
    Rule,
    changed,
    pattern_of,
    read_moment,
)
from engine.schema import Schema, Stream


def with_dates(rule: Rule, schema: Schema) -> Rule:
    """The rule with every text that is compared with, assigned to or an argument for a date turned into a date.

    Args:
        rule: as it was read.
        schema: says what is a date.

    Returns:
        The same rule when nothing had to be changed.
    """
    kinds = {field.kind for fact in schema.facts.values() for field in fact.fields.values()}
    if "date" not in kinds.union(*(call.args for call in schema.calls.values())):
        return rule
    actions = tuple(_action(action, schema) for action in rule.actions)
    return replace(rule, condition=_rewrite(rule.condition, schema), actions=actions)


def _action(action: Action, schema: Schema) -> Action:
    match action:
        case Assign(target, _, value):
            value = _rewrite(value, schema)
            return replace(action, value=_moment(value) if kind_of(target, schema) == "date" else value)
        case Decide(_, reason):
            return replace(action, reason=_rewrite(reason, schema))
        case Log(text):
            return replace(action, text=_rewrite(text, schema))
        case Emit(name, args):
            kinds = schema.calls[name].args if name in schema.calls else ()
            args = tuple(_rewrite(arg, schema) for arg in args)
            dated = [_moment(arg) if kind == "date" else arg for arg, kind in zip(args, kinds, strict=False)]
            return replace(action, args=(*dated, *args[len(dated) :]))
        case _:
            return action


def _rewrite(node: Expression, schema: Schema) -> Expression:
    match node:
        case Compare(_, left, right):
            left, right = _rewrite(left, schema), _rewrite(right, schema)
            if kind_of(left, schema) == "date":
                right = _moment(right)
            elif kind_of(right, schema) == "date":
                left = _moment(left)
            return replace(node, left=left, right=right)
        case Membership(item, ListLiteral(items) as container):
            item = _rewrite(item, schema)
            items = tuple(_rewrite(each, schema) for each in items)
            if kind_of(item, schema) == "date":
                items = tuple(_moment(each) for each in items)
            return replace(node, item=item, container=replace(container, items=items))
        case _:
            return changed(node, lambda operand: _rewrite(operand, schema))


def _moment(node: Expression) -> Expression:
    """The date that a text literal writes; anything else as it is."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        moment = read_moment(node.value)
        return node if moment is None else Literal(moment, span=node.span)
    return node


def with_windows(rule: Rule, schema: Schema) -> Rule:
    """The rule, with the field that says how old an event is wherever a window is shorter than its stream's.

    Args:
        rule: as it was read.
        schema: says how long windows are, and what that field is.

    Returns:
        The same rule when it has no such window.
    """
    pattern = pattern_of(rule.condition)
    if pattern is None:
        return rule
    streams = {stream.name: stream for stream in schema.streams}
    bindings = tuple(_timed(binding, streams.get(binding.stream)) for binding in pattern.bindings)
    timed = replace(pattern, bindings=bindings)
    if isinstance(rule.condition, And):
        return replace(rule, condition=replace(rule.condition, operands=(*rule.condition.operands[:-1], timed)))
    return replace(rule, condition=timed)


def _timed(binding: Binding, stream: Stream | None) -> Binding:
    shorter = stream is not None and binding.window_s < stream.window_s
    return replace(binding, time=stream.time) if stream is not None and shorter else binding
