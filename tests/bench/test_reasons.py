"""Whatever target is missed, the run says why, in its own figures. No time is judged."""

import random
from dataclasses import replace

import pytest

from bench.chain_suite import chain
from bench.compile_suite import compilation
from bench.engine_reasons import reasons
from bench.ours import compiled
from bench.suites import FASTEST, RECORD, A, B, C, D, Effort, chunks, orders, records, twice_as_fast
from bench.timing import Goal, ReportRow, Sample
from bench.worker_start import rows_of
from bench.workload import make_workload
from rulesets.loader import SHIPPED, load_domain
from workers.drill.subjects import order

EFFORT = Effort(products=30, rounds=1, budget_s=0.001, slow_rounds=1, largest=10_000, shipped=60)
#: As if each process had told this much of everything.
FIGURES = dict.fromkeys(("parse", "index", "record", "chunk", "a", "b", "megabytes", "before"), 1.0)


def rows_with_targets() -> list[ReportRow]:
    """Every part of the table, of a few rules and facts."""
    some = make_workload(12, EFFORT.products)
    program = compiled(some)
    rows, _ = records(some, program, {A: Goal(6, "≥ 6 x"), B: Goal(1, "> 1 x")}, EFFORT)
    fastest = replace(rows[0], name=f"{FASTEST}zen-engine", target="≥ 10 x")
    half = twice_as_fast([row for row in rows if row.name in (RECORD, B)])
    chained, _ = chain(replace(EFFORT, largest=60))
    chance = random.Random("reasons")
    taken = [order(chance, f"O{number}") for number in range(60)]
    goals = Goal(35, "≤ 35 µs", is_least=False), Goal(25, "≤ 25 µs", is_least=False)
    return [
        *rows,
        fastest,
        half,
        *chunks(some, program, (10, 30), {C: Goal(2, "≥ 2 x"), D: Goal(1, "≥ 1 x")}, EFFORT),
        *chained,
        *orders("payment", load_domain(SHIPPED, "payment").program, taken, *goals, EFFORT),
        *compilation(EFFORT),
        *rows_of(4, [1.0], [0.9], [0.5]),
    ]


def test_of_every_target_that_is_missed_the_run_says_why_in_figures_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.compile_suite.measured", lambda rules, what="times": FIGURES)
    rows = [replace(row, met=False) if row.target else row for row in rows_with_targets()]
    missed = [f"  why, {row.section}, {row.name}: " for row in rows if row.target]
    told = reasons(rows)
    assert len(told) == len(missed) + 1
    for begins, line in zip(missed, told, strict=False):
        assert line.startswith(begins)
        assert any(character.isdigit() for character in line.removeprefix(begins))


def test_a_chain_that_takes_too_long_by_itself_is_not_explained_by_chunks() -> None:
    section, once = "chained, 10,020 rules", Sample((1.5,))
    rows = [
        ReportRow(section, RECORD, Sample((20.0,)), "µs", None, "≤ 16 µs", False),
        ReportRow(section, B, once, "µs"),
    ]
    [line] = reasons(rows)
    assert line.startswith(f"  why, {section}, {RECORD}: ")
    assert "by hand" in line
    assert "1.50 µs" in line
    assert "chunk" not in line
