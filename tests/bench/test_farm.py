"""The farm and the queues beside it do the same work, and a table comes of what is measured. No time is judged."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import report
from bench.engines import Absent
from bench.farm.contenders import ALWAYS, PEERS, peers
from bench.farm.killing import Killed
from bench.farm.measures import Turn
from bench.farm.nightly import Night
from bench.farm.targets import rows_of, rows_of_killed, rows_of_nights
from bench.farm.work import COLUMNS, DOMAIN, Judge, encoded, material
from bench.timing import Goal
from rulesets.loader import SHIPPED, load_domain
from tests.processes import CHECKOUT
from workers.drill.subjects import AS_OF

SLOW = Turn(answer_s=(0.004, 0.01), row_s=None, submit_s=0.001, many_rate=None, rate=500, cpu_s=0.001, child_bytes=1)
FAST = Turn((0.006, 0.03), (0.005, 0.02), submit_s=0.003, many_rate=20_000, rate=4_500, cpu_s=0.0005, child_bytes=2)
PEER = replace(FAST, answer_s=None, rate=1_500, many_rate=10_000)


def figures(name: str, rows: list[report.ReportRow]) -> list[tuple[float | None, bool | None]]:
    return [(row.ratio and row.ratio.middle, row.met) for row in rows if row.name == name]


@pytest.mark.services
def test_a_short_run_measures_the_farm_and_what_needs_no_package(tmp_path: Path) -> None:
    file = tmp_path / "farm.json"
    command = [sys.executable, "-m", "bench", "farm", "--quick", "--no-peers", "--json", str(file)]
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["absent"] == {}
    assert all(row["median"] > 0 for row in found["rows"])
    rates = {row["name"] for row in found["rows"] if row["section"].startswith("single jobs with a backlog, two")}
    assert rates == {"rulefarm", *(kind.name for kind in ALWAYS)}
    assert any(row["section"].startswith("nightly, 200 products") for row in found["rows"])


def test_a_peer_stores_what_the_farm_finds() -> None:
    program = load_domain(SHIPPED, DOMAIN).program
    judge, outcomes = Judge(), set()
    for key, facts in material(200).jobs("x", 200):
        row = dict(zip(COLUMNS, judge.row(encoded(key, facts)), strict=True))
        evaluation = program.evaluate(facts, as_of=AS_OF).to_json()
        assert (row["subject"], row["outcome"], row["fired"]) == (key, evaluation["outcome"], evaluation["fired"])
        assert json.loads(row["reasons"]) == evaluation["reasons"]
        outcomes.add(row["outcome"])
    assert len(outcomes) > 1


def test_every_job_of_a_backlog_has_a_key_of_its_own() -> None:
    few = material(3)
    jobs = few.jobs("x", 2 * len(few.orders) + 1)
    assert len({key for key, _ in jobs}) == len(jobs)
    assert jobs[0][1] == jobs[len(few.orders)][1]


def test_who_is_not_installed_is_named_with_the_reason() -> None:
    found, absent = peers(())
    assert len(found) + len(absent) == len(PEERS)
    assert all(one.reason for one in absent)
    assert [one.name for one in peers(("oban",))[1]] in ([], ["oban"])


def test_ratios_are_taken_turn_by_turn_and_held_against_what_is_wanted() -> None:
    empty = "Celery, an empty task"
    rows = rows_of({"rulefarm": [FAST] * 3, empty: [SLOW, SLOW, replace(SLOW, rate=900)], "pgqueuer": [PEER] * 3})
    by_section = {row.section.split(" (")[0]: row for row in rows if row.name.startswith("rulefarm")}
    told = {title: (row.ratio and round(row.ratio.middle, 3), row.met) for title, row in by_section.items()}
    assert told == {
        "one order at idle, from submit to its answer, median": (1.5, True),
        "the same, 99 of 100": (1.0, None),
        "one order at idle, until its row is seen, median": (1.0, True),
        "submit, one job": (3.0, False),
        "submit_many": (2.0, True),
        "single jobs with a backlog, two processes": (9.0, True),
        "single jobs with a backlog, beside the best peer": (3.0, True),
        "CPU of the workers for a job": (0.5, None),
        "resident memory of a worker's process after the backlog": (None, None),
    }
    worst = next(row for row in rows if row.section.startswith("the same") and row.target)
    assert (worst.ratio and worst.ratio.middle, worst.met) == (3.0, False)
    backlog = by_section["single jobs with a backlog, two processes"].ratio
    assert backlog is not None
    assert (backlog.low, backlog.high) == (5.0, 9.0)


def test_without_peers_the_best_one_is_the_plain_task() -> None:
    rows = rows_of({"rulefarm": [FAST], "Celery, an empty task": [SLOW], "Celery, one insert": [PEER]})
    assert figures("rulefarm, to Celery, one insert", rows) == [(3.0, True)]


def test_a_night_is_held_against_the_least_that_it_could_cost() -> None:
    [batch, least, *_] = rows_of_nights([Night(0.6, 0.1, 0.2), Night(0.5, 0.1, 0.2)], "nightly")
    assert batch.ratio is not None
    assert (round(batch.ratio.low, 2), round(batch.ratio.high, 2), batch.met) == (1.67, 2.0, False)
    assert least.sample.middle == pytest.approx(300)


def test_rows_that_are_lost_or_doubled_are_told_and_only_the_farm_is_judged_by_them() -> None:
    rows = rows_of_killed([Killed("rulefarm", 4_000, 0, 1, 3.0), Killed("pgqueuer", 4_000, 0, 68, 38.0)])
    assert [(row.name, row.met) for row in rows] == [
        ("rulefarm: 0 lost, 1 doubled", False),
        ("pgqueuer: 0 lost, 68 doubled", None),
    ]


def test_a_table_of_markdown_has_as_many_cells_in_every_line() -> None:
    rows = rows_of_killed([Killed("rulefarm", 4_000, 0, 0, 3.0)]) + rows_of_nights([Night(0.6, 0.1, 0.2)], "nightly")
    lines = report.markdown(rows).strip().splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert report.missing([Absent("oban", "needs Python 3.12")]) == "  oban: needs Python 3.12"


def test_a_goal_is_a_least_or_a_most() -> None:
    assert Goal(2, "").is_met(2)
    assert not Goal(2, "").is_met(1.9)
    assert Goal(2, "", is_least=False).is_met(2)
    assert not Goal(2, "", is_least=False).is_met(2.1)
