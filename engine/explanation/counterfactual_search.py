"""The smallest change of one number that would have given a better outcome.

Takes a program and facts, gives `Counterfactuals`. Goes outwards from the number of each field, all fields side by
side, nearest first, from one breakpoint (`engine.explanation.breakpoints`) to the next, and evaluates the facts with
each. Between the last breakpoint that changes nothing and the first that does, it halves down to two neighbouring
15-digit numbers. Changes one field at a time, and only numbers; gives nothing when the outcome is `accept` already."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.errors import FactsRejected
from engine.evaluation import OUTCOMES, Outcome, Reason, judged_at
from engine.explanation.breakpoints import Breakpoints
from engine.explanation.counterfactual import Counterfactual, Counterfactuals
from engine.facts import Place, get_path, path_label, with_path
from engine.program import Program
from engine.schema import FieldSchema, Schema
from engine.values import ValueRefused, first_that, literal, number, number_at, ordinal, take_number, to_python

#: Evaluations of one search; past them it ends with the best change so far, and its note says so.
MAX_TRIALS = 20_000
#: Fields that a note names.
_MAX_NAMED = 5
#: Tried besides the breakpoints, for what rules compute on the way: distances, in sizes of the number.
_SAMPLES = [0.01, 0.05, *(2.0**power for power in range(-3, 21))]


def find_counterfactuals(program: Program, facts: Mapping[str, Any], *, as_of: datetime) -> Counterfactuals:
    """The smallest change of one number that would have given a better outcome.

    Args:
        program: the rules.
        facts: as for `Program.evaluate`.
        as_of: the moment they are judged at.

    Returns:
        The change that is smallest, measured by the size of the number (one that is zero counts as 1); when it only
        makes the outcome less bad, also the smallest that makes it `accept`. None when no single number does it.
    """
    evaluation = program.evaluate(facts, as_of=as_of)
    if evaluation.outcome == "accept":
        return Counterfactuals()
    # As they are, no number of theirs would change that they can't be judged.
    with suppress(FactsRejected):
        facts = program.own_names(facts)
    search = _Search(program, facts, as_of, evaluation.reasons)
    smallest = search.smallest(OUTCOMES.index(evaluation.outcome) - 1)
    if smallest is None:
        return Counterfactuals((), search.note(any_change=False))
    passing = search.smallest(0) if smallest.outcome != "accept" else None
    changes = (smallest,) if passing is None else (smallest, passing)
    return Counterfactuals(changes, search.note(any_change=True))


@dataclass(frozen=True, slots=True)
class SearchDirection:
    """The points to try on one side of a field's number."""

    #: The field.
    place: Place
    #: Names of the rules that depend on it.
    rules: frozenset[str]
    #: Its number.
    value: float
    #: Ordinals, nearest first; the first is that of the field's number.
    points: list[int]

    def distance(self, point: int) -> float:
        """How far a point is from the field's number, in sizes of that number; a zero counts as 1."""
        return abs(number_at(point) - self.value) / (abs(self.value) or 1.0)


