"""Rules that only decide are answered by the index, without a cycle."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.engine.deciding import program_of_many

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("a", "outcome"), [(0, "accept"), (1, "accept"), (2, "review"), (9, "review"), (300, "reject")]
)
def test_rules_that_only_decide_say_what_they_would_say_in_a_cycle(a: int, outcome: str) -> None:
    """The second program also logs, so that its rules go through the cycle."""
    facts: dict[str, Any] = {"P": {"a": a, "b": 5}}
    quick, slow = (
        program.evaluate(facts, as_of=AS_OF) for program in (program_of_many(), program_of_many('Log("x");'))
    )
    assert quick.outcome == slow.outcome == outcome
    assert quick.fired == slow.fired == [f"R{i:03d}" for i in range(a)]
    assert quick.reasons == slow.reasons
    assert [reason.text for reason in quick.reasons] == [f"r{i}" for i in range(a)]
    assert (len(slow.logs), quick.logs, quick.changes, quick.facts) == (a, [], {}, facts)
