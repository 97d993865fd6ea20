"""From checked rules to what evaluates facts: slots, index, agenda.

`compile_rules` takes the rules that `engine.ruleset` accepted and gives a `Compiled`, which never changes. Costs time
in proportion to the rules. What could be wrong with a rule was found by `engine.checks`; refuses rules that read more
than can be held at hand for each evaluation."""

import functools
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from engine.chains import ChainMaterial, Chains
from engine.diagnostics import Diagnostic
from engine.errors import RulesetRejected
from engine.evaluation import (
    Actions,
    Agenda,
    CompiledRule,
    Expressions,
    FiringState,
    ReasonTable,
    Test,
    linear_comparison,
)
from engine.facts import AS_OF, FactReader, SlotLayout, Slots, path_label
from engine.facts import reads as paths_read
from engine.language import (
    Assign,
    Complete,
    Expression,
    Literal,
    Path,
    Retract,
    Rule,
    action_expressions,
    has_focus,
    rule_expressions,
)
from engine.matching import (
    Conjunction,
    ElementIndex,
    Entry,
    Index,
    NormalForm,
    Probes,
    Residual,
    element_indexes,
    element_probe,
    find,
    finding_out,
    ratio_of,
    validity,
    with_extremes,
)
from engine.schema import Schema
from engine.values import NOTHING

#: Places in facts that the rules of a domain may read and write: a reader of so many takes some 200 MB to make.
MAX_PLACES = 5_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """A ruleset, as the cycle, the columnar pass and the explainers need it."""

    #: Frozen.
    layout: SlotLayout
    reader: FactReader
    #: The conjunctions of all conditions, in agenda order.
    entries: Sequence[Entry]
    #: Slot to the kind of its values, where the schema says so: `number`, `text`...
    kinds: Mapping[int, str]
    agenda: Agenda
    #: None where no rule bears on another: then nothing has to be planned.
    chains: Chains | None
    #: Of the lists of which something is found out before any rule is asked.
    elements: Sequence[ElementIndex]
    #: The list facts that some rule reads, or writes, besides.
    walked: frozenset[str]


def compile_rules(rules: Sequence[Rule], schema: Schema | None, max_firings: int) -> Compiled:
    """Compile rules.

    Args:
        rules: in source order.
        schema: the facts; None: every field is optional and of any kind.
        max_firings: firings from which on a rule that fires again is a loop.

    Raises:
        RulesetRejected: the rules read and write more than MAX_PLACES places.
    """
    # Sorting is stable: equal salience keeps the source order.
    ordered = sorted(rules, key=lambda rule: -rule.salience)
    layout = SlotLayout(schema)
    reads = [layout.note(rule.condition) for rule in ordered]
    targets = [_note_actions(rule, layout) for rule in ordered]
    changed = _changed(targets, layout)
    written = frozenset((path.fact, isinstance(path.steps[0], int)) for paths in targets for path in paths)
    written_facts = frozenset(fact for fact, _ in written)
    compared = [_with_extremes(rule, layout, written_facts) for rule in ordered]
    findings = find(compared, layout, frozenset[int]().union(*changed), written_facts)
    layout.freeze()
    if layout.size > MAX_PLACES:
        message = f"the rules read and write {layout.size:,} different fields, and a domain may have {MAX_PLACES:,}"
        hint = "make a list of what differs in its name alone, or a domain of its own of a part of the rules"
        raise RulesetRejected([Diagnostic("too-many-fields-read", "error", None, message, hint)])
    expressions = Expressions(layout)
    actions = Actions(layout, expressions, {})
    elements = element_indexes(findings, layout, expressions)
    kinds = {**_kinds(layout), **{slot: kind for index in elements for slot, kind in index.kinds.items()}}
    asked = [findings.in_rule(rule) for rule in compared]
    entries = _entries(asked, layout, expressions)
    readers = _readers(reads)
    compiled = _compiled_rules(ordered, asked, reads, changed, readers, layout)
    reasons = ReasonTable([rule.name for rule in ordered], [actions.constant_reasons(rule) for rule in asked])
    independent_reasons = ReasonTable(
        reasons.names,
        [None if one.steers else constant for one, constant in zip(compiled, reasons.reasons, strict=True)],
    )
    packs = {slot: pack for index in elements for slot, pack in index.packs.items()}
    index = Index(entries, Probes(kinds, packs), independent_reasons)
    places = {layout.slot(path.fact, path.steps): (path.fact, path.steps) for paths in targets for path in paths}
    agenda = Agenda(
        rules=compiled,
        readers=readers,
        locked=_bits(rule.lock_on_active for rule in ordered),
        focused=_bits(map(has_focus, ordered)),
        labels={slot: path_label(*place) for slot, place in places.items()},
        places=places,
        max_firings=max_firings,
        reasons=reasons,
        independent_reasons=independent_reasons,
        match=index.match,
        match_or_evaluate=index.match_or_evaluate,
    )
    chains = None
    if any(one.steers for one in compiled):
        by_label = {agenda.labels[slot]: place for slot, place in places.items()}
        positions = {rule.name: i for i, rule in enumerate(ordered)}
        chains = Chains(ChainMaterial(agenda, asked, entries, reads, changed, layout, kinds, positions, by_label))
    reader = FactReader(layout, written, finding_out([element_probe(index) for index in elements]))
    return Compiled(layout, reader, entries, kinds, agenda, chains, elements, _walked(asked, layout))


