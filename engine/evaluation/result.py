"""What the engine says about one set of facts.

Plain values that the caller may keep: nothing in them is shared with the engine. The reasons of an evaluation name the
rules that asked for its outcome; one with the outcome `error` has a single reason, with a code, and changes nothing."""

from collections.abc import Mapping
from typing import Any

from engine.evaluation.reasons import Outcome, Reason, ReasonTable, RuleEvent, json_value
from engine.facts import Place, with_path


class Evaluation:
    """What the rules say about one set of facts. Nobody shares it, so that its lists may be changed."""

    __slots__ = ("_places", "_reasons", "changes", "events", "fired", "given", "logs", "outcome")

    def __init__(
        self,
        outcome: Outcome,
        fired: list[str],
        reasons: list[Reason] | tuple[ReasonTable, int],
        changes: dict[str, Any],
        logs: list[str],
        given: Any,
        places: tuple[Place, ...] | Mapping[str, Place] = (),
        events: list[RuleEvent] | None = None,
    ) -> None:
        #: The worst that any fired rule asked for; `accept` when none asked.
        self.outcome = outcome
        #: Names of the rules that fired, in that order; a rule that fired twice stands here twice.
        self.fired = fired
        self._reasons = reasons
        #: `Fact.field` to its new value, for fields whose value is another one than before; in the order of first
        #: writing.
        self.changes = changes
        #: Texts that rules logged, in order.
        self.logs = logs
        #: The calls that rules made, in order.
        self.events = [] if events is None else events
        #: The facts as they were passed in.
        self.given = given
        self._places = places

    @property
    def places(self) -> tuple[Place, ...]:
        """Where each change belongs in the facts."""
        places = self._places
        # Of all that rules write, by name: hardly anybody asks.
        return places if isinstance(places, tuple) else tuple([places[name] for name in self.changes])

    @property
    def reasons(self) -> list[Reason]:
        """In the order the rules gave them."""
        reasons = self._reasons
        if not isinstance(reasons, list):
            # Put together once somebody asks: it takes as long as finding the rules.
            table, bits = reasons
            reasons = self._reasons = table.of_bits(bits)
        return reasons

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return self._compared() == other._compared()

    __hash__ = None  # type: ignore[assignment]

    def _compared(self) -> tuple[Any, ...]:
        return self.outcome, self.fired, self.reasons, self.changes, self.logs, self.events

    def __reduce__(self) -> tuple[Any, ...]:
        return Evaluation, (*self._compared()[:-1], self.given, self.places, self.events)

    def __repr__(self) -> str:
        names = ("outcome", "fired", "reasons", "changes", "logs", "events")
        return f"Evaluation({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    @property
    def facts(self) -> dict[str, Any]:
        """The facts after the rules: what was passed in, with the changes. Shares with it what did not change."""
        after = dict(self.given) if isinstance(self.given, Mapping) else {}
        for (fact, steps), value in zip(self.places, self.changes.values(), strict=True):
            after[fact] = with_path(after.get(fact), steps, value)
        return after

    def to_json(self) -> dict[str, Any]:
        """The evaluation as plain data; dates as ISO 8601 text. Without the facts."""
        return {
            "outcome": self.outcome,
            "fired": list(self.fired),
            "reasons": [reason.to_json() for reason in self.reasons],
            "changes": {name: json_value(value) for name, value in self.changes.items()},
            "logs": list(self.logs),
            "events": [event.to_json() for event in self.events],
        }


def error_evaluation(code: str, text: str, given: Any, rule: str | None = None) -> Evaluation:
    """The evaluation of what could not be judged.

    Args:
        code: stable, kebab-case.
        text: what is wrong.
        given: the facts as they were passed in.
        rule: the rule that failed; default None: none did.
    """
    return Evaluation("error", [], [Reason(rule, "error", text, code)], {}, [], given)
