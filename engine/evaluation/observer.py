"""What may watch a cycle without changing it.

Takes part in `engine.evaluation.cycle.run_cycle` when a caller passes one, as `engine.explanation.explain` does to see
the state between firings. Judging passes none, and then the cycle does not even ask."""

from collections.abc import Mapping
from typing import Any

from engine.language import Rule


class Observer:
    """Watches one evaluation; every method does nothing until a subclass says otherwise."""

    def rule_matched(self, rule: Rule) -> None:
        """The condition of a rule began to hold: it is on the agenda.

        Args:
            rule: which.
        """

    def rule_fired(self, rule: Rule, changes: Mapping[str, Any]) -> None:
        """The actions of a rule ran.

        Args:
            rule: which.
            changes: `Fact.field` to its new value, for the fields that this firing changed.
        """
