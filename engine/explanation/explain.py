"""Why facts were judged as they were: the rules that fired, what their conditions came to, and who changed what.

Takes a program and facts, gives an `Explanation`. Runs the cycle itself on what the program was compiled to, with an
observer that keeps the slots before and after every firing; then it traces each rule asked about with the slots that
the rule was matched against. Because the cycle is the same, an explanation can't differ from the evaluation. Slow, and
never part of judging: `rulefarm explain` and `rulefarm eval --explain` call it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.errors import EngineError, FactsRejected
from engine.evaluation import Evaluation, Observer, json_value, judged_at, run_cycle
from engine.explanation.condition_trace import ConditionTrace, TraceCompiler, Tracer
from engine.facts import Slots, path_label
from engine.language import Assign, Complete, Retract, Rule, has_focus
from engine.matching import validity
from engine.program import Program
from engine.suggestions import did_you_mean
from engine.values import Day, less_than, literal, text, to_python


@dataclass(frozen=True, slots=True)
class Change:
    """A field that a firing changed."""

    #: Which firing, from 1.
    firing: int
    rule: str
    #: As `Evaluation.changes` names it.
    field: str
    before: Any
    after: Any
    #: What a derived number without a value counted as when it was added to; None: it had one, or was assigned.
    counted_as: Any = None

    def to_json(self) -> dict[str, Any]:
        """The change as plain data; `counted_as` only where there is one."""
        values = {"before": json_value(self.before), "after": json_value(self.after)}
        if self.counted_as is not None:
            values["counted_as"] = json_value(self.counted_as)
        return {"firing": self.firing, "rule": self.rule, "field": self.field} | values


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule, and what its condition came to."""

    rule: Rule
    #: Which firing it was, from 1; None when the rule did not fire.
    firing: int | None
    #: Why a rule whose condition holds, or held, did not fire; may be empty.
    note: str
    #: With the facts as they were when it fired; of a rule that did not, as they were in the end.
    condition: ConditionTrace

    def to_json(self) -> dict[str, Any]:
        """The trace as plain data."""
        span = self.rule.span
        return {
            "rule": self.rule.name,
            "description": self.rule.description,
            "salience": self.rule.salience,
            "source": span.source if span else None,
            "line": span.line if span else None,
            "firing": self.firing,
            "note": self.note,
            "condition": self.condition.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why facts were judged as they were."""

    evaluation: Evaluation
    #: The rules asked about: first those that fired, in that order, each as often as it fired; then the others, in the
    #: order of the agenda.
    rules: tuple[RuleTrace, ...]
    #: What rules changed, in order; all of it, whatever rules were asked about.
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain data."""
        return {
            "evaluation": self.evaluation.to_json(),
            "rules": [rule.to_json() for rule in self.rules],
            "changes": [change.to_json() for change in self.changes],
        }


def explain(
    program: Program, facts: Mapping[str, Any], *, as_of: datetime, rules: Sequence[str] = (), every: bool = False
) -> Explanation:
    """Say why facts are judged as they are.

    Args:
        program: the rules.
        facts: as for `Program.evaluate`.
        as_of: the moment they are judged at.
        rules: names of the rules to trace; default: those that fired.
        every: trace all rules; default False.

    Returns:
        The explanation. Of facts that break the schema it has no rules, for none was evaluated.

    Raises:
        EngineError: there is no rule of such a name (`rule-unknown`); `bad-as-of`.
    """
    by_name = {rule.name: rule for rule in program.rules}
    for name in rules:
        if name not in by_name:
            hint = did_you_mean(name, by_name)
            raise EngineError("rule-unknown", f"there is no rule '{name}'" + (f"; {hint}" if hint else ""))
    try:
        replay = _Replay(program, program.own_names(facts), judged_at(as_of))
    except FactsRejected:
        return Explanation(program.evaluate(facts, as_of=as_of), (), ())
    asked = by_name.values() if every else [by_name[name] for name in dict.fromkeys(rules)] or replay.involved()
    return Explanation(replay.evaluation, tuple(replay.traces(asked)), tuple(replay.changes()))


class _Replay(Observer):
    """One evaluation, run again, with the slots as they were before and after every firing.

    Raises:
        FactsRejected: the facts can't be judged.
    """

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: datetime) -> None:
        compiled = program.compiled
        self._agenda = compiled.agenda
        self._layout = compiled.layout
        self._as_of = as_of
        #: Each firing: the rule, and the fields that it changed.
        self._firings: list[tuple[Rule, list[str]]] = []
        self._matched: set[str] = set()
        self._slots = compiled.reader.read(facts, as_of)
        #: The slots before the first firing, then after each.
        self._states: list[Slots] = [list(self._slots)]
        self.evaluation = run_cycle(self._agenda, self._slots, facts, self)

    def rule_matched(self, rule: Rule) -> None:
        """Keep that it was on the agenda."""
        self._matched.add(rule.name)

    def rule_fired(self, rule: Rule, changes: Mapping[str, Any]) -> None:
        """Keep the slots as it left them."""
        self._firings.append((rule, list(changes)))
        self._states.append(list(self._slots))

    def involved(self) -> list[Rule]:
        """The rules that fired, and the one that failed if one did."""
        failed = {reason.rule for reason in self.evaluation.reasons if reason.outcome == "error"}
        fired = [rule for rule, _ in self._firings]
        return fired + [ready.rule for ready in self._agenda.rules if ready.rule.name in failed]

    def changes(self) -> list[Change]:
        """What rules changed, in order."""
        slots = {name: slot for slot, name in self._agenda.labels.items()}
        changes = []
        for i, (rule, fields) in enumerate(self._firings):
            before, after = self._states[i], self._states[i + 1]
            for field in fields:
                slot = slots[field]
                counted_as = self._counted_as(rule, field) if before[slot] is None else None
                values = to_python(before[slot]), to_python(after[slot]), counted_as
                changes.append(Change(i + 1, rule.name, field, *values))
        return changes

    def _counted_as(self, rule: Rule, field: str) -> Any:
        """What a field without a value counted as in the first assignment of a rule to it."""
        for action in rule.actions:
            if isinstance(action, Assign) and path_label(action.target.fact, action.target.steps) == field:
                known = self._layout.field(action.target)
                return None if action.op == "=" or known is None else to_python(literal(known.start))
        return None

    def traces(self, asked: Iterable[Rule]) -> list[RuleTrace]:
        """What the conditions of rules came to, in the order of `Explanation.rules`."""
        compiler = TraceCompiler(self._layout)
        tracers = {rule.name: compiler.compile(rule.condition) for rule in asked}
        traces = []
        for i, (rule, _) in enumerate(self._firings):
            if rule.name in tracers:
                traces.append(RuleTrace(rule, i + 1, "", tracers[rule.name](self._states[i])))
        fired = {rule.name for rule, _ in self._firings}
        for ready in self._agenda.rules:
            name = ready.rule.name
            if name in tracers and name not in fired:
                end = tracers[name](self._states[-1])
                traces.append(RuleTrace(ready.rule, None, self._note(ready.rule, tracers[name]), end))
        return traces

    def _note(self, rule: Rule, trace: Tracer) -> str:
        """Why a rule did not fire, where its condition does not say so; empty when it does."""
        states = self._states
        for reason in self.evaluation.reasons:
            if reason.outcome == "error" and reason.rule == rule.name:
                return "its action was refused, so nothing of the evaluation was kept"
        if not has_focus(rule):
            return f"agenda group '{rule.agenda_group}' never has the focus"
        moments = validity(rule)
        if moments is not None and self._as_of not in moments:
            return _out_of_force(rule, self._as_of)
        if rule.name not in self._matched and not trace(states[-1]).holds:
            return ""
        if rule.lock_on_active and not trace(states[0]).holds:
            return "locked on active: its condition did not hold from the start"
        for i, (by, _) in enumerate(self._firings):
            if any(isinstance(action, Retract) and action.rule == rule.name for action in by.actions):
                return f"'{by.name}' retracted it"
            if rule.activation_group is not None and by.activation_group == rule.activation_group:
                return f"'{by.name}' of the same activation group fired first"
            if any(isinstance(action, Complete) for action in by.actions):
                return f"'{by.name}' ended the evaluation before its turn"
            if rule.name in self._matched and trace(states[i]).holds and not trace(states[i + 1]).holds:
                return f"its condition held until '{by.name}' fired"
        return "the evaluation ended before its turn"


def _out_of_force(rule: Rule, as_of: datetime) -> str:
    """On which side of its dates a moment is."""
    effective, expires = literal(rule.date_effective), literal(rule.date_expires)
    if effective is not None and less_than(as_of, effective):
        return f"in force from {text(effective)} on"
    end = "the end of " * isinstance(expires, Day)
    return f"in force until {end}{text(expires)}" if expires is not None else ""
