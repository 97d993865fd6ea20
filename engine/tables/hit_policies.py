"""What happens when several rows of a table hold.  unary_tests -> [hit_policies] -> analysis, reader

Takes the rows of a table, gives its rules: a policy is nothing but an activation group, an order of the rows, or
another way to assign. So the cycle needs to know no policy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from engine.checks import kind_of
from engine.language import (
    Action,
    Assign,
    Call,
    Decide,
    Expression,
    ListLiteral,
    Literal,
    Outcome,
    Path,
    Retract,
    Rule,
    Source,
    print_expression,
)
from engine.schema import Schema
from engine.tables.unary_tests import CellTests

#: Each policy, and what it means.
HIT_POLICIES = {
    "U": "unique: no two rows can hold for the same facts",
    "A": "any: rows that can hold together give the same",
    "P": "priority: of the rows that hold, the one with the first output of its list",
    "F": "first: of the rows that hold, the topmost",
    "R": "rule order: all rows that hold, from the top",
    "O": "output order: all rows that hold, by their outputs' order",
    "C": "collect: all rows that hold",
    "C+": "collect the sum of what the rows that hold give",
    "C<": "collect the least of what the rows that hold give",
    "C>": "collect the greatest of what the rows that hold give",
    "C#": "collect the count of the rows that hold",
}
#: Policies under which one row at most fires; A too, since the other rows would do the same again.
SINGLE = ("U", "A", "F", "P")
_SEVERITY: dict[Outcome, int] = {"reject": 0, "review": 1, "accept": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    #: Its name, or its number from 1.
    name: str
    rule: Rule
    #: One per `when` column; None for a cell that holds for everything.
    tests: tuple[CellTests | None, ...]
    #: One per `then` column; None for a blank cell.
    outputs: tuple[Action | None, ...]


def in_order(
    policy: str, rows: Sequence[Row], targets: Sequence[Outcome | Path | None], source: Source, schema: Schema | None
) -> list[Row]:
    """The rows of a table in the order in which they are tried.

    Args:
        policy: one of `HIT_POLICIES`.
        rows: from the top.
        targets: what each `then` column is: an outcome, the field it assigns, or None for a log.
        source: the table; takes the problems.
        schema: says the order of a field's values, for P and O; None: there is none.

    Returns:
        The same rows.
    """
    return _by_priority(rows, targets, source, schema) if policy in ("P", "O") else list(rows)


def rules_of(
    policy: str, rows: Sequence[Row], default: Rule | None, source: Source, schema: Schema | None
) -> tuple[Rule, ...]:
    """The rules of a table, each of which fires at most once: what a row writes is no reason to apply it again.

    Args:
        policy: one of `HIT_POLICIES`.
        rows: in the order in which they are tried.
        default: gives what no row gave, under a condition that always holds; None: nothing is given then.
        source: the table; takes the problems.
        schema: says what a field counts as that has no value, and which fields are lists; None: nothing.

    Returns:
        The rules, in the order in which they stand on the agenda.
    """
    # A row of a single-hit table without an effect still keeps the others of its group from firing.
    group = source.name if policy in SINGLE else None
    rules = [replace(row.rule, once=True, activation_group=group) for row in rows]
    last = [] if default is None else [replace(default, once=True, activation_group=group)]
    if policy in SINGLE:
        return (*rules, *last)
    collect = _listed if policy in ("C", "R", "O") else partial(_collect, policy)
    rules = [replace(rule, actions=tuple(collect(action, schema) for action in rule.actions)) for rule in rules]
    # The default stands behind all rows, so each of these can call it off.
    rules = [
        replace(rule, actions=(*rule.actions, *(Retract(each.name, span=rule.span) for each in last))) for rule in rules
    ]
    rules += last
    for rule in rules:
        if not rule.actions and rule.span is not None:
            source.report_at(rule.span, "table-row", "this row does nothing", "fill a 'then' cell", "warning")
    return tuple(rule for rule in rules if rule.actions)


def _listed(action: Action, schema: Schema | None) -> Action:
    """The assignment that puts what a row gives behind what other rows gave, where the field is a list."""
    if not isinstance(action, Assign) or kind_of(action.target, schema) != "list":
        return action
    span = action.span
    so_far = Call("Coalesce", (action.target, ListLiteral((), span=span)), span=span)
    given = action.value.items if isinstance(action.value, ListLiteral) else (action.value,)
    return replace(action, value=Call("With", (so_far, *given), span=span) if given else so_far)


def _collect(policy: str, action: Action, schema: Schema | None) -> Action:
    """The assignment that adds a row's value to what the other rows gave."""
    if not isinstance(action, Assign):
        return action
    so_far: Expression = action.target
    value = action.value
    if policy == "C#":
        value = Literal(Decimal(1), span=value.span)
    both: Expression
    if policy == "C<":
        both = Call("Min", (so_far, value), span=action.span)
    elif policy == "C>":
        both = Call("Max", (so_far, value), span=action.span)
    else:
        # Sum counts what is null as nothing, so a row without a value leaves the field as it is. A field that nobody
        # has written yet counts as what it counts as in `+=`.
        field = None if schema is None else schema.field_at(action.target.fact, action.target.steps)
        if field is not None and field.start:
            so_far = Call("Coalesce", (so_far, Literal(field.start, span=value.span)), span=action.span)
        both = Call("Sum", (ListLiteral((so_far, value), span=action.span),), span=action.span)
    return replace(action, value=both)


def _by_priority(
    rows: Sequence[Row], targets: Sequence[Outcome | Path | None], source: Source, schema: Schema | None
) -> list[Row]:
    """The rows by what they give: worst outcome first, values in the order of the schema's `values`.

    A field without `values` has no order, and says nothing about which row comes first."""
    orders: list[dict[Literal, int]] = []
    for target in targets:
        order: dict[Literal, int] = {}
        if isinstance(target, Path):
            field = schema.field_at(target.fact, target.steps) if schema else None
            values = field.values if field and field.values else ()
            order = {Literal(value): position for position, value in enumerate(values)}
        orders.append(order)
    if (
        rows
        and rows[0].rule.span is not None
        and not any(orders)
        and not any(isinstance(each, str) for each in targets)
    ):
        names = " or ".join(print_expression(target) for target in targets if isinstance(target, Path)) or "a log"
        hint = 'list them in domain.toml, most wanted first: values = ["gold", "silver"]'
        source.report_at(rows[0].rule.span, "table-priority", f"no values of {names} have an order", hint)

    # The columns of outcomes count as one, where the first of them stands: a row that rejects comes before one that
    # reviews, whichever column is further left.
    decisive = next((place for place, target in enumerate(targets) if isinstance(target, str)), None)

    def rank(row: Row) -> tuple[int, ...]:
        worst = min((_rank(output, {}) for output in row.outputs if isinstance(output, Decide)), default=len(_SEVERITY))
        return tuple(
            worst if place == decisive else _rank(output, order) if order else 0
            for place, (output, order) in enumerate(zip(row.outputs, orders, strict=True))
        )

    return sorted(rows, key=rank)


def _rank(output: Action | None, order: dict[Literal, int]) -> int:
    if isinstance(output, Decide):
        return _SEVERITY[output.outcome]
    if isinstance(output, Assign) and isinstance(output.value, Literal):
        return order.get(output.value, len(order))
    return len(order) + 1
