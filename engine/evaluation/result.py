"""What the engine says about facts.  cycle -> [evaluation] -> caller, verdict

Plain values that the caller may keep: nothing in them is shared with the engine. The reasons of an evaluation name the
rules that asked for its outcome; one with the outcome `error` has a single reason, with a code, and changes nothing."""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.facts import Place, with_path

#: From good to bad: the worst that any fired rule asks for wins.
OUTCOMES = ("accept", "review", "reject", "error")

Outcome = typing.Literal["accept", "review", "reject", "error"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an evaluation came out as it did."""

    #: The rule that says so; None when no single rule does.
    rule: str | None
    #: What it asks for.
    outcome: Outcome
    #: In the words of the rule; may be empty.
    text: str
    #: Stable, for errors only: `facts-rejected`, `assignment-refused`, `rules-diverged`.
    code: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The reason as plain data."""
        return {"rule": self.rule, "outcome": self.outcome, "text": self.text, "code": self.code}


class Speaker(typing.Protocol):
    """Knows beforehand what rules say."""

    def reasons(self, bits: int) -> list[Reason]:
        """The reasons of the rules that some bits stand for, in order."""


class Evaluation:
    """What the rules say about one set of facts. Nobody shares it, so that its lists may be changed."""

    __slots__ = ("_reasons", "changes", "fired", "given", "logs", "outcome", "places")

    def __init__(
        self,
        outcome: Outcome,
        fired: list[str],
        reasons: list[Reason] | tuple[Speaker, int],
        changes: dict[str, Any],
        logs: list[str],
        given: Any,
        places: tuple[Place, ...] = (),
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
        #: The facts as they were passed in.
        self.given = given
        #: Where each change belongs in the facts.
        self.places = places

    @property
    def reasons(self) -> list[Reason]:
        """In the order the rules gave them."""
        reasons = self._reasons
        if not isinstance(reasons, list):
            # Put together once somebody asks: it takes as long as finding the rules.
            speaker, bits = reasons
            reasons = self._reasons = speaker.reasons(bits)
        return reasons

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evaluation):
            return NotImplemented
        return self._compared() == other._compared()

    __hash__ = None  # type: ignore[assignment]

    def _compared(self) -> tuple[Any, ...]:
        return self.outcome, self.fired, self.reasons, self.changes, self.logs

    def __reduce__(self) -> tuple[Any, ...]:
        return Evaluation, (*self._compared(), self.given, self.places)

    def __repr__(self) -> str:
        names = ("outcome", "fired", "reasons", "changes", "logs")
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
        }


def json_value(value: Any) -> Any:
    """A value of a change as JSON has it: a date becomes ISO 8601 text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {name: json_value(item) for name, item in value.items()}
    return value


def error_evaluation(code: str, text: str, given: Any, rule: str | None = None) -> Evaluation:
    """The evaluation of what could not be judged.

    Args:
        code: stable, kebab-case.
        text: what is wrong.
        given: the facts as they were passed in.
        rule: the rule that failed; default None: none did.
    """
    return Evaluation("error", [], [Reason(rule, "error", text, code)], {}, [], given)


def worst(reasons: list[Reason]) -> Outcome:
    """The worst outcome that any reason asks for; `accept` when there is none."""
    found: Outcome = "accept"
    for reason in reasons:
        outcome = reason.outcome
        if outcome == "reject":
            return outcome
        if outcome == "review":
            found = outcome
    return found
