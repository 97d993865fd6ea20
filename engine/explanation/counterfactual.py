"""The smallest change of one number that would have given a better outcome.  program, facts -> [nearest] -> CLI

Goes outwards from what each field is, all fields side by side, nearest first, from one cut point
(`engine.explanation.breakpoints`) to the next, and asks the record evaluator about each. Between the last point that
changes nothing and the first that does, it halves down to two neighbouring 15-digit numbers. Changes one field at a
time and only numbers; says nothing when the outcome is `accept` already."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from engine.evaluation import OUTCOMES, Outcome, Reason
from engine.explanation.breakpoints import Breakpoints
from engine.facts import Place, get_path, path_label, with_path
from engine.program import Program
from engine.schema import FieldSchema, Schema
from engine.values import ValueRefused, first_that, literal, moment, number, number_at, ordinal, take_number, to_python

#: Evaluations of one search; past them it ends with what it has found so far, and says so.
MAX_TRIALS = 20_000
#: A number of at most so many digits is round; what differs from one in the thirteenth digit does so by rounding.
_MAX_ROUND_DIGITS = 9
#: Fields that a note names.
_MAX_TOLD = 5
#: Looked at besides the cut points, for what rules compute on the way: so many of its own size away.
_SAMPLES = [0.01, 0.05, *(2.0**power for power in range(-3, 21))]


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A change of one number that gives a better outcome."""

    #: As `Evaluation.changes` names it.
    field: str
    #: What it is.
    value: Any
    #: The nearest number that gives the outcome.
    nearest: Any
    #: The farthest that does, or a better one; None when there is no end, or only what the schema takes.
    farthest: Any
    #: What it gives.
    outcome: Outcome

    @property
    def range(self) -> str:
        """The numbers that give the outcome, in words; a rounder one stands for one that only rounding made odd."""
        up = self.nearest > self.value
        near, far = ("{} or more", "more than {}"), ("up to {}", "but less than {}")
        if not up:
            near, far = ("{} or less", "less than {}"), ("down to {}", "but more than {}")
        if self.farthest is None:
            return _edge(self.nearest, up, *near)
        only = _rounder(self.nearest, up)
        if self.nearest == self.farthest or only == _rounder(self.farthest, not up):
            return f"exactly {only}"
        return f"{_edge(self.nearest, up, *near)}, {_edge(self.farthest, not up, *far)},"

    def __str__(self) -> str:
        """`Product.average_price is 9.8; 9.86 or more passes`."""
        ends = {"accept": "passes", "review": "is for review only", "reject": "is rejected"}[self.outcome]
        return f"{self.field} is {self.value}; {self.range} {ends}"

    def to_json(self) -> dict[str, Any]:
        """The change as plain data."""
        names = ("field", "value", "nearest", "farthest", "outcome")
        return {name: getattr(self, name) for name in names} | {"text": str(self)}


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """What a search has found."""

    #: The smallest change that gives a better outcome; when that is not `accept`, also the smallest that does.
    changes: tuple[Counterfactual, ...] = ()
    #: Why there is none, or what was left untried; empty when there is nothing to say.
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The changes and the note as plain data."""
        return {"nearest": [change.to_json() for change in self.changes], "nearest_note": self.note}


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
    search = _Search(program, facts, as_of, evaluation.reasons)
    found = [search.smallest(OUTCOMES.index(evaluation.outcome) - 1)]
    if found[0] is not None and found[0].outcome != "accept":
        found.append(search.smallest(0))
    changes = tuple(one for one in found if one is not None)
    return Counterfactuals(changes, search.note(bool(changes)))


class SearchDirection:
    """The points to try on one side of what a field is."""

    def __init__(self, place: Place, rules: frozenset[str], value: float, points: list[int]) -> None:
        self.place = place
        #: Names of the rules that the field has influence on.
        self.rules = rules
        self.value = value
        #: Ordinals, nearest first; the first is where the field is.
        self.points = points
        self._scale = abs(value) or 1.0

    def distance(self, point: int) -> float:
        """How far a point is, in sizes of the field."""
        return abs(number_at(point) - self.value) / self._scale


class _Search:
    """One search; remembers what it tried."""

    def __init__(self, program: Program, facts: Mapping[str, Any], as_of: datetime, reasons: Sequence[Reason]) -> None:
        self._program, self._facts, self._as_of = program, facts, as_of
        self._reasons = reasons
        self._worst = max(OUTCOMES.index(one.outcome) for one in reasons)
        self._ranks: dict[tuple[Place, int], int] = {}
        #: Fields that were tried, and whether there was more to try.
        self._tried: set[Place] = set()
        self._cut_short = False
        cuts = Breakpoints(program, facts, moment(as_of))
        self._rays = [ray for place, value in self._fields(cuts) for ray in self._rays_of(cuts, place, value)]

    def smallest(self, rank: int) -> Counterfactual | None:
        """The smallest change that makes the outcome this good or better."""
        best: tuple[float, SearchDirection, int] | None = None
        worse = self._asking(rank)
        front = [(0.0, n, 0) for n, ray in enumerate(self._rays) if len(ray.points) > 1 and worse <= ray.rules]
        heapq.heapify(front)
        while front:
            near, n, i = heapq.heappop(front)
            if best is not None and near >= best[0]:
                break
            if len(self._ranks) > MAX_TRIALS:
                self._cut_short = True
                break
            ray = self._rays[n]
            self._tried.add(ray.place)
            outer = ray.points[i + 1]
            if self._rank(ray, outer) <= rank:
                point = first_that(lambda at, ray=ray: self._rank(ray, at) <= rank, ray.points[i], outer)  # type: ignore[misc]
                if best is None or ray.distance(point) < best[0]:
                    best = (ray.distance(point), ray, point)
            elif i + 2 < len(ray.points):
                heapq.heappush(front, (ray.distance(outer), n, i + 1))
        return None if best is None else self._named(best[1], best[2])

    def note(self, found: bool) -> str:
        """What there is to say about the search as a whole."""
        if self._cut_short:
            missed = "a smaller change may have been missed" if found else "none was found by then"
            return f"the search ended after {MAX_TRIALS:,} trials; {missed}"
        if found:
            return ""
        if not self._tried:
            return "none: no single number has influence on all the rules that ask for this outcome"
        fields = [path_label(*place) for place in sorted(self._tried, key=str)]
        shown = ", ".join(fields[:_MAX_TOLD]) + (f" and {len(fields) - _MAX_TOLD} more" if fields[_MAX_TOLD:] else "")
        return f"none was found: of {shown}, no other number by itself gave a better outcome"

    def _asking(self, rank: int) -> set[str]:
        """The rules that ask for worse: they have to stop asking, so a field has to have influence on each of them."""
        return {one.rule for one in self._reasons if one.rule is not None and OUTCOMES.index(one.outcome) > rank}

    def _named(self, ray: SearchDirection, point: int) -> Counterfactual:
        rank = self._rank(ray, point)
        end, last = None, point
        for outer in ray.points:
            if abs(outer - ray.points[0]) <= abs(point - ray.points[0]):
                continue
            if self._rank(ray, outer) > rank:
                end = first_that(lambda at: self._rank(ray, at) > rank, last, outer)
                break
            last = outer
        farthest = None if end is None else to_python(number_at(end - (1 if end > point else -1)))
        found: Outcome = OUTCOMES[rank]  # type: ignore[assignment]
        return Counterfactual(
            path_label(*ray.place), to_python(ray.value), to_python(number_at(point)), farthest, found
        )

    def _rank(self, ray: SearchDirection, point: int) -> int:
        """How bad the outcome is with another number in the field."""
        key = (ray.place, point)
        if key not in self._ranks:
            facts = _with_number(self._facts, ray.place, to_python(number_at(point)))
            self._ranks[key] = OUTCOMES.index(self._program.evaluate(facts, as_of=self._as_of).outcome)
        return self._ranks[key]

    def _fields(self, cuts: Breakpoints) -> Iterator[tuple[Place, float]]:
        """The numbers that were sent and that rules read."""
        for place in dict.fromkeys(one for known in cuts.places for one in _elements(self._facts, known)):
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

    def _rays_of(self, cuts: Breakpoints, place: Place, value: float) -> Iterator[SearchDirection]:
        affected = cuts.influence.of(place)
        if not self._asking(self._worst - 1) <= affected.rules:
            return
        found = cuts.of(place, affected, value, lambda at: _with_number(self._facts, place, to_python(at)))
        field = _field(self._program.schema, place)
        lowest, highest = (field.minimum, field.maximum) if field is not None else (None, None)
        low = ordinal(literal(lowest)) if lowest is not None else None
        high = ordinal(literal(highest)) if highest is not None else None
        found |= {bound for bound in (low, high) if bound is not None}
        found |= {0} | {ordinal(literal(one)) for one in (field.values or () if field is not None else ())}
        points = {point + step for point in found for step in (-1, 0, 1)}
        points |= {ordinal(one) for one in _samples(value)}
        allowed = [at for at in points if (low is None or at >= low) and (high is None or at <= high)]
        start = ordinal(value)
        yield SearchDirection(place, affected.rules, value, [start, *sorted(at for at in allowed if at > start)])
        yield SearchDirection(
            place, affected.rules, value, [start, *sorted((at for at in allowed if at < start), reverse=True)]
        )


def _edge(edge: int | float, is_low: bool, closed: str, open_: str) -> str:
    """An end of a range in words: 9.86000000000001 is better told as more than 9.86."""
    neighbour = to_python(number_at(ordinal(float(edge)) + (-1 if is_low else 1)))
    if _digits(neighbour) < _digits(edge):
        return open_.format(neighbour)
    return closed.format(_rounder(edge, is_low))


def _rounder(edge: int | float, is_low: bool) -> int | float:
    """A rounder number within a range, for an end that differs from it by rounding only."""
    exact = Decimal(repr(edge))
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 11), ROUND_CEILING if is_low else ROUND_FLOOR)
    shown: int | float = to_python(float(rounded))
    return shown if _digits(shown) <= _MAX_ROUND_DIGITS else edge


def _digits(value: int | float) -> int:
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


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
