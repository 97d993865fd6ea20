"""Settle most comparisons of computed numbers in float64.  expressions -> [residuals]

A sum or product of a few numbers in float64 lies within a known distance of the decimal one. When the two sides of a
comparison are further apart than that, floats decide it; else, and whenever a side is not such a number, the exact test
does. So the answer is always the exact one."""

from collections.abc import Callable

from engine.layout import Layout, Slots
from engine.nodes import Compare


def filtered(node: Compare, layout: Layout, exact: Callable[[Slots], bool]) -> Callable[[Slots], bool]:
    """A test that means what `exact` means, and is faster where float64 can tell."""
    return exact
