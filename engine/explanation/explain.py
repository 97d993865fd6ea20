"""Say why facts were judged as they were.  program, facts -> cycle, watched -> [explain] -> CLI

Replays one evaluation on a compilation of its own, keeps what the slots held before and after every firing, and looks
at each rule asked about with the facts that it saw. The replay is the cycle itself, so it can't tell another story than
the evaluation. Slow, and in nobody's way but the asker's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.compiler import Compiler
from engine.errors import EngineError, FactsRejected
from engine.evaluation import Evaluation, Observer, json_value, run_cycle
from engine.explanation.condition_trace import ConditionTrace, Findings, Tracer
from engine.facts import Slots
from engine.language import Complete, Retract, Rule, has_focus
from engine.matching import validity
from engine.program import Program
from engine.suggestions import did_you_mean
from engine.values import moment, to_python


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

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        values = {"before": json_value(self.before), "after": json_value(self.after)}
        return {"firing": self.firing, "rule": self.rule, "field": self.field} | values


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule, and what its condition came to."""

    rule: Rule
    #: Which firing it was, from 1; None when the rule did not fire.
    firing: int | None
    #: Why a rule whose condition holds, or held, did not fire; may be empty.
    note: str
    #: With the facts as they were when it fired; of a rule that did not, as they were in the end.
    condition: ConditionTrace

    def to_json(self) -> dict[str, Any]:
        """The finding as plain data."""
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
    #: The rules asked about: those that fired in that order, each as often as it fired, then the others by agenda.
    rules: tuple[RuleFinding, ...]
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
        rules: names of the rules to look at; default: those that fired.
        every: look at all of them; default False.

    Returns:
        The explanation. Of facts that break the schema it has no rules: none was asked.

    Raises:
        EngineError: there is no rule of such a name (`rule-unknown`).
    """
    known = {rule.name: rule for rule in program.rules}
    for name in rules:
        if name not in known:
            raise EngineError("rule-unknown", f"there is no rule '{name}'{_guess(name, known)}")
    try:
        replay = _Replay(program, facts, moment(as_of))
    except FactsRejected:
        return Explanation(program.evaluate(facts, as_of=as_of), (), ())
    asked = known.values() if every else [known[name] for name in dict.fromkeys(rules)] or replay.involved()
    return Explanation(replay.evaluation, tuple(replay.findings(asked)), tuple(replay.changes()))


def _guess(name: str, known: Mapping[str, Rule]) -> str:
    hint = did_you_mean(name, known)
    return f"; {hint}" if hint else ""


class _Replay(Observer):
    """One evaluation, run again and remembered.

    Raises:
        FactsRejected: the facts can't be judged.
    """

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: datetime) -> None:
        compiled = Compiler(program.rules, program.schema, program.max_firings)
        self._agenda = compiled.agenda
        self._layout = compiled.layout
        self._as_of = as_of
        #: Each firing: the rule, and the fields that it changed.
        self._firings: list[tuple[Rule, list[str]]] = []
        self._matched: set[str] = set()
        self._slots = compiled.intake.read(facts, as_of)
        #: The slots before the first firing, then after each.
        self._states: list[Slots] = [list(self._slots)]
        self.evaluation = run_cycle(self._agenda, self._slots, facts, self)

    def rule_matched(self, rule: Rule) -> None:
        """Remember that it stood on the agenda."""
        self._matched.add(rule.name)

    def rule_fired(self, rule: Rule, changes: Mapping[str, Any]) -> None:
        """Remember what it left behind."""
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
        found = []
        for i, (rule, fields) in enumerate(self._firings):
            before, after = self._states[i], self._states[i + 1]
            for field in fields:
                slot = slots[field]
                found.append(Change(i + 1, rule.name, field, to_python(before[slot]), to_python(after[slot])))
        return found

    def findings(self, asked: Iterable[Rule]) -> list[RuleFinding]:
        """What the conditions of rules came to."""
        findings = Findings(self._layout)
        looks = {rule.name: findings.look(rule.condition) for rule in asked}
        # The looks need slots of their own, for the elements of lists.
        extra = [None] * (self._layout.size - len(self._slots))
        states = [state + extra for state in self._states]
        found = []
        for i, (rule, _) in enumerate(self._firings):
            if rule.name in looks:
                found.append(RuleFinding(rule, i + 1, "", looks[rule.name](states[i])))
        fired = {rule.name for rule, _ in self._firings}
        for ready in self._agenda.rules:
            name = ready.rule.name
            if name in looks and name not in fired:
                end = looks[name](states[-1])
                found.append(RuleFinding(ready.rule, None, self._note(ready.rule, looks[name], states), end))
        return found

    def _note(self, rule: Rule, look: Tracer, states: list[Slots]) -> str:
        """Why a rule did not fire, where its condition does not say so."""
        for reason in self.evaluation.reasons:
            if reason.outcome == "error" and reason.rule == rule.name:
                return "its action was refused, so nothing of the evaluation was kept"
        if not has_focus(rule):
            return f"agenda group '{rule.agenda_group}' never has the focus"
        moments = validity(rule)
        if moments is not None and self._as_of not in moments:
            return _out_of_force(rule, self._as_of)
        if rule.name not in self._matched and not look(states[-1]).holds:
            return ""
        if rule.lock_on_active and not look(states[0]).holds:
            return "locked on active: its condition did not hold from the start"
        for i, (by, _) in enumerate(self._firings):
            if any(isinstance(action, Retract) and action.rule == rule.name for action in by.actions):
                return f"'{by.name}' retracted it"
            if rule.activation_group is not None and by.activation_group == rule.activation_group:
                return f"'{by.name}' of the same activation group fired first"
            if any(isinstance(action, Complete) for action in by.actions):
                return f"'{by.name}' ended the evaluation before its turn"
            if rule.name in self._matched and look(states[i]).holds and not look(states[i + 1]).holds:
                return f"its condition held until '{by.name}' fired"
        return "the evaluation ended before its turn"


def _out_of_force(rule: Rule, as_of: datetime) -> str:
    """On which side of its dates a moment is."""
    if rule.date_effective is not None and moment(rule.date_effective) > as_of:
        return f"in force from {moment(rule.date_effective).isoformat()} on"
    return f"in force until {moment(rule.date_expires).isoformat()}" if rule.date_expires is not None else ""
