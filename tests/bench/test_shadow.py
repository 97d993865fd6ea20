"""What a draft costs is told beside what chance makes of it, and every worker counts. No time is judged."""

from pathlib import Path

from bench.publishing import WORKERS, Author, row_of_memory, rows_of_publishings
from bench.shadow import AGAIN, ALONE, SHADOWED, JobStretch, rows_of_stretches
from rulesets.loader import load_domain


def test_a_draft_costs_what_its_stretches_took_beyond_those_without_it_around_them() -> None:
    alone = [JobStretch(0.005, 0.010, 0.0), JobStretch(0.005, 0.010, 0.0), JobStretch(0.005, 0.020, 0.0)]
    again = [JobStretch(0.005, 0.010, 0.0), JobStretch(0.005, 0.030, 0.0), JobStretch(0.005, 0.020, 0.0)]
    for p99s, ratio, is_met in (((0.010, 0.021, 0.018), 1.0, True), ((0.011, 0.022, 0.018), 1.1, False)):
        shadowed = [JobStretch(0.005, p99, 0.1) for p99 in p99s]
        rows = rows_of_stretches({ALONE: alone, SHADOWED: shadowed, AGAIN: again})
        [judged] = [row for row in rows if row.met is not None]
        assert judged.ratio is not None
        assert (round(judged.ratio.middle, 3), judged.met) == (ratio, is_met)
        by_chance = [row.ratio.middle for row in rows if row.name == AGAIN and row.ratio is not None]
        assert by_chance == [1.0, 1.0]
    assert rows[-1].sample.middle == 10


def test_of_publishings_the_slowest_worker_of_all_counts() -> None:
    for slowest, is_met in ((4.9, True), (5.1, False)):
        rows = rows_of_publishings([[0.1] * WORKERS, [0.2] * (WORKERS - 1) + [slowest]])
        assert [row.met for row in rows] == [None, None, is_met]
        assert rows[-1].sample.middle == slowest


def test_a_process_that_holds_more_after_many_publishings_is_told() -> None:
    assert [row_of_memory(100, many).met for many in (101, 103)] == [True, False]


def test_each_version_that_is_published_is_another_one(tmp_path: Path) -> None:
    author = Author(tmp_path)
    versions = [author.write() for _ in range(3)]
    assert len({one.digest for one in versions}) == 3
    assert load_domain(tmp_path / "drafts", versions[0].domain).digest == versions[-1].digest
