"""Print an explanation.  engine.Explanation -> [explanation] -> terminal, JSON

Shared by `rulefarm explain` and `rulefarm eval --explain`; loads neither Celery nor SQLAlchemy."""

import json
from collections.abc import Sequence
from typing import Any

import click

from cli.display.table import print_rows
from cli.display.terminal import Line, console
from engine import Change, ConditionTrace, Counterfactuals, Explanation, RuleTrace, json_value

#: Items of a list, and characters of a value, that are shown to a person.
_MAX_ITEMS = 8
_MAX_CHARACTERS = 60
#: Firings that are shown to a person: what goes round in a loop says the same again and again.
_MAX_FIRINGS = 100

rule_option = click.option("--rule", "rules", multiple=True, metavar="NAME", help="Explain this rule; repeatable.")
all_option = click.option("--all", "every", is_flag=True, help="Explain every rule, not only those that fired.")


def explanation_json(explanation: Explanation, counterfactuals: Counterfactuals) -> dict[str, Any]:
    """An explanation and its counterfactuals as one JSON document.

    Args:
        explanation: conditions, firings and changes.
        counterfactuals: the smallest changes for a better outcome.

    Returns:
        For `print_json`.
    """
    return explanation.to_json() | counterfactuals.to_json()


def print_explanation(explanation: Explanation, counterfactuals: Counterfactuals) -> None:
    """Print an explanation for a person, below the outcome, which is printed already.

    Args:
        explanation: conditions, firings and changes.
        counterfactuals: the smallest changes for a better outcome; printed unless it is `accept`.
    """
    out = console()
    fired = [rule for rule in explanation.rules if rule.firing is not None]
    if len(fired) > _MAX_FIRINGS:
        shown = [*fired[:_MAX_FIRINGS], *(rule for rule in explanation.rules if rule.firing is None)]
    else:
        shown = list(explanation.rules)
    for trace in shown:
        out.print()
        _print_rule(trace, [change for change in explanation.changes if change.firing == trace.firing])
    if len(shown) < len(explanation.rules):
        out.print()
        out.print(Line(f"… and {len(explanation.rules) - len(shown):,} more firings", style="dim"))
    shown_firings = {trace.firing for trace in shown}
    others = [change for change in explanation.changes[:_MAX_FIRINGS] if change.firing not in shown_firings]
    if others:
        out.print("\nchanged by other rules", style="bold")
        for change in others:
            out.print(Line(f"  {change.firing}. {change.rule}: {_changed(change)}"))
    if explanation.evaluation.outcome != "accept":
        out.print("\nthe smallest change of one number for a better outcome", style="bold")
        for line in (*counterfactuals.changes, counterfactuals.note):
            if line:
                out.print(Line(f"  {line}"))


def _print_rule(trace: RuleTrace, changes: Sequence[Change]) -> None:
    out, rule = console(), trace.rule
    head = Line()
    head.append(f"{trace.firing}. {rule.name}" if trace.firing else rule.name, style="bold")
    if rule.description:
        head.append(f"  {rule.description}")
    if rule.span is not None:
        head.append(f"  {rule.span.source}:{rule.span.line}", style="dim")
    out.print(head)
    if trace.firing is None:
        out.print(Line(f"   did not fire{': ' if trace.note else ''}{trace.note}", style="dim"))
    rows: list[tuple[Line, Line]] = []
    top = trace.condition
    for part in top.parts if top.kind == "all" else (top,):
        _add_rows(rows, part, 1)
    print_rows(("", ""), rows)
    for change in changes:
        out.print(Line(f"   → {_changed(change)}"))


def _add_rows(rows: list[tuple[Line, Line]], trace: ConditionTrace, depth: int) -> None:
    mark, colour = ("✓", "green") if trace.holds else ("✗", "red")
    text = trace.text if trace.kind == "leaf" else {"all": "all of", "any": "any of", "not": "not"}[trace.kind]
    seen = "; ".join(f"{name} is {_shown(value)}" for name, value in trace.seen.items())
    rows.append((Line("   " * depth).append(mark, style=colour).append(f" {text}"), Line(seen)))
    for part in trace.parts:
        _add_rows(rows, part, depth + 1)


def _changed(change: Change) -> str:
    counted = "" if change.counted_as is None else f" (it counts as {_shown(change.counted_as)})"
    return f"{change.field} from {_shown(change.before)}{counted} to {_shown(change.after)}"


def _shown(value: Any) -> str:
    """A value on one short line."""
    if isinstance(value, list):
        more = f", … {len(value)} in all" if len(value) > _MAX_ITEMS else ""
        return f"[{', '.join(_shown(item) for item in value[:_MAX_ITEMS])}{more}]"
    text = json.dumps(json_value(value), ensure_ascii=False)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
