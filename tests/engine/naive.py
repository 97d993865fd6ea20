"""The meaning of rules, as plainly as it can be written: slow, obvious, and apart from the engine it is held against.

Numbers are decimals throughout, every plan tests every condition again, every assignment looks at all that rules read.
It shares the nodes and the bodies of the functions with the engine, and nothing else."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from engine.language import Path, Rule, nodes
from engine.schema import Schema
from tests.engine.naive_expressions import Expressions, paths, seen
from tests.engine.naive_facts import Intake
from tests.engine.naive_values import (
    MAX_TEXT,
    Refused,
    arithmetic,
    compare,
    equal,
    follow,
    fresh,
    kind,
    nesting,
    plain,
    size,
    takes,
    text,
)

OUTCOMES = ["accept", "review", "reject"]
MAX_NESTING = 32
MAX_PARTS = 10_000


@dataclass
class Answer:
    outcome: str = "accept"
    fired: list[str] = field(default_factory=list)
    reasons: list[tuple[str | None, str, str]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    events: list[tuple[str, list[Any], str]] = field(default_factory=list)
    code: str | None = None


class Naive:
    """Evaluates one ruleset. Of a schema it knows what may be assigned; the facts it takes to be right."""

    def __init__(self, rules: list[Rule], max_firings: int = 1_000, schema: Schema | None = None) -> None:
        self.schema = schema
        self.zone: tzinfo = UTC if schema is None else schema.zone
        self.max_firings = max_firings
        self.rules = sorted(rules, key=lambda rule: -rule.salience)
        self.intake = Intake(rules, schema)
        self.reads = {rule.name: set(paths(rule.condition)) for rule in rules}
        #: All that conditions read, by fact.
        self.reads_of: dict[str, set[tuple[Path, bool]]] = {}
        for read in set().union(*self.reads.values()):
            self.reads_of.setdefault(read[0].fact, set()).add(read)

    def evaluate(self, raw: dict[str, Any], as_of: datetime) -> Answer:
        try:
            facts = self.intake.take(raw)
            return Evaluation(self, facts, as_of).answer()
        except Refused as refused:
            return Answer("error", code=refused.args[0])


class Evaluation:
    """One evaluation."""

    def __init__(self, naive: Naive, facts: dict[str, Any], as_of: datetime) -> None:
        self.naive = naive
        self.facts = facts
        self.as_of = as_of
        self.targets: dict[str, Path] = {}
        self.said = Answer()
        #: Rules that fire no more.
        self.blocked: set[str] = set()
        #: Rules that fired, and whether something that they read has changed since.
        self.changed_since: dict[str, bool] = {}
        self.complete = False

    def answer(self) -> Answer:
        start = fresh(self.facts)
        said, always = self.said, None
        while not self.complete:
            holding = [rule for rule in self.naive.rules if self.holds(rule)]
            names = {rule.name for rule in holding}
            #: Rules that have held from the start.
            always = names if always is None else always & names
            agenda = [
                rule
                for rule in holding
                if rule.name not in self.blocked
                and self.changed_since.get(rule.name, True)
                and (not rule.lock_on_active or rule.name in always)
            ]
            if not agenda:
                break
            if len(said.fired) >= self.naive.max_firings and agenda[0].name in said.fired:
                raise Refused("rules-diverged")
            self.fire(agenda[0])
        for name, path in self.targets.items():
            old, new = follow(start.get(path.fact), path.steps), follow(self.facts.get(path.fact), path.steps)
            if not equal(old, new):
                said.changes[name] = plain(new)
        said.outcome = max([outcome for _, outcome, _ in said.reasons], key=OUTCOMES.index, default="accept")
        return said

    def holds(self, rule: Rule) -> bool:
        if rule.agenda_group not in (None, "MAIN"):
            return False
        if rule.date_effective is not None and compare("<", self.as_of, rule.date_effective):
            return False
        if isinstance(rule.date_expires, datetime) and self.as_of >= rule.date_expires:
            return False
        if rule.date_expires is not None and compare(">", self.as_of, rule.date_expires):
            return False
        return Expressions(self.facts, self.as_of, self.naive.zone).true(rule.condition)

    def value(self, node: nodes.Expression) -> Any:
        return Expressions(self.facts, self.as_of, self.naive.zone).value(node)

    def text(self, node: nodes.Expression) -> str:
        return text(Expressions(self.facts, self.as_of, self.naive.zone).in_text(node))[:MAX_TEXT]

    def fire(self, rule: Rule) -> None:
        self.said.fired.append(rule.name)
        self.changed_since[rule.name] = False
        if rule.lock_on_active or rule.once:
            self.blocked.add(rule.name)
        if rule.activation_group:
            self.blocked |= {
                other.name
                for other in self.naive.rules
                if other.activation_group == rule.activation_group and other is not rule
            }
        moved: set[tuple[Path, bool]] = set()
        for action in rule.actions:
            match action:
                case nodes.Decide(outcome, reason):
                    self.said.reasons.append((rule.name, outcome, self.text(reason)))
                case nodes.Log(said):
                    self.said.logs.append(self.text(said))
                case nodes.Emit(name, args):
                    self.emit(
                        rule, name, [Expressions(self.facts, self.as_of, self.naive.zone).in_text(arg) for arg in args]
                    )
                case nodes.Retract(name):
                    self.blocked.add(name)
                case nodes.Complete():
                    self.complete = True
                case nodes.Assign(target, op, value):
                    was = {read: fresh(seen(self.facts, *read)) for read in self.naive.reads_of.get(target.fact, ())}
                    self.assign(target, op, self.value(value))
                    moved |= {read for read in was if not equal(was[read], seen(self.facts, *read))}
        for other in self.naive.rules:
            if moved & self.naive.reads[other.name] and not (other is rule and rule.no_loop):
                self.changed_since[other.name] = True

    def emit(self, rule: Rule, name: str, values: list[Any]) -> None:
        kept = [None if nesting(value) > MAX_NESTING or size(value) > MAX_PARTS else value for value in values]
        schema = self.naive.schema
        if schema is not None:
            kinds = zip(map(kind, kept), schema.calls[name].args, strict=True)
            if any(given not in (wanted, "null") for given, wanted in kinds):
                raise Refused("call-refused")
        self.said.events.append((name, [plain(fresh(value)) for value in kept], rule.name))

    def assign(self, target: Path, op: str, value: Any) -> None:
        facts = self.facts
        old = follow(facts.get(target.fact), target.steps)
        schema = self.naive.schema
        steps = target.steps[1:] if isinstance(target.steps[0], int) else target.steps
        known = schema.facts[target.fact].fields[str(steps[0])] if schema is not None and len(steps) == 1 else None
        counts_as = old
        if old is None and known is not None and known.derived and known.kind in ("number", "duration"):
            counts_as = known.default or (Decimal(0) if known.kind == "number" else timedelta(0))
        # A copy: what is written may be, or hold, the very object that it is written into.
        new = fresh(value) if op == "=" else arithmetic(op[0], counts_as, value)
        if nesting(new) + len(target.steps) > MAX_NESTING or size(new) > MAX_PARTS:
            new = None
        if known is not None and not takes(known, new):
            raise Refused("assignment-refused")
        if equal(old, new):
            return
        name = target.fact + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in target.steps)
        holder: Any = facts
        keys: tuple[Any, ...] = (target.fact, *target.steps)
        for key, next_key in itertools.pairwise(keys):
            if isinstance(holder, dict) and holder.get(key) is None and isinstance(next_key, str):
                holder[key] = {}
            holder = holder[key] if isinstance(holder, list) else holder.get(key)
            if isinstance(next_key, int):
                if not isinstance(holder, list) or next_key >= len(holder):
                    raise Refused("assignment-refused")
                if holder[next_key] is None and next_key is not keys[-1]:
                    holder[next_key] = {}
            elif not isinstance(holder, dict):
                raise Refused("assignment-refused")
        if new is None and isinstance(holder, dict):
            holder.pop(keys[-1], None)
        else:
            holder[keys[-1]] = new
        self.targets.setdefault(name, target)