def _with_extremes(rule: Rule, layout: SlotLayout, written: frozenset[str]) -> Rule:
    """A rule whose condition compares extremes, where it compared each element of a list that no rule writes."""
    condition = with_extremes(rule.condition, layout, written) if layout.elements else rule.condition
    return rule if condition is rule.condition else replace(rule, condition=condition)


def _walked(rules: Sequence[Rule], layout: SlotLayout) -> frozenset[str]:
    """The list facts that some rule reads or writes, with findings in the rules."""
    lists = {*layout.elements, *(layout.schema.list_facts if layout.schema is not None else ())}
    if not lists:
        return frozenset()
    every = (node for rule in rules for node in rule_expressions(rule))
    written = (action.target for rule in rules for action in rule.actions if isinstance(action, Assign))
    paths = chain(written, (path for node in every for path, _ in paths_read(node)))
    return frozenset(path.fact for path in paths if path.fact in lists)


def _note_actions(rule: Rule, layout: SlotLayout) -> list[Path]:
    """Make slots for what actions read and write; gives what they write."""
    for action in rule.actions:
        for expression in action_expressions(action):
            # Most actions give a reason as it is written.
            if not isinstance(expression, Literal):
                layout.note(expression)
    targets = [action.target for action in rule.actions if isinstance(action, Assign)]
    for target in targets:
        layout.note(target)
        first = 0 if isinstance(target.steps[0], int) else 1
        for length in range(first, len(target.steps)):
            # Whether the parent can take it has to be known before it is written.
            layout.note(Path(target.fact, target.steps[:length]))
    return targets


def _kinds(layout: SlotLayout) -> Mapping[int, str]:
    fields = {slot: layout.field(Path(*place)) for place, slot in layout.places.items()}
    return {slot: field.kind for slot, field in fields.items() if field is not None}


def _entries(rules: Sequence[Rule], layout: SlotLayout, expressions: Expressions) -> list[Entry]:
    """The conjunctions of the rules that may fire at all."""
    forms = NormalForm(layout, expressions)
    # One test may stand in every conjunction of its rule, and in more than one index; the node is kept with what was
    # made of it, so that no other one gets its id.
    made: dict[int, tuple[Expression, Residual]] = {}

    def residual(node: Expression) -> Residual:
        if id(node) not in made:
            ratio, linear = ratio_of(node, layout), linear_comparison(node, layout)
            made[id(node)] = node, Residual(expressions.truth_of(node), ratio, linear, layout.note(node))
        return made[id(node)][1]

    entries = []
    for i, rule in enumerate(rules):
        window = validity(rule)
        if window == NOTHING or not has_focus(rule):
            continue
        for conjunction in forms.of(rule.condition):
            if window is not None:
                conjunction = Conjunction({AS_OF: window, **conjunction.allowed}, conjunction.residuals)
            entries.append(Entry(i, conjunction, residual))
    return entries


