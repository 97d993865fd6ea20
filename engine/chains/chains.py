"""Judge facts by generated functions, where rules read what rules write.  straight_line -> [chains] -> compiler

Rules that equality on one field separates (`Product.category == "books"`) are classes: facts are judged by the rules of
theirs alone. Each class has its own function, made when the first facts of it come. Where a class is not of the kind
that functions are made for, the cycle judges; where a function meets something odd, it gives no answer, and the caller
begins again with the cycle, on fresh slots: so nothing that it did is kept. The answers are those of the cycle."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from engine.chains.chain_rule import ChainMaterial, ChainRule, walks
from engine.chains.step_code import Odd
from engine.chains.straight_line import Judge, straight_line
from engine.evaluation import ActionRefused, Evaluation, run_cycle
from engine.facts import Slots
from engine.matching import Entry, splits

#: Rules, and conjunctions of them, that are written out one after the other; with more, the index finds what matches
#: without a look at each.
_FEW_RULES = 64
_FEW_CONJUNCTIONS = 256


class Chains:
    """The classes of one program."""

    def __init__(self, material: ChainMaterial) -> None:
        self.material = material
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
        value = slots[self._split[0]]
        # A boolean would be found under 0.0 and 1.0, a list can't be looked up.
        judge = self._judges.get(value) if value.__class__ is str else None
        if judge is None:
            judge = self._judge_of(value)
        try:
            return judge(slots, given)
        except (Odd, ActionRefused):
            return None

    def _judge_of(self, value: Any) -> Judge:
        _, classes, rest = self._split
        # What no rule names is judged by the rules that ask for no value: as null is.
        key = value if (value.__class__ is str or value.__class__ is float) and value in classes else None
        judge = self._judges.get(key)
        if judge is None:
            # Two threads may both make it; either one will do.
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
        rules: dict[int, list[Entry]] = {}
        for entry in sorted([*own, *rest], key=lambda entry: entry.position):
            rules.setdefault(entry.position, []).append(entry)
        chain = [ChainRule(position, entries, self.material) for position, entries in rules.items()]
        if not self._is_for_functions(chain):
            return self._by_cycle
        settled = frozenset([self._split[0]]) if key is not None else frozenset[int]()
        return straight_line(chain, settled, self.material)

    def _by_cycle(self, slots: Slots, given: Any) -> Evaluation:
        return run_cycle(self.material.agenda, slots, given)

    def _is_for_functions(self, rules: Sequence[ChainRule]) -> bool:
        changed = frozenset[int]().union(*(rule.changed for rule in rules))
        if not any(self.material.agenda.rules[rule.position].steers for rule in rules):
            return False
        if len(rules) > _FEW_RULES or sum(len(rule.entries) for rule in rules) > _FEW_CONJUNCTIONS:
            return False
        for rule in rules:
            if rule.overlaps or (rule.rule.lock_on_active and not changed.isdisjoint(rule.reads)):
                return False
            if walks(rule.rule.condition):
                return False
        return True
