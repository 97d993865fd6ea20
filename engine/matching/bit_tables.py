"""Tables of bit vectors: the value of a field, or the ratio of two, to the conjunctions that it leaves alive.

Each is built in one sweep over its cuts: the vector behind a cut is the one before it with the bits of those
conjunctions changed that have the cut."""

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from engine.matching.offsets import FieldSum, Offset
from engine.matching.ratios import Ratio
from engine.values import Day, IntervalSet, Value, ValueSet

#: What is computed once for all conjunctions that compare it: slots of dividend and divisor, or a sum.
Measure = tuple[int, int] | FieldSum


class BitTableBuilder:
    """The vectors of the intervals of one ordered kind, while they are being collected."""

    def __init__(self, first: int) -> None:
        """Begin with the vector of the least value."""
        self.first = first
        self._changes: dict[Any, int] = {}
        self._singles = True

    def add(self, bit: int, cuts: IntervalSet) -> None:
        """Add a conjunction.

        Args:
            bit: of the conjunction.
            cuts: the values that it allows.
        """
        if cuts.inside:
            self.first |= bit
        for point in cuts.points:
            self.change(point, bit)
        if cuts.points and self._singles:
            self._singles = cuts.points[0].__class__ is str and cuts.texts is not None

    def change(self, point: Any, bits: int) -> None:
        """From a cut on, some bits are the other way round.

        Args:
            point: the cut.
            bits: those bits.
        """
        self._changes[point] = self._changes.get(point, 0) ^ bits

    def finished(self) -> tuple[list[Any], list[int]]:
        """The cuts, and one vector more than cuts: a value's is at `bisect_right` of it."""
        points = sorted(self._changes)
        vectors = [self.first]
        for point in points:
            vectors.append(vectors[-1] ^ self._changes[point])
        return points, vectors

    def listed(self, points: list[Any], vectors: list[int]) -> dict[Any, int] | None:
        """Text to vector where no interval is longer than one text; None where some are.

        Args:
            points: the cuts, as `finished` gives them.
            vectors: the same.
        """
        if not self._singles:
            return None
        by_text = {}
        for point, vector in zip(points, vectors[1:], strict=True):
            # What ends with the least character only ends the text before it, unless it is a constant of its own.
            if not point.endswith("\0"):
                by_text[point] = vector
            elif vector != self.first:
                return None
        return by_text


class Table:
    """The vectors of one field."""

    def __init__(self, sets: Sequence[ValueSet | None]) -> None:
        """Build it.

        Args:
            sets: the values that each conjunction allows, by its bit; None: any.
        """
        free = sum(1 << i for i, values in enumerate(sets) if values is None)
        self.null = self._true = self._false = self._rest = free
        numbers, texts, dates, days, times, durations = (BitTableBuilder(free) for _ in range(6))
        for i, values in enumerate(sets):
            if values is None:
                continue
            bit = 1 << i
            if values.null:
                self.null |= bit
            if values.true:
                self._true |= bit
            if values.false:
                self._false |= bit
            if values.rest:
                self._rest |= bit
            numbers.add(bit, values.numbers)
            texts.add(bit, values.texts)
            dates.add(bit, values.dates)
            days.add(bit, values.days)
            times.add(bit, values.times)
            durations.add(bit, values.durations)
        cuts, self.number_vectors = numbers.finished()
        # Side by side in memory: a search through floats that lie about waits for most of them.
        self.number_cuts = array("d", cuts)
        self._date_cuts, self._date_vectors = dates.finished()
        self._day_cuts, self._day_vectors = days.finished()
        self._time_cuts, self._time_vectors = times.finished()
        self._duration_cuts, self._duration_vectors = durations.finished()
        self._text_cuts, self._text_vectors = texts.finished()
        #: Text to vector, for the texts that differ from all others; None when there are too many to list.
        self.texts = texts.listed(self._text_cuts, self._text_vectors)

    @property
    def other_text(self) -> int:
        """The vector of a text that is not listed."""
        return self._text_vectors[0]

    @property
    def mostly(self) -> str:
        """The kind that most constants have: `number`, `text`, or `any`."""
        if len(self.number_cuts) >= len(self._text_cuts):
            return "number" if self.number_cuts else "any"
        return "text" if self.texts is not None else "any"

    def lookup(self, value: Value) -> int:
        """The vector of a value of any kind."""
        kind = value.__class__
        if value is None:
            return self.null
        if kind is float:
            return self.number_vectors[bisect_right(self.number_cuts, value)]
        if kind is str:
            return self._text_vectors[bisect_right(self._text_cuts, value)]
        if kind is bool:
            return self._true if value else self._false
        if kind is datetime:
            return self._date_vectors[bisect_right(self._date_cuts, value)]
        if kind is Day:
            return self._day_vectors[bisect_right(self._day_cuts, value.date)]
        if kind is time:
            return self._time_vectors[bisect_right(self._time_cuts, value)]
        if kind is timedelta:
            return self._duration_vectors[bisect_right(self._duration_cuts, value)]
        return self._rest


class MeasureTable:
    """The vectors of a ratio of two fields, or of a sum; and which of their bits an exact test has to confirm."""

    def __init__(self, measure: Measure, tests: Mapping[int, Ratio | Offset], count: int) -> None:
        """Build it.

        Args:
            measure: slots of dividend and divisor, which is above zero; or the sum.
            tests: the comparison of each conjunction that has one, by its bit.
            count: how many conjunctions there are.
        """
        self.measure, self.tests = measure, tests
        #: The bits of all conjunctions with such a comparison.
        self.every = sum(1 << i for i in tests)
        alive, doubts = BitTableBuilder(((1 << count) - 1) ^ self.every), BitTableBuilder(0)
        for i, test in tests.items():
            bit = 1 << i
            below, above = test.band
            if test.less:
                alive.first |= bit
            else:
                alive.change(below, bit)
            if not test.more:
                alive.change(above, bit)
            doubts.change(below, bit)
            doubts.change(above, bit)
        alive_cuts, vectors = alive.finished()
        cuts, doubt_vectors = doubts.finished()
        # Every cut of `alive` is one of these; the other way round, a cut may change doubts alone.
        self.vectors = [vectors[bisect_right(alive_cuts, point)] for point in cuts]
        self.vectors.insert(0, alive.first)
        self.cuts, self.doubts = array("d", cuts), doubt_vectors
