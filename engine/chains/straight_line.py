"""Write all rules of a class as one function that judges facts.  rule_writer, loops -> [straight_line] -> chains

The rules stand one after the other, in agenda order: the condition of each is tested when its turn comes, on the fields
as the rules before it left them. That is the cycle of `engine.evaluation.cycle`, as long as no rule writes what itself
or an earlier one reads. The stretch of rules that such writes lead back over stands in a loop, with a bit for each rule
that has to be looked at: all at first, later the readers of what changed; a firing that sets one at or before itself
begins the stretch again. Refuses nothing: what it leaves to the cycle is `Odd`."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.chains.chain_rule import ChainMaterial, ChainRule
from engine.chains.loops import loop_of, readers_of
from engine.chains.rule_writer import RuleWriter
from engine.chains.step_code import PLAIN, StepCode
from engine.evaluation import Evaluation
from engine.facts import Slots
from engine.language import Complete
from engine.values import equal

#: Takes slots, which it changes, and the facts as they were passed in; raises `Odd` or `ActionRefused` where the cycle
#: has to begin again.
Judge = Callable[[Slots, Any], Evaluation]


def straight_line(rules: Sequence[ChainRule], settled: frozenset[int], material: ChainMaterial) -> Judge:
    """The function of a class.

    Args:
        rules: of the class, in agenda order.
        settled: slots whose tests hold for all facts that come here.
        material: the program.
    """
    return _ClassWriter(rules, settled, material).write()


class _ClassWriter:
    """Writes one function."""

    def __init__(self, rules: Sequence[ChainRule], settled: frozenset[int], material: ChainMaterial) -> None:
        self._rules = rules
        self._settled = settled
        self._material = material
        self._loop = loop_of(rules)
        self._readers = readers_of(rules)
        self._code = StepCode("judge", ["slots", "given"], material.kinds)
        self._writer = RuleWriter(self._code, material, "", self._written)
        #: The bits, by place in the class, of what each rule blocks, and of all that are blocked by any.
        self._blocks = [self._open_after(place) & _places_of(rule.blocks, rules) for place, rule in enumerate(rules)]
        self._blockable = 0
        for bits in self._blocks:
            self._blockable |= bits
        #: The place of the rule whose lines are being written.
        self._place = 0
        #: Slots that may be written more than once: only at the end is it known whether they changed.
        self._unsure = _unsure(rules, self._loop)

    def write(self) -> Judge:
        code, rules, loop = self._code, self._rules, self._loop
        for line in ("fired = []", "reasons = []", "changes = {}", "logs = []", "events = []", 'outcome = "accept"'):
            code.line(line)
        if self._blockable:
            code.line("open = -1")
        for self._place in range(loop.start if loop else len(rules)):
            self._rule()
        if loop:
            code.line(f"pending = {self._bits(loop)}")
            code.line("while True:")
            with code.writer.indent():
                for self._place in loop:
                    code.line(f"if pending & {1 << self._place:d}:")
                    with code.writer.indent():
                        code.line(f"pending ^= {1 << self._place:d}")
                        self._rule()
                code.line("break")
            for self._place in range(loop.stop, len(rules)):
                self._rule()
        self._end()
        judge: Judge = code.writer.compile()
        return judge

    def _open_after(self, place: int) -> int:
        """The bits of the rules that may still fire once the one at a place has."""
        after = -1 << (place + 1)
        return after | sum(1 << one for one in self._loop) if place in self._loop else after

    def _rule(self) -> None:
        """The lines of a rule."""
        code, place, rule = self._code, self._place, self._rules[self._place]
        tests = [f"open & {1 << place:d}"] if self._blockable >> place & 1 else []
        condition = self._writer.conditions.any_of([entry.conjunction for entry in rule.entries], self._settled)
        tests += [f"({condition})" if tests else condition] if condition else []
        code.line(f"if {' and '.join(tests) or 'True'}:")
        with code.writer.indent():
            if place in self._loop:
                code.line(f"if len(fired) >= {self._material.agenda.max_firings:d}: raise {code.odd}")
            if self._blocks[place]:
                code.line(f"open &= {~self._blocks[place]:d}")
            # A rule that is refused for certain is not the last word: the cycle says why.
            if not self._writer.fire(rule):
                return
            if any(isinstance(action, Complete) for action in rule.rule.actions):
                self._end()
            elif place in self._loop and rule.writes:
                code.line(f"if pending & {self._bits(range(self._loop.start, place + 1))}: continue")

    def _written(self, slot: int) -> None:
        """A field is about to change."""
        if self._place not in self._loop:
            return
        own = not self._rules[self._place].rule.no_loop
        readers = [one for one in self._readers.get(slot, ()) if one in self._loop and (own or one != self._place)]
        if readers:
            self._code.line(f"pending |= {self._bits(readers)}")

    def _end(self) -> None:
        code, material = self._code, self._material
        for slot in self._unsure:
            name, first, label = code.field(slot), code.kept(slot), code.bind(material.agenda.labels[slot])
            plain = code.kinds.get(slot) in PLAIN
            same = f"{first} == {name}" if plain else f"{code.bind(equal)}({first}, {name})"
            code.line(f"if {label} in changes and {same}: del changes[{label}]")
        places = code.bind(material.places)
        code.line(f"return {code.bind(Evaluation)}(outcome, fired, reasons, changes, logs, given, {places}, events)")

    def _bits(self, places: Sequence[int]) -> str:
        return str(sum(1 << place for place in places))


def _places_of(bits: int, rules: Sequence[ChainRule]) -> int:
    """Bits by position on the agenda as bits by place in a class."""
    return sum(1 << place for place, rule in enumerate(rules) if bits >> rule.position & 1) if bits else 0


def _unsure(rules: Sequence[ChainRule], loop: range) -> list[int]:
    """The slots that may be written more than once."""
    counts: dict[int, int] = {}
    for place, rule in enumerate(rules):
        for write in rule.writes:
            counts[write.slot] = counts.get(write.slot, 0) + (2 if place in loop else 1)
    return [slot for slot, count in counts.items() if count > 1]
