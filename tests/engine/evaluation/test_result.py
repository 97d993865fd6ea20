"""An evaluation is a plain value: compared, pickled and changed, whether its reasons were asked for or not."""

import pickle
from datetime import UTC, datetime

from engine import Evaluation, Reason
from tests.engine.deciding import program_of_many

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def test_it_is_equal_to_its_copy_and_pickles_whole() -> None:
    facts = {"P": {"a": 9, "b": 5}}
    program = program_of_many()
    one, other = (program.evaluate(facts, as_of=AS_OF) for _ in range(2))
    assert len(one.reasons) == 9
    assert one == other
    assert pickle.loads(pickle.dumps(program.evaluate(facts, as_of=AS_OF))) == one
    assert one != program.evaluate({"P": {"a": 8, "b": 5}}, as_of=AS_OF)
    assert one != "review"
    assert repr(one) == repr(other)


def test_its_lists_are_its_own() -> None:
    program = program_of_many()
    facts = {"P": {"a": 2, "b": 5}}
    one = program.evaluate(facts, as_of=AS_OF)
    one.fired.clear()
    assert len(one.reasons) == 2
    one.reasons.append(Reason(None, "accept", "mine"))
    assert len(one.reasons) == 3
    other = program.evaluate(facts, as_of=AS_OF)
    assert (other.fired, len(other.reasons)) == (["R000", "R001"], 2)
    assert isinstance(other, Evaluation)
