"""Judge facts by one generated step for each rule that may fire.  rule_writer, loops -> [stepped] -> chains

For rules too many to stand one after the other. What a condition tests on fields that no rule writes goes to an index
of its own, which gives the candidates; what it tests besides stands in the rule's step, made when the rule is first a
candidate. The candidates are gone through in agenda order, each tested when its turn comes. Where edges lead back, a
write puts the readers of the field back among those that are to be looked at. What is left to the cycle is `Odd`."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from engine.chains.chain_rule import ChainMaterial, ChainRule, walks
from engine.chains.loops import loop_of
from engine.chains.rule_writer import RuleWriter
from engine.chains.step_code import StepCode
from engine.evaluation import Evaluation, Reason, ReasonTable, RuleEvent, worst
from engine.facts import Slots
from engine.language import Complete, Expression
from engine.matching import Conjunction, Entry, Index, Probes
from engine.values import Value, equal

#: Conjunctions that test nothing but what rules write are candidates for all facts; with more, the index of the whole
#: conditions finds what matches faster.
_MAX_UNGUARDED = 64


class Run:
    """What the steps of one evaluation change besides the slots."""

    __slots__ = ("back", "before", "blocked", "changes", "events", "fired", "logs", "reasons")

    def __init__(self) -> None:
        self.fired: list[str] = []
        self.reasons: list[Reason] = []
        self.changes: dict[str, Any] = {}
        self.logs: list[str] = []
        self.events: list[RuleEvent] = []
        #: Slots that were written, with what they held at first.
        self.before: dict[int, Value] = {}
        #: Bits of the rules that fire no more.
        self.blocked = 0
        #: Bits of the rules that are to be looked at again.
        self.back = 0


#: Tests a rule and lets it fire; gives whether no rule may fire after it.
Step = Callable[[Slots, Run], bool]


class Stepped:
    """The steps of one program."""

    def __init__(self, rules: Sequence[ChainRule], material: ChainMaterial) -> None:
        """Build the index; the steps are made when they are needed.

        Args:
            rules: all that may fire, in agenda order, each with all of its conjunctions.
            material: the program.
        """
        self._material = material
        self._written = frozenset[int]().union(*(rule.changed for rule in rules))
        self._rules = {rule.position: rule for rule in rules}
        self._is_looping = bool(loop_of(rules))
        self._blockable = 0
        for rule in rules:
            self._blockable |= rule.blocks & (-1 if self._is_looping else -2 << rule.position)
        #: By the id of a residual test, which the program keeps.
        self._free: dict[int, bool] = {}
        entries = [self._guard(entry) for rule in rules for entry in rule.entries]
        #: Whether there are few rules that no test keeps from being candidates.
        self.is_guarded = sum(not _tests(entry.conjunction) for entry in entries) <= _MAX_UNGUARDED
        independent = material.agenda.independent_reasons
        constants = list(independent.reasons)
        for rule in rules:
            if not self._written.isdisjoint(rule.reads) or self._blockable >> rule.position & 1:
                constants[rule.position] = None
        #: By position on the agenda: the reasons of a rule for whose firing nothing else has to be done.
        self._constants = constants
        self._names = independent.names
        self._entries = entries
        self._match = self._index(entries).match_or_evaluate
        #: Positions of the rules whose conditions read what rules write.
        self._readers = {rule.position for rule in rules if not self._written.isdisjoint(rule.reads)}
        #: By position on the agenda.
        self._steps: dict[int, Step] = {}

    def judge(self, slots: Slots, given: Any) -> Evaluation:
        """Judge facts.

        Args:
            slots: the facts; they are changed.
            given: the facts as they were passed in, for the evaluation.

        Raises:
            Odd: the cycle has to judge, on fresh slots.
            ActionRefused: the same.
        """
        answer = self._match(slots, given)
        if isinstance(answer, Evaluation):
            return answer
        return self._judge(set(answer), slots, given)

    def judge_matched(self, slots: Slots, matched: Iterable[int]) -> Evaluation:
        """Judge facts of which it is known what matches them before a rule fires.

        Args:
            slots: the facts; they are changed.
            matched: positions of the rules that match.

        Returns:
            The evaluation, without the facts as they were passed in.

        Raises:
            Odd: as of `judge`.
            ActionRefused: the same.
        """
        # What no rule writes matches all the time; of the others it is not known what their guards say.
        candidates = set(matched) - self._readers
        return self._judge(candidates.union(self._reader_index.match(slots)), slots, {})

    @cached_property
    def _reader_index(self) -> Index:
        return self._index([entry for entry in self._entries if entry.position in self._readers])

    def _index(self, entries: Sequence[Entry]) -> Index:
        return Index(entries, Probes(self._material.kinds), ReasonTable(self._names, self._constants))

    def _judge(self, positions: set[int], slots: Slots, given: Any) -> Evaluation:
        run = Run()
        (self._again_and_again if self._is_looping else self._once)(sorted(positions), slots, run)
        changes, labels = run.changes, self._material.agenda.labels
        for slot, before in run.before.items():
            if equal(before, slots[slot]):
                del changes[labels[slot]]
        reasons, places = run.reasons, self._material.places
        return Evaluation(worst(reasons), run.fired, reasons, changes, run.logs, given, places, run.events)

    def _once(self, positions: list[int], slots: Slots, run: Run) -> None:
        """Go through the candidates."""
        steps, constants, names = self._steps, self._constants, self._names
        for position in positions:
            constant = constants[position]
            if constant is not None:
                run.fired.append(names[position])
                run.reasons += constant
                continue
            step = steps.get(position) or self._made(position)
            if step(slots, run):
                return

    def _again_and_again(self, positions: list[int], slots: Slots, run: Run) -> None:
        """Go through the candidates, and through those again that a write puts back."""
        candidates = 0
        for position in positions:
            candidates |= 1 << position
        pending = candidates
        while pending:
            position = (pending & -pending).bit_length() - 1
            pending &= pending - 1
            step = self._steps.get(position) or self._made(position)
            if step(slots, run):
                return
            if run.back:
                pending |= run.back & candidates
                run.back = 0

    def _guard(self, entry: Entry) -> Entry:
        """The part of a conjunction that the index tests: what no rule can change."""
        return entry.part(self._part(entry.conjunction, guard=True))

    def _part(self, conjunction: Conjunction, *, guard: bool) -> Conjunction:
        """What the index tests of a conjunction, or the rest of it, which its step tests."""
        free = {id(node): node for node in conjunction.residuals if self._is_free(node)}
        if not self._written.isdisjoint(conjunction.allowed) or len(free) < len(conjunction.residuals):
            # Going through a list comes last: mostly, the fields that rules write have said no before.
            free = {key: node for key, node in free.items() if not walks(node)}
        return Conjunction(
            {slot: values for slot, values in conjunction.allowed.items() if (slot not in self._written) is guard},
            tuple(node for node in conjunction.residuals if (id(node) in free) is guard),
        )

    def _is_free(self, node: Expression) -> bool:
        """Whether no rule can change what a residual test reads; it may stand in many conjunctions."""
        known = self._free.get(id(node))
        if known is None:
            known = self._free[id(node)] = self._written.isdisjoint(self._material.layout.note(node))
        return known

    def _made(self, position: int) -> Step:
        """The step of a rule; two threads may both make it, and either one will do."""
        rule, material = self._rules[position], self._material
        code = StepCode("step", ["slots", "run"], material.kinds)

        def written(slot: int) -> None:
            code.line(f"if {slot:d} not in run.before: run.before[{slot:d}] = {code.field(slot)}")
            if self._is_looping:
                readers = material.agenda.readers.get(slot, 0) & ~(rule.rule.no_loop << position)
                code.line(f"run.back |= {code.bind(readers)}")

        writer = RuleWriter(code, material, "run.", written)
        condition = ""
        if len(rule.entries) > 1 and not self._written.isdisjoint(rule.reads):
            # Which of them the index found is not told: each is tested as a whole.
            condition = writer.conditions.any_of([entry.conjunction for entry in rule.entries], frozenset())
        elif len(rule.entries) == 1:
            condition = writer.conditions.any_of([self._part(rule.entries[0].conjunction, guard=False)], frozenset())
        tests = [f"not run.blocked & {code.bind(1 << position)}"] if self._blockable >> position & 1 else []
        tests += [f"({condition})"] if condition else []
        code.line(f"if {' and '.join(tests) or 'True'}:")
        with code.writer.indent():
            if self._is_looping:
                code.line(f"if len(run.fired) >= {material.agenda.max_firings:d}: raise {code.odd}")
            if rule.blocks:
                code.line(f"run.blocked |= {code.bind(rule.blocks)}")
            ends = any(isinstance(action, Complete) for action in rule.rule.actions)
            if writer.fire(rule) and ends:
                code.line("return True")
        code.line("return False")
        step: Step = code.writer.compile()
        self._steps[position] = step
        return step


def _tests(conjunction: Conjunction) -> bool:
    return bool(conjunction.allowed or conjunction.residuals)
