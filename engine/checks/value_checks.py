"""Refuse constants and arguments that the schema has another list for.  kinds, wording -> [value_checks] -> rule_checks

A constant that is none of the `values` of the field it is assigned to or compared with, and a call whose arguments are
not as the schema declares them. Kinds of whole expressions are looked at by `engine.checks.rule_checks`, the values
that rules compute when they are assigned."""

from collections.abc import Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Protocol

from engine.checks.kinds import ValueKind, kind_of_value
from engine.checks.wording import a_kind, abridged, date_hint
from engine.language import Emit, Expression, Literal, Node, Path, print_value
from engine.schema import Schema
from engine.suggestions import did_you_mean


class ReportProblem(Protocol):
    """Takes a problem."""

    def __call__(self, node: Node, code: str, message: str, hint: str = "", warning: bool = False) -> None:
        """Report it at the place of a node."""


def check_constant(
    path: Path, value: Expression, schema: Schema | None, report: ReportProblem, warning: bool = False
) -> None:
    """Report a constant that the `values` of a field rule out.

    Args:
        path: of the field.
        value: what is assigned to it or compared with it; anything but a constant passes.
        schema: of the facts; None: every constant passes.
        report: takes the problem.
        warning: whether it is only a warning; default False.
    """
    field = schema.field_at(path.fact, path.steps) if schema is not None and isinstance(value, Literal) else None
    if field is None or field.values is None or not isinstance(value, Literal):
        return
    if isinstance(value.value, str | Decimal | time | timedelta) and kind_of_value(value.value) == field.kind:
        values = {print_value(each) for each in field.values}
        shown = print_value(value.value)
        if shown not in values:
            message = f"{shown} is not one of the values of {path.fact}.{field.name}"
            hint = did_you_mean(shown, values).replace("'", "") or f"values: {', '.join(sorted(values)[:8])}"
            report(value, "unknown-value", message, hint, warning=warning)


def check_call(call: Emit, kinds: Sequence[ValueKind], schema: Schema | None, report: ReportProblem) -> None:
    """Report a call that is not as the schema declares it.

    Args:
        call: an action.
        kinds: of its arguments.
        schema: says what may be called; None: nothing.
        report: takes the problems.
    """
    declared = schema.calls.get(call.name) if schema is not None else None
    if declared is None:
        report(call, "grl-action", f"'{call.name}' is not an action", f"declare it in domain.toml: [emit.{call.name}]")
        return
    if len(call.args) != len(declared.args):
        wanted = f"{len(declared.args)} argument{'s' * (len(declared.args) != 1)}"
        hint = f"it is declared as {call.name}({', '.join(declared.args)})"
        report(call, "wrong-arity", f"{call.name} takes {wanted}, {len(call.args)} given", hint)
        return
    for arg, kind, wanted in zip(call.args, kinds, declared.args, strict=True):
        if kind not in (wanted, "any", "null"):
            message = f"{call.name} takes {a_kind(wanted)}, {abridged(arg)} is {a_kind(kind)}"
            report(arg, "wrong-kind", message, date_hint(kind, wanted))
