"""An evaluation is a plain value: compared, pickled and changed, whether its reasons were asked for or not."""

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Evaluation, Program, Reason, compile_ruleset

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
#: So many rules that a field is looked up in tables, and many names are taken at once.
MANY = 300


def _program(action: str = "") -> Program:
    rules = [
        f'rule R{i:03d} {{ when P.a > {i} && P.b < {2 * MANY - i} then {_outcome(i)}("r{i}"); {action} }}'
        for i in range(MANY)
    ]
    return compile_ruleset({"many.grl": "\n".join(rules)})


def _outcome(i: int) -> str:
    return "Reject" if i == MANY - 1 else "Review" if i % 2 else "Accept"


@pytest.mark.parametrize(
    ("a", "outcome"), [(0, "accept"), (1, "accept"), (2, "review"), (9, "review"), (300, "reject")]
)
def test_rules_that_only_decide_say_what_they_would_say_in_a_cycle(a: int, outcome: str) -> None:
    """The second program also logs, so that its rules go through the cycle."""
    facts: dict[str, Any] = {"P": {"a": a, "b": 5}}
    quick, slow = (program.evaluate(facts, as_of=AS_OF) for program in (_program(), _program('Log("x");')))
    assert quick.outcome == slow.outcome == outcome
    assert quick.fired == slow.fired == [f"R{i:03d}" for i in range(a)]
    assert quick.reasons == slow.reasons
    assert [reason.text for reason in quick.reasons] == [f"r{i}" for i in range(a)]
    assert (len(slow.logs), quick.logs, quick.changes, quick.facts) == (a, [], {}, facts)


def test_it_is_equal_to_its_copy_and_pickles_whole() -> None:
    facts = {"P": {"a": 9, "b": 5}}
    program = _program()
    one, other = (program.evaluate(facts, as_of=AS_OF) for _ in range(2))
    assert len(one.reasons) == 9
    assert one == other
    assert pickle.loads(pickle.dumps(program.evaluate(facts, as_of=AS_OF))) == one
    assert one != program.evaluate({"P": {"a": 8, "b": 5}}, as_of=AS_OF)
    assert one != "review"
    assert repr(one) == repr(other)


def test_its_lists_are_its_own() -> None:
    program = _program()
    facts = {"P": {"a": 2, "b": 5}}
    one = program.evaluate(facts, as_of=AS_OF)
    one.fired.clear()
    assert len(one.reasons) == 2
    one.reasons.append(Reason(None, "accept", "mine"))
    assert len(one.reasons) == 3
    other = program.evaluate(facts, as_of=AS_OF)
    assert (other.fired, len(other.reasons)) == (["R000", "R001"], 2)
    assert isinstance(other, Evaluation)


def test_a_group_without_a_name_excludes_nobody_outside_it() -> None:
    rules = """
        rule First salience 2 { when P.a > 1 then Review("no group"); }
        rule Second salience 1 activation-group "" { when P.a > 1 then Reject("the group"); }
        rule Third activation-group "" { when P.a > 1 then Reject("the group again"); }
    """
    evaluation = compile_ruleset({"a.grl": rules}).evaluate({"P": {"a": 2}}, as_of=AS_OF)
    assert evaluation.fired == ["First", "Second"]
