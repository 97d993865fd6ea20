"""Compile a ruleset, and judge facts with it.  ruleset -> layout, expressions, index -> [program] -> evaluation

The engine's front door. A `Program` never changes once it is made and may be shared between threads. No I/O, no clock:
`as_of` says when a job is judged. Whatever the facts are, `evaluate` raises nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.actions import Actions
from engine.cycle import Agenda, ReadyRule, run_cycle
from engine.errors import Diagnostic, FactsRejected
from engine.evaluation import Evaluation, FrameResult, refused
from engine.expressions import Expressions
from engine.index import Entry, Index
from engine.intake import Intake, label
from engine.layout import Layout
from engine.nodes import And, Assign, Complete, Path, Retract, Rule
from engine.normal_form import NormalForm
from engine.observers import Observer
from engine.probes import Probes
from engine.ruleset import Ruleset, read_sources
from engine.schema import Schema
from engine.values import moment
from engine.walk import action_expressions

if TYPE_CHECKING:
    import polars

#: More firings than that, and a rule among them that fired before, is taken for a loop.
MAX_FIRINGS = 1_000
#: The agenda group that has the focus.
MAIN = "MAIN"


def compile_ruleset(
    sources: Mapping[str, str | bytes], schema: Schema | None = None, *, max_firings: int = MAX_FIRINGS
) -> "Program":
    """Compile a ruleset.

    Args:
        sources: content by file name; the ending says what it is: `.grl` rules, `.csv` a decision table.
        schema: the facts of the domain; default None: every field is optional and of any kind.
        max_firings: firings in one evaluation, from which on a rule that fires again is a loop; default 1,000.

    Returns:
        The program.

    Raises:
        RulesetRejected: something is wrong; every problem of every file is in it.

    >>> from datetime import UTC
    >>> program = compile_ruleset({"a.grl": 'rule R { when P.price < 1 then Reject("cheap"); }'})
    >>> program.evaluate({"P": {"price": 0.5}}, as_of=datetime(2026, 1, 1, tzinfo=UTC)).outcome
    'reject'
    """
    return Program(read_sources(sources, schema), max_firings)


class Program:
    """A compiled ruleset."""

    def __init__(self, ruleset: Ruleset, max_firings: int = MAX_FIRINGS) -> None:
        """Compile a ruleset that was read and checked.

        Args:
            ruleset: its rules.
            max_firings: as for `compile_ruleset`.
        """
        self._ruleset = ruleset
        # Sorting is stable: equal salience keeps the source order.
        ordered = sorted(ruleset.rules, key=lambda rule: -rule.salience)
        self._layout = Layout(ruleset.schema)
        conditions = [self._layout.note(rule.condition) for rule in ordered]
        targets = self._note_actions(ordered)
        self._agenda = self._compile(ordered, conditions, targets, max_firings)
        self._intake = Intake(self._layout, _written(targets))
        self._dated = tuple((bit.bit, bit.rule) for bit in self._agenda.rules if _is_dated(bit.rule))
        self._reads, self._writes = self._fields(ordered, targets)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in source order."""
        return self._ruleset.rules

    @property
    def digest(self) -> str:
        """The version: sha256 of the canonical source, in hex."""
        return self._ruleset.digest

    @property
    def schema(self) -> Schema | None:
        """The facts of the domain; None: every field is optional and of any kind."""
        return self._ruleset.schema

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is odd about the ruleset, but did not stop it."""
        return self._ruleset.warnings

    @property
    def reads(self) -> frozenset[str]:
        """Every `Fact.field` that some rule reads."""
        return self._reads

    @property
    def writes(self) -> frozenset[str]:
        """Every `Fact.field` that some rule writes."""
        return self._writes

    def evaluate(self, facts: Mapping[str, Any], *, as_of: datetime, observer: Observer | None = None) -> Evaluation:
        """Judge one set of facts.

        Args:
            facts: each fact under its name: an object, or a list of objects. It is not changed.
            as_of: the moment it is judged at; one without a zone means UTC.
            observer: who watches; default None: nobody.

        Returns:
            The evaluation; facts that break the schema give the outcome `error`.
        """
        now = moment(as_of)
        try:
            slots = self._intake.take(facts, now)
        except FactsRejected as rejected:
            evaluation = refused(rejected.code, rejected.message, facts)
            if observer is not None:
                observer.cycle_ended(evaluation)
            return evaluation
        return run_cycle(self._agenda, slots, facts, self._allowed(now), observer)

    def evaluate_frame(self, frame: "polars.DataFrame", *, fact: str | None, as_of: datetime) -> FrameResult:
        """Judge every row of a frame by itself.

        Args:
            frame: one row per subject.
            fact: the fact whose fields the columns are; None: each column is a whole fact, an object or a list of them.
            as_of: the moment they are judged at; one without a zone means UTC.

        Returns:
            What `evaluate` says about each row.
        """
        rows = frame.iter_rows(named=True)
        return FrameResult([self.evaluate(row if fact is None else {fact: row}, as_of=as_of) for row in rows])

    def _allowed(self, now: datetime) -> int:
        """The bits of the rules that are in force."""
        allowed = self._in_focus
        for bit, rule in self._dated:
            late = rule.date_expires is not None and moment(rule.date_expires) <= now
            if late or (rule.date_effective is not None and moment(rule.date_effective) > now):
                allowed &= ~bit
        return allowed

    def _note_actions(self, rules: list[Rule]) -> list[list[Path]]:
        """Make slots for what actions read and write; gives each rule's targets."""
        targets = []
        for rule in rules:
            for action in rule.actions:
                for expression in action_expressions(action):
                    self._layout.note(expression)
            targets.append([action.target for action in rule.actions if isinstance(action, Assign)])
            for target in targets[-1]:
                self._layout.note(target)
                first = 0 if isinstance(target.steps[0], int) else 1
                for length in range(first, len(target.steps)):
                    # Whether the parent can take it has to be known before it is written.
                    self._layout.note(Path(target.fact, target.steps[:length]))
        return targets

    def _compile(
        self, rules: list[Rule], conditions: list[frozenset[int]], targets: list[list[Path]], max_firings: int
    ) -> Agenda:
        expressions = Expressions(self._layout)
        actions = Actions(self._layout, expressions, {rule.name: i for i, rule in enumerate(rules)})
        readers: dict[int, int] = {}
        groups: dict[str, int] = {}
        locked = focus = 0
        for i, rule in enumerate(rules):
            for slot in conditions[i]:
                readers[slot] = readers.get(slot, 0) | 1 << i
            if rule.activation_group is not None:
                groups[rule.activation_group] = groups.get(rule.activation_group, 0) | 1 << i
            locked |= rule.lock_on_active << i
            focus |= (rule.agenda_group in (None, MAIN)) << i
        self._in_focus = focus
        ready = []
        for i, rule in enumerate(rules):
            rivals = groups.get(rule.activation_group or "", 0) & ~(1 << i)
            steers = bool(rivals) or any(isinstance(action, Retract | Complete) for action in rule.actions)
            steers = steers or any(self._layout.overlap(target).slots & readers.keys() for target in targets[i])
            acts = tuple(actions.compile(rule.name, action) for action in rule.actions)
            ready.append(ReadyRule(rule, 1 << i, expressions.truth_of(rule.condition), acts, rivals, steers))
        places = {
            self._layout.slot(path.fact, path.steps): (path.fact, path.steps) for each in targets for path in each
        }
        names = {slot: label(*place) for slot, place in places.items()}
        steering = sum(one.bit for one in ready if one.steers)
        match = self._index(rules, expressions).match
        return Agenda(tuple(ready), readers, locked, steering, names, places, max_firings, match)

    def _index(self, rules: list[Rule], expressions: Expressions) -> Index:
        forms = NormalForm(self._layout, expressions)
        entries = []
        for i, rule in enumerate(rules):
            for conjunction in forms.of(rule.condition):
                residuals = conjunction.residuals
                whole = residuals[0] if len(residuals) == 1 else And(residuals)
                entries.append(Entry(i, conjunction, expressions.truth_of(whole) if residuals else None))
        fields = {slot: self._layout.field(Path(*place)) for place, slot in self._layout.places.items()}
        return Index(entries, Probes({slot: field.kind for slot, field in fields.items() if field is not None}))

    def _fields(self, rules: list[Rule], targets: list[list[Path]]) -> tuple[frozenset[str], frozenset[str]]:
        writes = frozenset(_field(path.fact, path.steps) for each in targets for path in each)
        reads: set[str] = set()
        for fact, steps in self._layout.places:
            fields = self._layout.element_fields.get(fact)
            if steps or fields is None:
                reads.add(_field(fact, steps))
            else:
                reads |= {f"{fact}.{field}" for field in fields}
        return frozenset(reads), writes


def _field(fact: str, steps: tuple[str | int, ...]) -> str:
    names = [step for step in steps if isinstance(step, str)]
    return f"{fact}.{names[0]}" if names else fact


def _written(targets: list[list[Path]]) -> frozenset[tuple[str, bool]]:
    """The facts that rules write to, and whether as a list."""
    return frozenset((path.fact, isinstance(path.steps[0], int)) for each in targets for path in each)


def _is_dated(rule: Rule) -> bool:
    return rule.date_effective is not None or rule.date_expires is not None
