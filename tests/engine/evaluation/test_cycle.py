"""Which rule fires next, and which ones no longer may."""

from datetime import UTC, datetime

from engine import compile_ruleset

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_group_without_a_name_excludes_nobody_outside_it() -> None:
    rules = """
        rule First salience 2 { when P.a > 1 then Review("no group"); }
        rule Second salience 1 activation-group "" { when P.a > 1 then Reject("the group"); }
        rule Third activation-group "" { when P.a > 1 then Reject("the group again"); }
    """
    evaluation = compile_ruleset({"a.grl": rules}).evaluate({"P": {"a": 2}}, as_of=AS_OF)
    assert evaluation.fired == ["First", "Second"]
