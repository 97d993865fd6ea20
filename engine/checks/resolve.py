"""Rewrite rules with what the schema knows: dates, times, ages of events.  kinds -> [resolve] -> ruleset

Takes a rule as it was read, gives the rule with dates for texts, all of them in the domain's zone, and with the field
that says how old an event is. `Order.placed <= "2026-03-01"` compares with that whole day, once the schema says that
`placed` is a date; times of day and durations likewise. The text itself stays when it is none, and the checks then say
so. Without a schema texts are not changed: a text then is compared as text, which for ISO 8601 dates of one form gives
the same order."""

import contextlib
from dataclasses import replace
from datetime import UTC, date

from engine.checks.kinds import ValueKind, kind_of
from engine.language import (
    MIRRORED,
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
    read_clock,
    read_moment,
)
from engine.schema import Schema, Stream
from engine.values import Day, ValueRefused, settled_date, start_of


def with_dates(rule: Rule, schema: Schema | None) -> Rule:
    """The rule with texts that are compared with, assigned to or an argument for a date turned into dates, all settled.

    Args:
        rule: as it was read.
        schema: says what is a date, and in which zone; None: no text is, and the zone is UTC.

    Returns:
        A rule with the same meaning; a ruleset that holds no date at all need not come here.
    """
    zone = UTC if schema is None else schema.zone
    effective, expires = (
        settled_date(bound, zone) if isinstance(bound, date) else bound
        for bound in (rule.date_effective, rule.date_expires)
    )
    return replace(
        rule,
        condition=_rewrite(rule.condition, schema),
        actions=tuple(_action(action, schema) for action in rule.actions),
        # In force from the start of a day on, and until its end.
        date_effective=None if effective is None else start_of(effective),
        date_expires=expires,
    )


def _action(action: Action, schema: Schema | None) -> Action:
    match action:
        case Assign(target, _, value):
            value = _rewrite(value, schema)
            value = _read(value, kind_of(target, schema), schema)
            return replace(action, value=value)
        case Decide(_, reason):
            return replace(action, reason=_rewrite(reason, schema))
        case Log(text):
            return replace(action, text=_rewrite(text, schema))
        case Emit(name, args):
            kinds = schema.calls[name].args if schema is not None and name in schema.calls else ()
            args = tuple(_rewrite(arg, schema) for arg in args)
            read = [_read(arg, kind, schema) for arg, kind in zip(args, kinds, strict=False)]
            return replace(action, args=(*read, *args[len(read) :]))
        case _:
            return action


def _rewrite(node: Expression, schema: Schema | None) -> Expression:
    match node:
        case Literal():
            return _date(node, schema) if isinstance(node.value, date) else node
        case Compare(op, left, right):
            left, right = _rewrite(left, schema), _rewrite(right, schema)
            if (kind := kind_of(left, schema)) in _WRITTEN:
                right = _read(right, kind, schema)
            elif (kind := kind_of(right, schema)) in _WRITTEN:
                left = _read(left, kind, schema)
            if schema is None or schema.zone is UTC:
                left, right = _start(left, MIRRORED[op]), _start(right, op)
            return replace(node, left=left, right=right)
        case Membership(item, ListLiteral(items) as container):
            item = _rewrite(item, schema)
            items = tuple(_rewrite(each, schema) for each in items)
            if (kind := kind_of(item, schema)) in _WRITTEN:
                items = tuple(_read(each, kind, schema) for each in items)
            return replace(node, item=item, container=replace(container, items=items))
        case _:
            return changed(node, lambda operand: _rewrite(operand, schema))


#: Kinds whose values a rule may write as texts.
_WRITTEN = ("date", "time", "duration")


def _read(node: Expression, kind: ValueKind, schema: Schema | None) -> Expression:
    """What a literal writes, beside something of a kind that is written as a text; anything else as it is."""
    if kind == "date":
        return _date(node, schema)
    if kind in _WRITTEN and isinstance(node, Literal) and isinstance(node.value, str):
        with contextlib.suppress(ValueRefused):
            return replace(node, value=read_clock(node.value, kind))
    return node


def _date(node: Expression, schema: Schema | None) -> Expression:
    """The date that a literal writes; anything else as it is."""
    if not isinstance(node, Literal):
        return node
    written = read_moment(node.value) if isinstance(node.value, str) else node.value
    if not isinstance(written, date):
        return node
    return replace(node, value=settled_date(written, UTC if schema is None else schema.zone))


def _start(node: Expression, op: str) -> Expression:
    """A day that something is compared with, as the moment it starts where that says the same.

    In UTC it is how such a comparison has always been written: the digests of rulesets stay what they are.
    """
    if op in ("<", ">=") and isinstance(node, Literal) and isinstance(node.value, Day):
        return replace(node, value=node.value.start)
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