def _readers(reads: Sequence[frozenset[int]]) -> Mapping[int, int]:
    """Slot to the bits of the rules that read it."""
    readers: dict[int, int] = {}
    for i, slots in enumerate(reads):
        for slot in slots:
            readers[slot] = readers.get(slot, 0) | 1 << i
    return readers


def _changed(targets: Sequence[Sequence[Path]], layout: SlotLayout) -> list[frozenset[int]]:
    """The slots that the actions of each rule may change."""
    overlap = functools.cache(layout.overlap)
    return [frozenset(slot for path in paths for slot in overlap(path).slots) for paths in targets]


def _compiled_rules(
    rules: Sequence[Rule],
    asked: Sequence[Rule],
    reads: Sequence[frozenset[int]],
    changed: Sequence[frozenset[int]],
    readers: Mapping[int, int],
    layout: SlotLayout,
) -> tuple[CompiledRule, ...]:
    """What each rule does, and what its firing means for the others.

    Args:
        rules: in agenda order.
        asked: the same, with findings in them.
        reads: the slots that the condition of each reads.
        changed: the slots that the actions of each may change.
        readers: slot to the bits of the rules that read it.
        layout: frozen.
    """
    groups: dict[str | None, int] = {}
    for i, rule in enumerate(rules):
        if rule.activation_group is not None:
            groups[rule.activation_group] = groups.get(rule.activation_group, 0) | 1 << i
    changeable = frozenset[int]().union(*changed)
    positions = {rule.name: i for i, rule in enumerate(rules)}
    compiled = []
    for i, (rule, finding) in enumerate(zip(rules, asked, strict=True)):
        rivals = groups.get(rule.activation_group, 0) & ~(1 << i)
        steers = bool(rivals) or any(isinstance(action, Retract | Complete) for action in rule.actions)
        steers = steers or not readers.keys().isdisjoint(changed[i])
        is_tested = not reads[i].isdisjoint(changeable)
        compiled.append(
            _on_demand(rule, finding, 1 << i, rivals | rule.once << i, steers, is_tested, positions, layout)
        )
    return tuple(compiled)


def _on_demand(
    rule: Rule,
    asked: Rule,
    bit: int,
    rivals: int,
    steers: bool,
    is_tested: bool,
    positions: Mapping[str, int],
    layout: SlotLayout,
) -> CompiledRule:
    """A rule whose test and actions are compiled when it is first tested or fires: most rules never do either.

    Args:
        rule: the rule.
        asked: the same, with findings in it.
        bit: of its position on the agenda.
        rivals: as in `CompiledRule`.
        steers: as in `CompiledRule`.
        is_tested: whether some rule can change what its condition reads.
        positions: each rule's place on the agenda, by name.
        layout: frozen.
    """

    # Two threads may both come here first, and one may be stopped in the middle: each makes its own from the start.
    # They hold the rule weakly, so that a program is freed without the collector.
    def test(slots: Slots) -> bool:
        made = _test(asked, Expressions(layout))
        if (whole := compiled()) is not None:
            whole.test = made
        return made(slots)

    def act(state: FiringState) -> None:
        actions = Actions(layout, Expressions(layout), positions)
        acts = tuple(actions.compile(rule.name, action) for action in asked.actions)
        if (whole := compiled()) is not None:
            whole.acts = acts
        for one in acts:
            one(state)

    on_demand = CompiledRule(rule, bit, test if is_tested else None, (act,), rivals, steers)
    compiled = weakref.ref(on_demand)
    return on_demand


def _bits(flags: Iterable[bool]) -> int:
    """A bit for each rule of which something is so."""
    return sum(flag << i for i, flag in enumerate(flags))


def _test(rule: Rule, expressions: Expressions) -> Test:
    """Tests the condition of a rule again after a change; dates too."""
    test, window = expressions.truth_of(rule.condition), validity(rule)
    if window is None:
        return test

    def dated(slots: Slots) -> bool:
        return slots[AS_OF] in window and test(slots)

    return dated
