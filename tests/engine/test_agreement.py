"""The evaluators agree: outcome, fired rules in order, reasons, changes and logs, on generated rulesets and facts.

A case is one ruleset and one set of facts, judged by two evaluators. `RULEFARM_FUZZ` multiplies their number, and
`make fuzz` judges a million."""

import itertools
import operator
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checks import with_dates
from engine.columnar import exact_floats, pays
from engine.evaluation import Evaluation, Search
from engine.language import Rule
from engine.program import Program
from engine.ruleset import Ruleset
from engine.schema import Schema
from engine.values import equal, from_python
from tests.engine.effort import cases
from tests.engine.generated_facts import facts_from, frame_from
from tests.engine.generated_rulesets import rules_from
from tests.engine.generated_schema import OtherSystem, schema_from
from tests.engine.naive import Answer, Naive
from tests.engine.pools import AS_OF

#: Sets of facts for each ruleset.
JOBS = 50
#: The fewest rows of a frame.
ROWS = 25
#: Cases that every run compares at least.
LEAST = cases(50_000)
#: Cases that were compared, by test.
COMPARED: Counter[str] = Counter()
#: Fewer than in service, so that a loop does not cost a test a thousand firings of the naive evaluator.
MAX_FIRINGS = 40

RANKED: dict[str, Any] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

seeds = st.integers(0, 2**48)


