"""What compiling and starting cost becomes a table, and of what is missed the figures beside it say why. No time is
judged."""

import pytest

from bench import report
from bench.compile_suite import PEAK, TABLE, WHOLE, compilation
from bench.compiling import MEASURES, files_of, measured, table, table_of
from bench.engine_reasons import reasons
from bench.ours import AS_OF
from bench.suites import HALF, RECORD, B, Effort, twice_as_fast
from bench.timing import ReportRow, Sample
from bench.worker_start import CPU, FIRST, IMPORTS, rows_of, worker_start
from bench.workload import make_workload
from engine import Program, read_sources
from engine.language import MAX_RULES, MAX_SOURCE_CHARACTERS

EFFORT = Effort(products=30, rounds=1, budget_s=0.001, slow_rounds=1, largest=10_000, shipped=30)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, float]]:
    """What each process would tell, in the place of processes that take a minute."""
    told = {
        "times": {"parse": 0.6, "index": 0.3, "record": 0.001, "chunk": 0.1, "a": 0.3, "b": 0.2},
        "size": {"megabytes": 100.0},
        "table": {"parse": 0.5, "index": 0.1},
        "peak": {"before": 90.0, "megabytes": 500.0},
    }
    assert told.keys() == MEASURES.keys()
    monkeypatch.setattr("bench.compile_suite.measured", lambda rules, what="times": told[what])
    return told


def judged(rows: list[ReportRow]) -> list[tuple[str, str, bool | None]]:
    return [(row.name, row.target, row.met) for row in rows if row.name in (WHOLE, TABLE, PEAK)]


def test_compiling_is_held_against_a_third_of_the_build_before_and_tables_and_memory_against_theirs(
    figures: dict[str, dict[str, float]],
) -> None:
    rows = compilation(EFFORT)
    assert judged(rows) == [
        (WHOLE, "≤ 2.4 x", False),
        (WHOLE, "≤ 2.7 x", False),
        (TABLE, "≤ 700 ms", True),
        (PEAK, "≤ 600 MB", True),
    ]
    assert f"compile, 1,000 rules, {WHOLE}: 3.00, wanted ≤ 2.4 x" in report.summary(rows)
    told = [line for line in reasons(rows) if WHOLE in line]
    assert len(told) == 2
    assert all("2.0 x as long" in line and line.endswith("the index 1.0 x") for line in told)
    figures["times"] |= {"parse": 0.5, "index": 0.2}
    figures["table"]["parse"], figures["peak"]["megabytes"] = 0.7, 700.0
    rows = compilation(EFFORT)
    assert [met for _, _, met in judged(rows)] == [True, True, False, False]
    why = "\n".join(reasons(rows))
    assert "700 ms are its cells" in why
    assert "90 MB are there before any rule" in why


def test_the_peak_is_that_of_a_process_of_its_own() -> None:
    found = measured(20, "peak")
    assert 0 < found["before"] <= found["megabytes"] < 1_000


def test_the_most_rules_of_a_ruleset_are_read_from_files_that_are_short_enough() -> None:
    assert MAX_RULES == 20_000
    files = files_of(make_workload(MAX_RULES, 0))
    assert max(map(len, files.values())) <= MAX_SOURCE_CHARACTERS
    assert sum(text.count("rule ") for text in files.values()) == MAX_RULES


def test_every_row_of_the_table_that_is_timed_is_a_rule_and_no_two_overlap() -> None:
    assert all(seconds > 0 for seconds in table(20).values())
    program = Program(read_sources({"bands.csv": table_of(200)}, make_workload(1, 1).schema))
    assert len(program.rules) == 200
    for price, place in ((0, 0), (0.05, 0), (0.1, 1), (1.99, 19)):
        facts = {"Product": {"category": "category 03", "price": price}}
        assert [reason.text for reason in program.evaluate(facts, as_of=AS_OF).reasons] == [f"band {10 * place + 3}"]


def test_the_record_of_many_rules_is_held_against_the_build_before_by_what_is_written_by_hand() -> None:
    def row(section: str, name: str, micros: float) -> ReportRow:
        return ReportRow(section, name, Sample((micros,)), "µs")

    few, many = "one record, 1,000 rules", "one record, 10,000 rules"
    rows = [row(few, RECORD, 9), row(many, RECORD, 20), row(many, B, 60)]
    half = twice_as_fast(rows[1:])
    assert (half.name, half.target, half.met) == (HALF, "≥ 4.2 x", False)
    assert any(f"{few}: 9.0 µs" in line for line in reasons([*rows, half]))
    assert twice_as_fast([rows[1], row(many, B, 100)]).met


def test_a_start_that_takes_too_long_is_told_with_its_imports_and_its_cpu() -> None:
    rows = rows_of(4, [1.0, 1.2, 1.1], [0.9, 1.0, 1.1], [0.5, 0.6, 0.7])
    assert [(row.name, row.sample.middle, row.met) for row in rows] == [
        (FIRST, 1.1, False),
        (CPU, 1.0, None),
        (IMPORTS, 0.6, None),
    ]
    [line] = reasons(rows)
    assert "0.60 s" in line
    assert "1.00 s of CPU" in line
    assert rows_of(4, [0.8], [0.7], [0.4])[0].met


@pytest.mark.services
def test_a_worker_of_all_domains_that_ship_judges_the_job_that_waited_for_it() -> None:
    rows, absent = worker_start(1)
    assert absent == []
    assert [row.name for row in rows] == [FIRST, CPU, IMPORTS]
    assert all(row.sample.middle > 0 for row in rows)
