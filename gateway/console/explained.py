"""Why a verdict came out as it did.  program, facts -> [explained] -> conditions, and the change that would do

As `rulefarm explain` says it: judged again by the rules of then, as of the same instant. Takes as long as so many
evaluations do: a page says it to who asks for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine import (
    ConditionTrace,
    PrivateFields,
    Program,
    explain,
    find_counterfactuals,
    json_value,
    masked_explanation,
    told_counterfactuals,
)
from rulefarm.verdict import Verdict

#: Firings that are shown, and characters of a value.
_MAX_FIRINGS, _MAX_CHARACTERS = 50, 200
_JOINED = {"all": "all of", "any": "any of", "not": "not"}


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """One part of a condition."""

    #: How deep it stands in others, from 0.
    depth: int
    text: str
    holds: bool
    #: What it saw, in words.
    seen: str


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """One firing."""

    firing: int | None
    name: str
    #: Why it did not fire, if it did not.
    note: str
    conditions: list[ConditionRow]
    #: What it changed, in words.
    changes: list[str]


@dataclass(frozen=True, slots=True)
class Explained:
    """Why, and what would have been better."""

    #: The outcome of judging again, if that differs from the verdict.
    otherwise: str | None
    rules: list[ExplainedRule]
    #: Firings that are not shown.
    left_out: int
    #: The smallest change of one number for a better outcome, in words; or why there is none.
    better: list[str]


def explained(program: Program, facts: dict[str, Any], verdict: Verdict, private: PrivateFields | None) -> Explained:
    """Explain a verdict.

    Args:
        program: the rules that judged.
        facts: that they judged.
        verdict: as it is on record.
        private: fields that are hidden; None: none are.
    """
    explanation = explain(program, facts, as_of=verdict.as_of)
    found = find_counterfactuals(program, facts, as_of=verdict.as_of)
    judged, on_record = explanation.evaluation.to_json(), verdict.to_json()
    same = all(judged[name] == on_record[name] for name in ("outcome", "fired", "changes", "events"))
    if private:
        explanation = masked_explanation(explanation, private)
        found = told_counterfactuals(found, program.rules, private)
    rules = [
        ExplainedRule(
            trace.firing,
            trace.rule.name,
            trace.note,
            list(_rows(trace.condition, 0)),
            [
                f"{change.field}: {_shown(change.before)} became {_shown(change.after)}"
                for change in explanation.changes
                if change.firing == trace.firing
            ],
        )
        for trace in explanation.rules[:_MAX_FIRINGS]
    ]
    better = [str(change) for change in found.changes] + ([found.note] if found.note else [])
    left_out = max(0, len(explanation.rules) - _MAX_FIRINGS)
    return Explained(None if same else judged["outcome"], rules, left_out, better)


def _rows(trace: ConditionTrace, depth: int) -> Iterator[ConditionRow]:
    seen = "; ".join(f"{name} is {_shown(value)}" for name, value in trace.seen.items())
    yield ConditionRow(depth, _JOINED.get(trace.kind, trace.text), trace.holds, seen)
    for part in trace.parts:
        yield from _rows(part, depth + 1)


def _shown(value: Any) -> str:
    text = json.dumps(json_value(value), ensure_ascii=False)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
