"""The evaluators agree: outcome, fired rules in order, reasons, changes and logs, on generated rulesets and facts.

`RULEFARM_FUZZ` multiplies the number of rulesets (default 1: 50,000 cases)."""

import copy
import os
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation import Evaluation
from engine.nodes import Rule
from engine.program import Program
from engine.ruleset import Ruleset
from engine.values import equal, take
from tests.engine.generated import AS_OF, facts_from, rules_from
from tests.engine.naive import Answer, Naive

TIMES = int(os.environ.get("RULEFARM_FUZZ", "1"))
#: Sets of facts for each ruleset.
FACTS = 25
#: Fewer than in service, so that a loop does not cost a test a thousand firings of the naive evaluator.
MAX_FIRINGS = 40

seeds = st.integers(0, 2**48)


def program_of(rules: list[Rule]) -> Program:
    return Program(Ruleset(tuple(rules), {}, "0" * 64, (), None), MAX_FIRINGS)


def naive_of(rules: list[Rule]) -> Naive:
    return Naive(rules, MAX_FIRINGS)


def in_words(evaluation: Evaluation) -> Answer:
    code = evaluation.reasons[0].code if evaluation.outcome == "error" else None
    reasons: list[tuple[str | None, str, str]] = []
    if code is None:
        reasons += [(reason.rule, reason.outcome, reason.text) for reason in evaluation.reasons]
    return Answer(evaluation.outcome, evaluation.fired, reasons, evaluation.changes, evaluation.logs, code)


def differ(got: Answer, wanted: Answer) -> bool:
    same = (got.outcome, got.code, got.fired, got.reasons, got.logs, list(got.changes)) == (
        wanted.outcome,
        wanted.code,
        wanted.fired,
        wanted.reasons,
        wanted.logs,
        list(wanted.changes),
    )
    # By the language's own equality: Python's takes True for 1.
    return not (same and all(equal(take(got.changes[name]), take(wanted.changes[name])) for name in wanted.changes))


def disagree(rules: list[Rule], job: dict[str, Any], as_of: datetime) -> bool:
    return differ(in_words(program_of(rules).evaluate(job, as_of=as_of)), naive_of(rules).evaluate(job, as_of))


def smallest(rules: list[Rule], job: dict[str, Any]) -> str:
    """The disagreement with every rule and field left out that it does not need."""
    for rule in list(rules):
        fewer = [one for one in rules if one is not rule]
        if disagree(fewer, job, AS_OF):
            rules = fewer
    for fact, fields in job.items():
        for field in list(fields) if isinstance(fields, dict) else []:
            fewer_fields = {name: value for name, value in job[fact].items() if name != field}
            if disagree(rules, {**job, fact: fewer_fields}, AS_OF):
                job = {**job, fact: fewer_fields}
    got, wanted = in_words(program_of(rules).evaluate(job, as_of=AS_OF)), naive_of(rules).evaluate(job, AS_OF)
    return "\n".join([*map(repr, rules), repr(job), f"got    {got}", f"wanted {wanted}"])


@settings(max_examples=2_000 * TIMES, deadline=None)
@given(seeds)
def test_the_record_evaluator_means_what_the_naive_one_means(seed: int) -> None:
    rules = rules_from(seed)
    program, naive = program_of(rules), naive_of(rules)
    for job in facts_from(seed, FACTS):
        before = copy.deepcopy(job)
        if differ(in_words(program.evaluate(job, as_of=AS_OF)), naive.evaluate(job, AS_OF)):
            pytest.fail(smallest(rules, job))
        assert repr(job) == repr(before)
