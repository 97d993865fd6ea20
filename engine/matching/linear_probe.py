"""Generate the function that tests a few conjunctions in a row.

Tables pay once many conjunctions share them; for a few, the plain tests in a row are faster. Like any probe
(`engine.matching.probes`), such a function is straight-line Python: numbers stand in it as the engine itself writes
them, all else that comes from rules is bound to it as a value."""

import math
from collections.abc import Mapping, Sequence

from engine.facts import ORDINARY, FunctionWriter
from engine.matching.probes import Entry, Probe
from engine.matching.ratios import Ratio
from engine.values import TRUE, ValueSet

#: What a look-up in a table costs, in tests of one conjunction.
_TESTS_PER_LOOK_UP = 4


def is_worth_it(entries: Sequence[Entry], done: frozenset[int], packed: Mapping[int, tuple[int, int]]) -> bool:
    """Whether testing in a row is faster than looking up every field.

    Args:
        entries: the conjunctions.
        done: slots whose tests hold for all facts that come here.
        packed: as of `Probes`.
    """
    slots = {packed.get(slot, (slot,))[0] for entry in entries for slot in entry.conjunction.allowed} - done
    # More than a few hundred tests would also take long to compile.
    return len(entries) <= _TESTS_PER_LOOK_UP * len(slots)


def linear_probe(entries: Sequence[Entry], done: frozenset[int], kinds: Mapping[int, str]) -> Probe:
    """A probe for a few conjunctions.

    Args:
        entries: the conjunctions; the first gets the lowest bit.
        done: slots whose tests hold for all facts that come here.
        kinds: slot to the kind of its values, where the schema says so.
    """
    return _LinearProbeWriter(kinds).write(entries, done)


class _LinearProbeWriter:
    """Writes one function."""

    def __init__(self, kinds: Mapping[int, str]) -> None:
        self._kinds = kinds
        self._writer = FunctionWriter("probe", ["slots"])
        #: The lines that give names their values, by name; they come first.
        self._head: dict[str, str] = {}

    def write(self, entries: Sequence[Entry], done: frozenset[int]) -> Probe:
        body = ["alive = 0"]
        for i, entry in enumerate(entries):
            tests = [self._allowed(slot, values) for slot, values in self._ordered(entry, done)]
            tests += self._residuals(entry)
            body.append(f"if {' and '.join(tests) or 'True'}: alive |= {1 << i:#x}")
        for line in (*self._head.values(), *body, "return alive"):
            self._writer.line(line)
        probe: Probe = self._writer.compile()
        return probe

    def _ordered(self, entry: Entry, done: frozenset[int]) -> list[tuple[int, ValueSet]]:
        """The fields that a conjunction tests: those first that let least through."""
        tests = [(slot, values) for slot, values in entry.conjunction.allowed.items() if slot not in done]
        return sorted(tests, key=lambda test: (test[1].only_texts is None, len(test[1].numbers.points) != 2))

    def _raw(self, slot: int) -> str:
        self._head.setdefault(f"raw{slot:d}", f"raw{slot:d} = slots[{slot:d}]")
        return f"raw{slot:d}"

    def _number(self, slot: int) -> str:
        """A field as a number: what is none becomes NaN, which no comparison holds for."""
        name, raw = f"number{slot:d}", self._raw(slot)
        if name not in self._head:
            other = f"{raw} is None" if self._kinds.get(slot) == "number" else f"{raw}.__class__ is not float"
            self._head[name] = f"{name} = NaN if {other} else {raw}"
            self._writer.bind(math.nan, "NaN")
        return name

    def _allowed(self, slot: int, values: ValueSet) -> str:
        if values in (TRUE, ~TRUE):
            return f"{self._raw(slot)} is {'' if values == TRUE else 'not '}True"
        texts = values.only_texts
        if texts is not None:
            if len(texts) == 1:
                return f"{self._raw(slot)} == {self._writer.bind(texts[0])}"
            if self._kinds.get(slot) == "text":
                return f"{self._raw(slot)} in {self._writer.bind(frozenset(texts))}"
        numbers = values.numbers
        if numbers.points and values == ValueSet(numbers=numbers):
            name, points = self._number(slot), [repr(float(point)) for point in numbers.points]
            match numbers.inside, points:
                case True, [end]:
                    return f"{name} < {end}"
                case False, [start]:
                    return f"{name} >= {start}"
                case False, [start, end]:
                    return f"{start} <= {name} < {end}"
        return f"{self._raw(slot)} in {self._writer.bind(values)}"

    def _residuals(self, entry: Entry) -> list[str]:
        """The residual tests: those first that a ratio decides."""
        tests = []
        for residual in sorted(entry.residuals, key=lambda residual: residual.ratio is None):
            exact = f"{self._writer.bind(residual.test)}(slots)"
            tests.append(exact if residual.ratio is None else self._ratio(residual.ratio, exact))
        return tests

    def _ratio(self, ratio: Ratio, exact: str) -> str:
        """A comparison of ratios; NaN, for a ratio that can't be used, is neither below nor above."""
        name = f"ratio{ratio.left:d}_{ratio.right:d}"
        if name not in self._head:
            left, right = self._number(ratio.left), self._number(ratio.right)
            self._head[name] = f"{name} = {left} / {right} if {right} > 0.0 and slots[{ORDINARY:d}] else NaN"
        below, above = (f"{name} < {ratio.band[0]!r}", f"{name} >= {ratio.band[1]!r}")
        match ratio.less, ratio.more:
            case True, False:
                return f"({below} or (not {above} and {exact}))"
            case False, True:
                return f"({above} or (not {below} and {exact}))"
            case False, False:
                return f"(not {below} and not {above} and {exact})"
            case _:
                return f"({below} or {above} or {exact})"
