"""Who may watch a cycle.  cycle -> [observers] -> explain, metrics

An observer sees what happens and changes nothing. Without one the cycle does not even ask."""

from collections.abc import Mapping
from typing import Any

from engine.evaluation.result import Evaluation
from engine.language import Rule


class Observer:
    """Watches one evaluation; every method does nothing until a subclass says otherwise."""

    def rule_matched(self, rule: Rule) -> None:
        """The condition of a rule began to hold: it stands on the agenda.

        Args:
            rule: which.
        """

    def rule_fired(self, rule: Rule, changes: Mapping[str, Any]) -> None:
        """The actions of a rule ran.

        Args:
            rule: which.
            changes: `Fact.field` to its new value, for the fields that this firing changed.
        """

    def cycle_ended(self, evaluation: Evaluation) -> None:
        """No rule is left on the agenda, or the facts were refused.

        Args:
            evaluation: what came out.
        """
