"""From checked rules to what a cycle needs.  ruleset -> [compiler] -> cycle, intake

Lays out the slots, compiles conditions and actions, builds the index, and finds out which rules depend on which. Costs
time in proportion to the rules; what it gives never changes."""

from collections.abc import Mapping, Sequence

from engine.evaluation import Actions, Agenda, CompiledRule, Expressions, Reason, Test, shape_of
from engine.facts import AS_OF, FactReader, Overlap, SlotLayout, Slots, path_label
from engine.language import (
    Assign,
    Complete,
    Decide,
    Expression,
    Literal,
    Path,
    Retract,
    Rule,
    action_expressions,
    has_focus,
)
from engine.matching import Conjunction, Entry, Index, NormalForm, Probes, Residual, Speech, ratio_of, validity
from engine.schema import Schema
from engine.values import NOTHING


class Compiler:
    """One compilation."""

    def __init__(self, rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> None:
        """Compile.

        Args:
            rules: in source order.
            schema: the facts; None: every field is optional and of any kind.
            max_firings: firings from which on a rule that fires again is a loop.
        """
        # Sorting is stable: equal salience keeps the source order.
        self._rules = sorted(rules, key=lambda rule: -rule.salience)
        self._layout = SlotLayout(schema)
        self._expressions = Expressions(self._layout)
        self._reads = [self._layout.note(rule.condition) for rule in self._rules]
        self._targets = [self._note_actions(rule) for rule in self._rules]
        self._overlaps: dict[Path, Overlap] = {}
        #: Takes facts, exactly.
        self.intake = FactReader(self._layout, self._written())
        #: The conjunctions of all conditions.
        self.entries = self._entries()
        #: The kind of every slot of which the schema says it.
        self.kinds = self._kinds()
        #: The rules and all that holds between them.
        self.agenda = self._agenda(max_firings)

    @property
    def layout(self) -> SlotLayout:
        """The slots."""
        return self._layout

    def _note_actions(self, rule: Rule) -> list[Path]:
        """Make slots for what actions read and write; gives what they write."""
        for action in rule.actions:
            for expression in action_expressions(action):
                self._layout.note(expression)
        targets = [action.target for action in rule.actions if isinstance(action, Assign)]
        for target in targets:
            self._layout.note(target)
            first = 0 if isinstance(target.steps[0], int) else 1
            for length in range(first, len(target.steps)):
                # Whether the parent can take it has to be known before it is written.
                self._layout.note(Path(target.fact, target.steps[:length]))
        return targets

    def _written(self) -> frozenset[tuple[str, bool]]:
        """The facts that rules write to, and whether as a list."""
        return frozenset((path.fact, isinstance(path.steps[0], int)) for each in self._targets for path in each)

    def _agenda(self, max_firings: int) -> Agenda:
        rules = self._rules
        actions = Actions(self._layout, self._expressions, {rule.name: i for i, rule in enumerate(rules)})
        readers: dict[int, int] = {}
        groups: dict[str, int] = {}
        locked = focused = 0
        for i, rule in enumerate(rules):
            for slot in self._reads[i]:
                readers[slot] = readers.get(slot, 0) | 1 << i
            if rule.activation_group is not None:
                groups[rule.activation_group] = groups.get(rule.activation_group, 0) | 1 << i
            locked |= rule.lock_on_active << i
            focused |= has_focus(rule) << i
        fed = frozenset(slot for each in self._targets for path in each for slot in self._overlap(path).slots)
        ready = []
        for i, rule in enumerate(rules):
            rivals = groups.get(rule.activation_group or "", 0) & ~(1 << i)
            steers = bool(rivals) or any(isinstance(action, Retract | Complete) for action in rule.actions)
            steers = steers or any(self._overlap(path).slots & readers.keys() for path in self._targets[i])
            acts = tuple(actions.compile(rule.name, action) for action in rule.actions)
            test = self._test(rule) if self._reads[i] & fed else None
            ready.append(CompiledRule(rule, 1 << i, test, acts, rivals | rule.once << i, steers))
        names, words = [rule.name for rule in rules], [_words(rule, actions) for rule in rules]
        said = [None if one.steers else spoken for one, spoken in zip(ready, words, strict=True)]
        index = Index(self.entries, Probes(self.kinds), Speech(names, said))
        places = {self._layout.slot(path.fact, path.steps): path for each in self._targets for path in each}
        return Agenda(
            tuple(ready),
            readers,
            locked,
            focused,
            {slot: path_label(path.fact, path.steps) for slot, path in places.items()},
            {slot: (path.fact, path.steps) for slot, path in places.items()},
            max_firings,
            names,
            words,
            said,
            index.match,
            index.judge,
        )

    def _overlap(self, target: Path) -> Overlap:
        if target not in self._overlaps:
            self._overlaps[target] = self._layout.overlap(target)
        return self._overlaps[target]

    def _test(self, rule: Rule) -> Test:
        """Tests the condition of a rule again after a change; dates too."""
        test, window = self._expressions.truth_of(rule.condition), validity(rule)
        if window is None:
            return test

        def dated(slots: Slots) -> bool:
            return slots[AS_OF] in window and test(slots)

        return dated

    def _entries(self) -> list[Entry]:
        forms = NormalForm(self._layout, self._expressions)
        entries = []
        for i, rule in enumerate(self._rules):
            if not has_focus(rule):
                continue
            window = validity(rule)
            if window == NOTHING:
                continue
            for conjunction in forms.of(rule.condition):
                if window is not None:
                    dated = {AS_OF: window, **conjunction.allowed}
                    conjunction = Conjunction(dated, conjunction.residuals)
                entries.append(Entry(i, conjunction, self._residual))
        return entries

    def _residual(self, node: Expression) -> Residual:
        slots = self._layout.note(node)
        return Residual(
            self._expressions.truth_of(node), ratio_of(node, self._layout), shape_of(node, self._layout), slots
        )

    def _kinds(self) -> Mapping[int, str]:
        fields = {slot: self._layout.field(Path(*place)) for place, slot in self._layout.places.items()}
        return {slot: field.kind for slot, field in fields.items() if field is not None}


def _words(rule: Rule, actions: Actions) -> tuple[Reason, ...] | None:
    """The reasons of a rule that only decides, in words known beforehand; None for any other."""
    found = []
    for action in rule.actions:
        if not isinstance(action, Decide) or not isinstance(action.reason, Literal):
            return None
        found.append(actions.reason(rule.name, action.outcome, action.reason))
    return tuple(found)
