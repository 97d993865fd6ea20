"""Sets of values of one ordered kind, as the bounds at which they begin and end.  [interval_set] -> value_set

Takes bounds of any one class that has an order, gives exact unions, intersections and complements; knows no kind but
for two questions about single numbers and texts."""

import math
from bisect import bisect_right
from typing import Any

from engine.plain_class import dataclass


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """A set of values of one ordered kind: it changes between in and out at each cut."""

    #: Whether the least values are in.
    inside: bool = False
    #: Rising; a value at a cut is behind it.
    points: tuple[Any, ...] = ()

    def __contains__(self, value: Any) -> bool:
        return self.inside ^ (bisect_right(self.points, value) & 1 == 1)

    def __invert__(self) -> "IntervalSet":
        return IntervalSet(not self.inside, self.points)

    def __and__(self, other: "IntervalSet") -> "IntervalSet":
        if not self.points:
            return other if self.inside else self
        if not other.points:
            return self if other.inside else other
        return self._merged(other, lambda left, right: left and right)

    def __or__(self, other: "IntervalSet") -> "IntervalSet":
        if not self.points:
            return self if self.inside else other
        if not other.points:
            return other if other.inside else self
        return self._merged(other, lambda left, right: left or right)

    def _merged(self, other: "IntervalSet", decide: Any) -> "IntervalSet":
        left, right = self.inside, other.inside
        lefts, rights = set(self.points), set(other.points)
        state = inside = decide(left, right)
        points = []
        for point in sorted(lefts | rights):
            left ^= point in lefts
            right ^= point in rights
            if decide(left, right) != state:
                state = not state
                points.append(point)
        return IntervalSet(inside, tuple(points))

    @property
    def empty(self) -> bool:
        """Whether no value is in it."""
        return not self.inside and not self.points

    @property
    def texts(self) -> tuple[str, ...] | None:
        """The texts at which a set of texts differs from the rest of it; None when they can't be listed."""
        if len(self.points) % 2:
            return None
        if len(self.points) == 2:
            # Most sets are one text.
            return self.points[:1] if self.points[0] + "\0" == self.points[1] else None
        singles = self.points[::2]
        return singles if all(a + "\0" == b for a, b in zip(singles, self.points[1::2], strict=True)) else None

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """The same for a set of numbers."""
        if len(self.points) % 2:
            return None
        singles, follow = self.points[::2], self.points[1::2]
        return singles if all(math.nextafter(a, math.inf) == b for a, b in zip(singles, follow, strict=True)) else None
