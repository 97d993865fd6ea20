"""Judge facts by generated code, where rules read what rules write.  straight_line, stepped -> [chains] -> compiler

Rules that equality on one field separates (`Product.category == "books"`) are classes: facts are judged by the rules of
theirs alone. A class of a few rules has one function for all of them, made when the first facts of it come; of others
each rule has a step. Where rules bear on each other in a way that neither is made for, the cycle judges; where one of
them meets something odd, it gives no answer, and the caller begins again with the cycle, on fresh slots: so nothing
that it did is kept. The answers are those of the cycle."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from engine.chains.chain_rule import ChainMaterial, ChainRule, walks
from engine.chains.step_code import Odd
from engine.chains.stepped import Stepped
from engine.chains.straight_line import Judge, straight_line
from engine.collector import no_collector
from engine.evaluation import ActionRefused, Evaluation, run_cycle
from engine.facts import Slots
from engine.matching import Entry, splits
from engine.values import ANYTHING

#: Rules, and conjunctions of them, that are written out one after the other; with more, the index finds what matches
#: without a look at each.
_FEW_RULES = 64
_FEW_CONJUNCTIONS = 256
#: Tests of all of them: a longer text takes too long to compile.
_FEW_TESTS = 1_024


class Chains:
    """The classes of one program."""

    def __init__(self, material: ChainMaterial, few_rules: int = _FEW_RULES) -> None:
        """Prepare; everything else is made when facts come, or `warm_up` is called.

        Args:
            material: the program.
            few_rules: the rules of a class that are written out one after the other, at most; default 64.
        """
        self.material = material
        self._few_rules = few_rules
        #: Value of the field that is split on to the function of its class.
        self._judges: dict[Any, Judge] = {}

    def judge(self, slots: Slots, given: Any) -> Evaluation | None:
        """Judge facts.

        Args:
            slots: the facts; they are changed.
            given: the facts as they were passed in, for the evaluation.

        Returns:
            The evaluation; None where the cycle has to judge, on fresh slots.
        """
        try:
            return self._judge_for(slots)(slots, given)
        except (Odd, ActionRefused):
            return None

    def judge_matched(self, slots: Slots, matched: list[int]) -> Evaluation | None:
        """Judge facts of which it is known what matches them before a rule fires.

        Args:
            slots: the facts; they are changed.
            matched: positions of the rules that match, rising.

        Returns:
            The evaluation, without the facts as they were passed in; None as of `judge`.
        """
        judge = self._judge_for(slots)
        try:
            if judge is not self._by_steps:
                return judge(slots, {})
            if self._stepped is None:
                return run_cycle(self.material.agenda, slots, {}, None, matched)
            return self._stepped.judge_matched(slots, matched)
        except (Odd, ActionRefused):
            return None

    def _judge_for(self, slots: Slots) -> Judge:
        value = slots[self._split[0]]
        # A boolean would be found under 0.0 and 1.0, a list can't be looked up.
        judge = self._judges.get(value) if value.__class__ is str else None
        return self._judge_of(value) if judge is None else judge

    def warm_up(self, most: int) -> None:
        """Make functions before facts come.

        Args:
            most: classes for which one is made; those of the others are made when their facts come.
        """
        for key in (None, *islice(self._split[1], most)):
            self._judge_of(key)

    def _judge_of(self, value: Any) -> Judge:
        _, classes, rest = self._split
        # What no rule names is judged by the rules that ask for no value: as null is.
        key = value if (value.__class__ is str or value.__class__ is float) and value in classes else None
        judge = self._judges.get(key)
        if judge is None:
            # Two threads may both make it; either one will do.
            with no_collector():
                judge = self._judges[key] = self._made(classes.get(key, ()), rest, key)
        return judge

    @cached_property
    def _split(self) -> tuple[int, Mapping[Any, Sequence[Entry]], Sequence[Entry]]:
        """The field that separates most rules, the conjunctions by its value, and those that ask for no value of it."""
        material = self.material
        written = frozenset[int]().union(*material.changed)
        for slot, classes, rest in splits(list(material.entries), material.kinds, written):
            return slot, classes, rest
        return 0, {}, material.entries

    def _made(self, own: Sequence[Entry], rest: Sequence[Entry], key: Any) -> Judge:
        """The function of a class."""
        slot = self._split[0]
        if key is not None:
            # Those left over may still test the field: for texts but one, or for too many of them.
            rest = [one for one in rest if key in one.conjunction.allowed.get(slot, ANYTHING)]
        chain = self._rules_of([*own, *rest])
        if not self._is_straight(chain):
            return self._by_steps
        settled = frozenset([slot]) if key is not None else frozenset[int]()
        return straight_line(chain, settled, self.material)

    @cached_property
    def _by_steps(self) -> Judge:
        """Judges by the steps of all rules, or by the cycle where there can be none."""
        return self._by_cycle if self._stepped is None else self._stepped.judge

    @cached_property
    def _stepped(self) -> Stepped | None:
        rules = self._rules_of(self.material.entries)
        if not _are_plain(rules):
            return None
        stepped = Stepped(rules, self.material)
        return stepped if stepped.is_guarded else None

    def _by_cycle(self, slots: Slots, given: Any) -> Evaluation:
        return run_cycle(self.material.agenda, slots, given)

    def _rules_of(self, entries: Iterable[Entry]) -> list[ChainRule]:
        """The rules that conjunctions belong to, in agenda order."""
        rules: dict[int, list[Entry]] = {}
        for entry in sorted(entries, key=lambda entry: entry.position):
            rules.setdefault(entry.position, []).append(entry)
        return [ChainRule(position, conjunctions, self.material) for position, conjunctions in rules.items()]

    def _is_straight(self, rules: Sequence[ChainRule]) -> bool:
        """Whether the rules of a class are written out one after the other."""
        if not any(self.material.agenda.rules[rule.position].steers for rule in rules):
            return False
        conjunctions = [entry.conjunction for rule in rules for entry in rule.entries]
        if len(rules) > self._few_rules or len(conjunctions) > _FEW_CONJUNCTIONS:
            return False
        if sum(len(each.allowed) + len(each.residuals) for each in conjunctions) > _FEW_TESTS:
            return False
        return _are_plain(rules) and not any(walks(rule.rule.condition) for rule in rules)


def _are_plain(rules: Sequence[ChainRule]) -> bool:
    """Whether rules bear on each other in no other way than functions are made for."""
    changed = frozenset[int]().union(*(rule.changed for rule in rules))
    return not any(rule.overlaps or (rule.rule.lock_on_active and not changed.isdisjoint(rule.reads)) for rule in rules)
