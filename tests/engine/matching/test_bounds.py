"""What compiling takes is bounded by the fields that rules read, and by the ways in which they can hold."""

import pickle
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest

import engine.compiler
from engine import RulesetRejected, compile_ruleset
from engine.matching import normal_form
from engine.ruleset import read_sources
from tests.engine.naive import Naive

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS: dict[str, Callable[[int], str]] = {
    "conditions": lambda n: f"rule r{n} {{ when P.f{n} > 5 then Reject(); }}",
    "facts": lambda n: f"rule r{n} {{ when P{n}.f then Reject(); }}",
    "items": lambda n: f"rule r{n} {{ when P.f[{n}] > 5 then Reject(); }}",
    "targets": lambda n: f"rule r{n} {{ when true then P.f{n} = 5; }}",
    "reasons": lambda n: f'rule r{n} {{ when true then Reject("x" + P.f{n}); }}',
}


@pytest.mark.parametrize("made", FIELDS.values(), ids=FIELDS)
def test_rules_that_read_and_write_too_many_fields_are_refused(
    made: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.compiler, "MAX_PLACES", 60)
    compile_ruleset({"a.grl": "\n".join(map(made, range(20)))})
    with pytest.raises(RulesetRejected) as caught:
        compile_ruleset({"a.grl": "\n".join(map(made, range(80)))})
    (found,) = caught.value.diagnostics
    assert (found.code, found.span) == ("too-many-fields-read", None)
    assert found.hint
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_alternatives_beyond_the_bound_are_not_taken_apart_and_mean_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = (
        "(P.a > {0} || P.b < {0}) && (P.b > {1} || P.c == {1})",
        "!(P.a > {0} && P.b < {1}) && !(P.c > {0} && P.a < {1})",
        "P.a == {0} || P.b == {1} || P.c > {1}",
        "P.a == null || P.b > {0} && (P.c > {1} || P.a < 1)",
    )
    rules = "\n".join(
        f'rule r{n} {{ when {shape.format(n % 5, n % 3)} then Review("r{n}"); }}'
        for n in range(40)
        for shape in shapes[n % 4 : n % 4 + 1]
    )
    whole = compile_ruleset({"a.grl": rules})
    monkeypatch.setattr(normal_form, "MAX_ALL_CONJUNCTIONS", 30)
    ruleset = read_sources({"a.grl": rules})
    # Those of the first rules, and one of each of the others.
    assert len(engine.compiler.compile_rules(ruleset.rules, None, 1_000).entries) < 30 + 32 + 40
    bounded, naive = compile_ruleset({"a.grl": rules}), Naive(list(ruleset.rules))
    facts = [{"a": a, "b": b, "c": c} for a in (None, *range(5)) for b in range(4) for c in range(4)]
    frame = bounded.evaluate_frame(pl.DataFrame(facts), fact="P", as_of=AS_OF)
    for row, fields in enumerate(facts):
        fired = whole.evaluate({"P": fields}, as_of=AS_OF).fired
        assert fired
        assert bounded.evaluate({"P": fields}, as_of=AS_OF).fired == frame.fired(row) == fired
        assert naive.evaluate({"P": fields}, AS_OF).fired == fired
