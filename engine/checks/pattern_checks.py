"""Patterns of `matches`: constants that RE2 takes, and not too costly.  functions -> [pattern_checks] -> rule_checks

Takes the tests of a ruleset one by one, reports those that are refused. What a pattern may cost is known before any
text is: so no evaluation needs a clock, and none is cut short."""

from collections.abc import Callable

from engine.functions import MAX_ALL_PATTERN_STEPS, PatternRefused, pattern_steps
from engine.language import Literal, Node, TextTest

#: Takes the node that is wrong, a code, a message and a hint.
_Report = Callable[[Node, str, str, str], None]


class PatternChecks:
    """The patterns of one ruleset."""

    def __init__(self) -> None:
        #: Steps of those that were looked at.
        self._steps = 0

    def check(self, node: TextTest, report: _Report) -> None:
        """Look at one more.

        Args:
            node: a test with `matches`.
            report: takes what is wrong with it.
        """
        if not isinstance(node.right, Literal):
            report(node.right, "bad-pattern", "the pattern of 'matches' has to be a constant", "")
        elif isinstance(node.right.value, str):
            try:
                steps = pattern_steps(node.right.value)
            except PatternRefused as refused:
                hint = "patterns follow RE2: no look-around, no back-references, few counted repeats"
                report(node.right, "bad-pattern", f"not a pattern: {refused}", hint)
                return
            before, self._steps = self._steps, self._steps + steps
            if before <= MAX_ALL_PATTERN_STEPS < self._steps:
                message = f"the patterns up to here may take {self._steps:,} steps for a character of a text"
                hint = f"a domain may take {MAX_ALL_PATTERN_STEPS:,}: fewer counted repeats, or one pattern of several"
                report(node.right, "too-many-patterns", message, hint)
