"""The gateway is timed beside the bare framework, and a table comes of it. No time is judged."""

import sys
from pathlib import Path

import pytest

from bench import report
from bench.exporter_scrape import Scrapes
from bench.exporter_scrape import rows_of as rows_of_scrapes
from bench.farm.job_queue import Fleet, free_port, wait_until
from bench.gateway_command import BARE, BOUND, ENGINE, JUDGED, LISTED, RECORDED, Measured, reasons, rows_of
from bench.http_load import Load, drive, get, post
from bench.timing import Sample


def measured(rate: float, p99_s: float) -> Measured:
    return Measured(Load(rate=rate, median_s=0.001, p99_s=p99_s, failed=0, times=[]), cpu_s=0.5 / rate)


def test_a_target_is_judged_beside_the_bare_framework_of_the_same_turn() -> None:
    turn = {BARE: measured(1000, 0.01), JUDGED: measured(800, 0.02), RECORDED: measured(900, 0.01)}
    slow = {BARE: measured(100, 0.01), JUDGED: measured(60, 0.02), RECORDED: measured(1100, 0.02)}
    for each in (turn, slow):
        each |= {LISTED: measured(9, 1), ENGINE: measured(9999, 0), BOUND: measured(1200, 0.01)}
    asked = {RECORDED: [0.002, 0.003, 0.5], "submit and wait": [0.006, 0.009, 0.5]}
    for each, told in ((turn, [True, False, True, True, True]), (slow, [False, True, True, False, True])):
        rows = rows_of([each], [asked])
        assert [row.met for row in rows if row.met is not None] == told
        # Whatever was missed is said with its reason.
        assert f"{RECORDED}: 900, wanted ≥ 1,000 /s" in report.summary(rows) or told[1]
        judged = (JUDGED, RECORDED, BOUND, RECORDED, BOUND)
        missed = [name for name, met in zip(judged, told, strict=True) if not met]
        assert [reason.partition(":")[0] for reason in reasons(rows, [each])] == [f"  why, {name}" for name in missed]
    [beside] = [row for row in rows if row.name == "submit and wait"]
    assert beside.ratio is not None
    assert beside.ratio.middle == pytest.approx(3)


def test_a_scrape_is_judged_by_its_median() -> None:
    rows = rows_of_scrapes(Scrapes(Sample((20.0, 30.0, 500.0)), Sample((15.0,))), 1_000_000)
    assert [row.met for row in rows] == [True, None]
    assert rows_of_scrapes(Scrapes(Sample((51.0,)), Sample((9.0,))), 5)[0].met is False


def test_a_rate_counts_the_time_until_the_last_answer(tmp_path: Path) -> None:
    port, path = free_port(), "/v1/payment/evaluate"
    server = Fleet([[sys.executable, "-m", "bench.bare_framework", str(port)]], {}, tmp_path / "http.log")
    try:
        wait_until(lambda: get(port, path) in (200, 405), 60)
        # Their time is over at once, and each of them asks once.
        load = drive(port, [post(path, "{}")], clients=2, seconds=0)
    finally:
        server.kill()
    assert (len(load.times), load.failed) == (2, 0)
    assert 0 < load.rate <= sum(1 / took for took in load.times)