@pytest.fixture(scope="module", autouse=True)
def by_columns() -> Iterator[None]:
    """Frames of these few rows would be judged row by row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.program.pays", lambda frame: True)
        yield


def program_of(rules: list[Rule], schema: Schema | None = None) -> Program:
    return Program(Ruleset(tuple(rules), {}, (), schema), MAX_FIRINGS)


def naive_of(rules: list[Rule], schema: Schema | None = None) -> Naive:
    return Naive(rules, MAX_FIRINGS, schema)


def in_words(evaluation: Evaluation) -> Answer:
    code = evaluation.reasons[0].code if evaluation.outcome == "error" else None
    reasons: list[tuple[str | None, str, str]] = []
    if code is None:
        reasons += [(reason.rule, reason.outcome, reason.text) for reason in evaluation.reasons]
    events = [(event.name, event.arguments, event.rule) for event in evaluation.events]
    return Answer(evaluation.outcome, evaluation.fired, reasons, evaluation.changes, evaluation.logs, events, code)


def differ(got: Answer, wanted: Answer) -> bool:
    same = (got.outcome, got.code, got.fired, got.reasons, got.logs, list(got.changes)) == (
        wanted.outcome,
        wanted.code,
        wanted.fired,
        wanted.reasons,
        wanted.logs,
        list(wanted.changes),
    )
    calls = [(name, len(values), rule) for name, values, rule in got.events]
    same = same and calls == [(name, len(values), rule) for name, values, rule in wanted.events]
    return not (same and all(map(alike, values_of(got), values_of(wanted))))


def values_of(answer: Answer) -> list[Any]:
    return [*answer.changes.values(), *(value for _, values, _ in answer.events for value in values)]


def alike(one: Any, other: Any) -> bool:
    """By the language's own equality: Python's takes True for 1."""
    return equal(from_python(one), from_python(other))


def both(rules: list[Rule], job: dict[str, Any], schema: Schema | None) -> tuple[Answer, Answer]:
    got = in_words(program_of(rules, schema).evaluate(job, as_of=AS_OF))
    return got, naive_of(rules, schema).evaluate(job, AS_OF)


def disagree(rules: list[Rule], job: dict[str, Any], schema: Schema | None) -> bool:
    return differ(*both(rules, job, schema))


def smallest(rules: list[Rule], job: dict[str, Any], schema: Schema | None) -> str:
    """The disagreement with every rule and field left out that it does not need."""
    for rule in list(rules):
        fewer = [one for one in rules if one is not rule]
        if disagree(fewer, job, schema):
            rules = fewer
    for fact, fields in job.items():
        for field in list(fields) if isinstance(fields, dict) else []:
            fewer_fields = {name: value for name, value in job[fact].items() if name != field}
            if disagree(rules, {**job, fact: fewer_fields}, schema):
                job = {**job, fact: fewer_fields}
    got, wanted = both(rules, job, schema)
    return "\n".join([*map(repr, rules), repr(job), f"got    {got}", f"wanted {wanted}"])


def joined(search: Search) -> list[tuple[int, ...]] | None:
    """The choices that ranks leave; now and then nobody can say."""
    if len(search.fit[0]) == 3:
        return None
    ranks = [search.ranks(number) for number in range(len(search.joins))]
    found = []
    for chosen in itertools.product(*(range(len(places)) for places in search.fit)):
        held = (
            RANKED[join.op](left[chosen[join.left]], right[chosen[join.right]])
            for join, (left, right) in zip(search.joins, ranks, strict=True)
        )
        if all(held):
            found.append(tuple(places[one] for places, one in zip(search.fit, chosen, strict=True)))
    return found


def check(seed: int, schema: Schema | None) -> None:
    rules = [with_dates(rule, schema) for rule in rules_from(seed)]
    program, naive = program_of(rules, schema), naive_of(rules, schema)
    other = None if schema is None else OtherSystem(schema, seed)
    for job in facts_from(seed, JOBS, typed=schema is not None):
        if other is not None:
            job = other.sent(job)
            COMPARED["named elsewhere"] += other.schema.sent_names.renamed(job)[0] != job
        before = repr(job)
        wanted = naive.evaluate(job, AS_OF)
        if differ(in_words(program.evaluate(job, as_of=AS_OF)), wanted):
            pytest.fail(smallest(rules, job, schema))
        if program.patterns:
            told = in_words(program.evaluate(job, as_of=AS_OF, candidates=joined))
            if differ(told, wanted):
                pytest.fail("\n".join([*map(repr, rules), repr(job), f"got    {told}", f"wanted {wanted}"]))
            COMPARED["patterns"] += 1
        assert repr(job) == before
        COMPARED["record"] += 1


@settings(max_examples=cases(750), deadline=None)
@given(seeds)
def test_the_record_evaluator_means_what_the_naive_one_means(seed: int) -> None:
    check(seed, None)


@settings(max_examples=cases(250), deadline=None)
@given(seeds)
def test_it_means_the_same_for_facts_with_a_schema(seed: int) -> None:
    check(seed, schema_from(seed))


@settings(max_examples=cases(400), deadline=None)
@given(seeds, st.booleans())
def test_the_columnar_evaluator_means_what_the_record_one_means(seed: int, typed: bool) -> None:
    schema = schema_from(seed) if typed else None
    rules = [with_dates(rule, schema) for rule in rules_from(seed, flat=True)]
    frame = frame_from(seed, ROWS + seed % 20, typed)
    program = program_of(rules, schema)
    if schema is not None:
        names = {field.name: field.sent_as for field in schema.facts["P"].fields.values()}
        if seed % 5 == 0:
            frame = frame.with_columns(pl.Series("größe", [None] * len(frame)))
            names["größe"] = ""
        frame = frame.rename({name: OtherSystem(schema, seed).name(name, names[name]) for name in frame.columns})
    # So few are judged row by row, and four times as many by columns.
    many = pl.concat([frame] * 4)
    assert pays(many)
    assert not pays(frame)
    results = [program.evaluate_frame(each, fact="P", as_of=AS_OF) for each in (frame, many)]
    assert [len(result) for result in results] == [len(frame), len(many)]
    for row, fields in enumerate(exact_floats(frame).iter_rows(named=True)):
        wanted = program.evaluate({"P": fields}, as_of=AS_OF)
        for judged in results:
            said = (judged.reasons(row), judged.changes(row), judged.logs(row), judged.events(row))
            got = (judged.outcome[row], judged.fired(row), *said)
            # As texts, for Python takes True for 1.
            said = (wanted.reasons, wanted.changes, wanted.logs, wanted.events)
            if repr(got) != repr((wanted.outcome, wanted.fired, *said)):
                pytest.fail("\n".join([*map(repr, rules), repr(fields), f"got    {got}", f"wanted {wanted}"]))
        COMPARED["columnar"] += 1


def test_enough_cases_were_compared(request: pytest.FixtureRequest) -> None:
    ran = {item.name for item in request.session.items if item.path == request.path}
    # Whoever picks out one test of this file knows that the others were left out.
    if len(ran) == sum(name.startswith("test_") for name in globals()):
        assert COMPARED.total() >= LEAST, COMPARED
        assert COMPARED["record"] >= LEAST, COMPARED
        assert COMPARED["patterns"] >= LEAST / 5, COMPARED
        assert COMPARED["named elsewhere"] >= LEAST / 20, COMPARED