class _Search:
    """One search; no number is evaluated twice."""

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: datetime, reasons: Sequence[Reason]) -> None:
        self._program, self._facts, self._as_of = program, facts, as_of
        self._reasons = reasons
        self._worst = max(OUTCOMES.index(reason.outcome) for reason in reasons)
        #: A field and an ordinal to the rank of the outcome: its index in `OUTCOMES`.
        self._ranks: dict[tuple[Place, int], int] = {}
        self._tried: set[Place] = set()
        self._cut_short = False
        breakpoints = Breakpoints(program, facts, judged_at(as_of))
        self._directions = [
            direction
            for place, value in self._fields(breakpoints)
            for direction in self._directions_of(breakpoints, place, value)
        ]

    def smallest(self, rank: int) -> Counterfactual | None:
        """The smallest change that makes the outcome as good as a rank, or better."""
        best: tuple[float, SearchDirection, int] | None = None
        worse = self._asking_for_worse(rank)
        #: Distance, direction and position in its points: the next step of each direction.
        front = [
            (0.0, n, 0)
            for n, direction in enumerate(self._directions)
            if len(direction.points) > 1 and worse <= direction.rules
        ]
        heapq.heapify(front)
        while front:
            near, n, i = heapq.heappop(front)
            if best is not None and near >= best[0]:
                break
            if len(self._ranks) > MAX_TRIALS:
                self._cut_short = True
                break
            direction = self._directions[n]
            self._tried.add(direction.place)
            outer = direction.points[i + 1]
            if self._rank(direction, outer) <= rank:
                point = self._first_as_good(direction, rank, direction.points[i], outer)
                if best is None or direction.distance(point) < best[0]:
                    best = (direction.distance(point), direction, point)
            elif i + 2 < len(direction.points):
                heapq.heappush(front, (direction.distance(outer), n, i + 1))
        return None if best is None else self._counterfactual(best[1], best[2])

    def _first_as_good(self, direction: SearchDirection, rank: int, inner: int, outer: int) -> int:
        """The nearest point between two that gives a rank or better, given that the outer one does."""
        return first_that(lambda point: self._rank(direction, point) <= rank, inner, outer)

    def note(self, *, any_change: bool) -> str:
        """What there is to say about the search as a whole; may be empty.

        Args:
            any_change: whether it gave a change.
        """
        if self._cut_short:
            missed = "a smaller change may have been missed" if any_change else "none was found by then"
            return f"the search ended after {MAX_TRIALS:,} trials; {missed}"
        if any_change:
            return ""
        if not self._tried:
            return "none: no single number has influence on all the rules that ask for this outcome"
        fields = [path_label(*place) for place in sorted(self._tried, key=str)]
        more = f" and {len(fields) - _MAX_NAMED} more" if fields[_MAX_NAMED:] else ""
        named = ", ".join(fields[:_MAX_NAMED]) + more
        return f"none was found: of {named}, no other number by itself gave a better outcome"

    def _asking_for_worse(self, rank: int) -> set[str]:
        """The rules that ask for worse: a change has to silence each of them, so each has to depend on the field."""
        return {
            reason.rule for reason in self._reasons if reason.rule is not None and OUTCOMES.index(reason.outcome) > rank
        }

    def _counterfactual(self, direction: SearchDirection, point: int) -> Counterfactual:
        rank = self._rank(direction, point)
        end, last = None, point
        for outer in direction.points:
            if abs(outer - direction.points[0]) <= abs(point - direction.points[0]):
                continue
            if self._rank(direction, outer) > rank:
                end = first_that(lambda at: self._rank(direction, at) > rank, last, outer)
                break
            last = outer
        farthest = None if end is None else to_python(number_at(end - (1 if end > point else -1)))
        outcome: Outcome = OUTCOMES[rank]  # type: ignore[assignment]
        return Counterfactual(
            path_label(*direction.place), to_python(direction.value), to_python(number_at(point)), farthest, outcome
        )

    def _rank(self, direction: SearchDirection, point: int) -> int:
        """How bad the outcome is with another number in the field."""
        key = (direction.place, point)
        if key not in self._ranks:
            facts = _with_number(self._facts, direction.place, to_python(number_at(point)))
            self._ranks[key] = OUTCOMES.index(self._program.evaluate(facts, as_of=self._as_of).outcome)
        return self._ranks[key]

    def _fields(self, breakpoints: Breakpoints) -> Iterator[tuple[Place, float]]:
        """The numbers that were sent and that rules read."""
        places = (each for place in breakpoints.places for each in _elements(self._facts, place))
        for place in dict.fromkeys(places):
            field = _field(self._program.schema, place)
            raw = get_path(self._facts, (place[0], *place[1]))
            if not isinstance(raw, int | float | Decimal) or isinstance(raw, bool):
                continue
            if not place[1] or (field is not None and field.derived):
                continue
            try:
                yield place, take_number(raw)
            except ValueRefused:
                continue

    def _directions_of(self, breakpoints: Breakpoints, place: Place, value: float) -> Iterator[SearchDirection]:
        """The two directions of a field; none when not all rules that ask for the outcome depend on it."""
        dependents = breakpoints.dependencies.dependents(place)
        if not self._asking_for_worse(self._worst - 1) <= dependents.rules:
            return
        ordinals = breakpoints.ordinals(
            place, dependents, value, lambda number: _with_number(self._facts, place, to_python(number))
        )
        field = _field(self._program.schema, place)
        # A number in a field of another kind is refused, whatever the bounds of that are.
        field = field if field is not None and field.kind == "number" else None
        lowest, highest = (field.minimum, field.maximum) if field is not None else (None, None)
        low = ordinal(literal(lowest)) if lowest is not None else None
        high = ordinal(literal(highest)) if highest is not None else None
        ordinals |= {bound for bound in (low, high) if bound is not None}
        ordinals |= {0} | {ordinal(literal(listed)) for listed in (field.values or () if field is not None else ())}
        points = {point + step for point in ordinals for step in (-1, 0, 1)}
        points |= {ordinal(sample) for sample in _samples(value)}
        allowed = [at for at in points if (low is None or at >= low) and (high is None or at <= high)]
        start = ordinal(value)
        above = sorted(at for at in allowed if at > start)
        below = sorted((at for at in allowed if at < start), reverse=True)
        for points_outwards in (above, below):
            yield SearchDirection(place, dependents.rules, value, [start, *points_outwards])


def _samples(value: float) -> Iterator[float]:
    for factor in _SAMPLES:
        for sample in (value + (abs(value) or 1.0) * factor, value - (abs(value) or 1.0) * factor):
            rounded = number(Decimal(repr(sample)))
            if rounded is not None:
                yield rounded


def _field(schema: Schema | None, place: Place) -> FieldSchema | None:
    """What the schema says about a field."""
    fact, steps = place
    names = [step for step in steps if isinstance(step, str)]
    if schema is None or fact not in schema.facts or len(names) != 1:
        return None
    return schema.facts[fact].fields.get(names[0])


def _elements(facts: Mapping[str, Any], place: Place) -> Iterator[Place]:
    """A place; or, when it is a column of a list, that place in every element."""
    fact, steps = place
    raw = facts.get(fact) if isinstance(facts, Mapping) else None
    if isinstance(raw, list | tuple) and steps and isinstance(steps[0], str):
        for i in range(len(raw)):
            yield fact, (i, *steps)
    else:
        yield place


def _with_number(facts: Mapping[str, Any], place: Place, value: Any) -> Mapping[str, Any]:
    """A copy of the facts with another number in a field that is there."""
    fact, steps = place
    changed: Mapping[str, Any] = with_path(facts, (fact, *steps), value)
    return changed
