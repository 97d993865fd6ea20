"""Whoever is timed finds what the engine finds. Nothing here is timed."""

import pytest

from bench import chained, chained_networks
from bench.baselines import GroupedMasks, Masks, inlined, specialised
from bench.chain_suite import ANSWERS
from bench.engine_reasons import reasons
from bench.engines import ENGINES, installed
from bench.ours import AS_OF, by_chunk, by_record, chunks_of, compiled
from bench.suites import CHUNK, RECORD, B
from bench.timing import Contender, Disagreement, ReportRow, Sample, check, race
from bench.workload import NUMBERS, Workload, make_workload
from engine import compile_ruleset


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_workload(120, 300, seed=7, categories=4)


@pytest.fixture(scope="module")
def expected(workload: Workload) -> list[list[str]]:
    return by_record(compiled(workload), [{"Product": product} for product in workload.products])


def test_a_workload_is_the_same_from_the_same_seed() -> None:
    assert make_workload(30, 20, seed=3) == make_workload(30, 20, seed=3)
    assert make_workload(30, 20, seed=3) != make_workload(30, 20, seed=4)
    assert make_workload(30, 20).rules == make_workload(30, 5).rules
    assert make_workload(30, 20).products == make_workload(5, 20).products


def test_a_workload_is_made_as_it_says() -> None:
    rules = make_workload(600, 0).rules
    assert sum(1 for rule in rules if len(rule.brands) == 5) == 200
    assert sum(1 for rule in rules if rule.factor is not None) == 300
    assert all(len({field for field, _, _ in rule.bounds}) == 3 for rule in rules)
    assert {field for rule in rules for field, _, _ in rule.bounds} == set(NUMBERS)


def test_enough_rules_hold_to_tell_contenders_apart(expected: list[list[str]]) -> None:
    assert 0.5 * len(expected) < sum(len(hits) for hits in expected) < 20 * len(expected)
    assert any(not hits for hits in expected)


@pytest.mark.parametrize("write", [inlined, specialised], ids=["a", "b"])
def test_python_by_hand_finds_what_the_engine_finds(write, workload: Workload, expected: list[list[str]]) -> None:
    judge = write(workload.rules)
    assert [judge(product) for product in workload.products] == expected


@pytest.mark.parametrize("masks", [Masks, GroupedMasks], ids=["c", "d"])
@pytest.mark.parametrize(("size", "rows"), [(1, 50), (70, 300), (300, 300)])
def test_numpy_by_hand_finds_what_the_engine_finds(
    masks, size: int, rows: int, workload: Workload, expected: list[list[str]]
) -> None:
    judge = masks(workload.rules)
    found = [hits for chunk in chunks_of(workload.frame.head(rows), size) for hits in judge(chunk)]
    assert found == expected[:rows]


@pytest.mark.parametrize("size", [1, 70, 300])
def test_chunks_find_what_records_find(size: int, workload: Workload, expected: list[list[str]]) -> None:
    assert by_chunk(compiled(workload), chunks_of(workload.frame, size), "Product") == expected


def test_a_text_no_rule_names_is_no_category(workload: Workload) -> None:
    product = {**workload.products[0], "category": "other", "brand": "other"}
    strange = Workload(workload.rules, [product])
    for judge in (Masks(workload.rules), GroupedMasks(workload.rules)):
        assert judge(strange.frame) == [[]]
    assert specialised(workload.rules)(product) == []


def test_engines_that_are_installed_find_what_ours_finds(workload: Workload, expected: list[list[str]]) -> None:
    judges, absent = installed(workload.rules)
    assert len(judges) + len(absent) == len(ENGINES)
    for name, judge in judges.items():
        assert judge(workload.products[:60]) == expected[:60], name
    assert all(one.reason for one in absent)


def test_the_chain_by_hand_comes_to_what_the_rules_come_to() -> None:
    program = compile_ruleset({"chain.grl": chained.grl()}, chained.schema())
    assert len(program.rules) == 60
    items = chained.make_items(200)
    one, split = chained.inlined(), chained.specialised()
    result = program.evaluate_frame(chained.frame(items), fact="Item", as_of=AS_OF)
    longest = 0
    for row, item in enumerate(items):
        evaluation = program.evaluate({"Item": item}, as_of=AS_OF)
        judged = chained.comparable(evaluation.fired, evaluation.changes)
        assert judged == chained.comparable(*one(item)) == chained.comparable(*split(item))
        assert judged == chained.comparable(result.fired(row), result.changes(row))
        longest = max(longest, len(evaluation.fired))
    assert longest == len(chained.WRITTEN)


def test_who_finds_something_else_is_not_timed() -> None:
    with pytest.raises(Disagreement, match=r"^x finds \['b'\] for product 1, the engine finds \['a'\]$"):
        check("x", [["a"], ["b"]], [["a"], ["a"], ["a"]])


def test_every_round_runs_every_contender_once_and_begins_with_another() -> None:
    order: list[str] = []
    contenders = [Contender(name, lambda name=name: order.append(name), 1) for name in "abc"]
    samples = race(contenders, 3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"
    assert {len(sample.values) for sample in samples.values()} == {3}


def test_a_ratio_is_taken_round_by_round() -> None:
    ratio = Sample((2.0, 30.0, 8.0)).over(Sample((1.0, 10.0, 2.0)))
    assert (ratio.low, ratio.middle, ratio.high) == (2.0, 3.0, 4.0)


def test_networks_that_are_installed_come_to_what_the_chain_by_hand_comes_to() -> None:
    items, by_hand = chained.make_items(120), chained.inlined()
    wanted = [chained.comparable(*by_hand(item)) for item in items]
    judges, absent = chained_networks.installed()
    assert len(judges) + len(absent) == 2
    for name, judge in judges.items():
        check(name, [chained.comparable(*each) for each in judge(items)], wanted)


def test_of_what_was_missed_the_reasons_are_told_and_how_fast_the_machine_is() -> None:
    chain, once = "chained, 60 rules", Sample((1.5,))
    rows = [
        ReportRow(chain, ANSWERS, Sample((3.0,)), "µs", once, "≤ 2.8 µs", False),
        ReportRow(chain, CHUNK, Sample((1.25,)), "µs"),
        ReportRow(chain, B, once, "µs"),
        ReportRow("one record", RECORD, Sample((3.0,)), "µs"),
        ReportRow("one record", B, once, "µs", Sample((0.5,)), "> 1 x", False),
    ]
    told = reasons(rows)
    assert [line.split(":")[0].strip() for line in told] == [
        f"why, {chain}, {ANSWERS}",
        f"why, one record, {B}",
        "why, microseconds",
    ]
    assert "1.25 µs of it are the pass" in told[0]
    assert "2.0 x as slow" in told[-1]
    assert reasons(rows[1:3]) == []
