"""Why one row flips, in as few words as will do.  versions, a cause, its example -> [flip_examples] -> sentences

Of a rule that asks for something now: what made it, or what kept it from it before. Of one that does not any more: what
keeps it from it, or that it is gone. Then the nearest number with which the row would be better off. Explaining
compiles the rules once more: for a few examples, never for all."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine import (
    ConditionTrace,
    PrivateFields,
    Program,
    RuleTrace,
    explain,
    find_counterfactuals,
    json_value,
    masked_explanation,
    told_counterfactuals,
)
from rulesets.flips import OUTCOMES, Cause, Example

#: Rules of an example that are told about, and parts of a condition, and characters of a value.
_RULES, _LEAVES, _CHARACTERS = 3, 4, 60


def tell_example(
    before: Program, after: Program, renamed: Mapping[str, str], cause: Cause, example: Example
) -> list[str]:
    """Say why a row flips.

    Args:
        before: the version that judges now.
        after: the one that may come.
        renamed: by `rulesets.differences.names_after`.
        cause: of the flip.
        example: the row.

    Returns:
        A few sentences.
    """
    earlier = {later: name for name, later in renamed.items()}
    private = private_in(before, after)
    told: list[str] = []
    for name in cause.now[:_RULES]:
        now = _trace(after, name, example, private)
        was = _trace(before, earlier.get(name, ""), example, private)
        if was is not None and was.firing is None:
            told.append(f"{name} fires now; before, {_why_not(was)}")
        elif was is not None:
            told.append(f"{name} asks for something else now")
        elif now is not None:
            told.append(f"{name} is new: {_leaves(_holding(now.condition))}")
    for name in cause.no_longer[:_RULES]:
        if renamed.get(name, "") in cause.now:
            continue
        now = _trace(after, renamed.get(name, ""), example, private)
        if now is None:
            was = _trace(before, name, example, private)
            told.append(f"{name} is gone: {_leaves(_holding(was.condition))}" if was is not None else f"{name} is gone")
        elif now.firing is None:
            told.append(f"{name} does not fire any more: {_why_not(now)}")
        else:
            told.append(f"{name} does not ask for it any more")
    if OUTCOMES.index(cause.after) > OUTCOMES.index(cause.before):
        found = find_counterfactuals(after, example.facts, as_of=example.as_of)
        found = told_counterfactuals(found, after.rules, private)
        told += [str(change) for change in found.changes[:1]]
    return told or _messages(after, example)


def private_in(*programs: Program) -> PrivateFields:
    """The fields that one of the versions calls private: their values are not told."""
    return PrivateFields(program.schema for program in programs if program.schema is not None)


def _trace(program: Program, name: str, example: Example, private: PrivateFields) -> RuleTrace | None:
    """What a rule came to; None: there is no such rule, or the facts were refused before any was asked."""
    if not any(rule.name == name for rule in program.rules):
        return None
    explanation = explain(program, example.facts, as_of=example.as_of, rules=[name])
    traces = masked_explanation(explanation, private).rules
    return traces[0] if traces else None


def _why_not(trace: RuleTrace) -> str:
    return trace.note or _leaves(_failing(trace.condition)) or "its condition did not hold"


def _messages(program: Program, example: Example) -> list[str]:
    """What is said of facts that no rule was asked about."""
    return [reason.text for reason in program.evaluate(example.facts, as_of=example.as_of).reasons[:_RULES]]


def _holding(trace: ConditionTrace) -> Iterator[ConditionTrace]:
    """The leaves for which a condition that holds does so."""
    match trace.kind:
        case "leaf":
            yield trace
        case "not":
            yield from _failing(trace.parts[0])
        case "any":
            yield from _holding(next((part for part in trace.parts if part.holds), trace.parts[0]))
        case _:
            for part in trace.parts:
                yield from _holding(part)


def _failing(trace: ConditionTrace) -> Iterator[ConditionTrace]:
    """The leaves for which a condition that does not hold does not."""
    match trace.kind:
        case "leaf":
            yield trace
        case "not":
            yield from _holding(trace.parts[0])
        case "all":
            yield from _failing(next((part for part in trace.parts if not part.holds), trace.parts[0]))
        case _:
            for part in trace.parts:
                yield from _failing(part)


def _leaves(leaves: Iterator[ConditionTrace]) -> str:
    found = list(leaves)
    more = f" and {len(found) - _LEAVES} more" if len(found) > _LEAVES else ""
    return " and ".join(_leaf(leaf) for leaf in found[:_LEAVES]) + more


def _leaf(leaf: ConditionTrace) -> str:
    seen = ", ".join(f"{name} is {_shown(value)}" for name, value in leaf.seen.items())
    holds = leaf.text if leaf.holds else f"not {leaf.text}"
    return f"{holds} ({seen})" if seen else holds


def _shown(value: Any) -> str:
    text = json.dumps(json_value(value), ensure_ascii=False)
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"
