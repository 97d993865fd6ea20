"""What is laid down for the growth table is what a farm leaves: closed jobs, each with its verdict, in its month."""

import pytest
from sqlalchemy import Engine, text

from bench.growth import COMMANDS, SHAPES, SIZES, Figure, growth_of
from bench.growth_rows import lay_down
from cli.main import COMMANDS as KNOWN


@pytest.mark.parametrize("size", [1, 7, 90])
def test_every_job_that_is_laid_down_is_closed_and_has_its_verdict_in_its_month(database: Engine, size: int) -> None:
    for _ in range(2):
        lay_down(database, "payment", size)
    counts = """
        select count(*), count(*) filter (where j.state = 'done'), count(v.id), count(distinct v.id),
               (select count(*) from verdicts_default), count(distinct v.tableoid)
        from jobs j left join verdicts v on v.id = j.id and v.enqueued_at = j.enqueued_at"""
    with database.connect() as connection:
        row = connection.execute(text(counts)).one()
    assert tuple(row)[:5] == (size, size, size, size, 0)
    # Ninety days touch four months, or five where February is one of them; a single job is of one.
    assert row[5] in ((1,) if size == 1 else (3, 4, 5))


def test_what_is_timed_are_commands_that_there_are() -> None:
    assert {words.split()[0] for words in COMMANDS} <= KNOWN.keys()


def test_of_each_it_is_said_whether_it_grew_as_was_stated() -> None:
    def figures(what: str, *seconds: float) -> list[Figure]:
        return [Figure(what, size, 2, each) for size, each in zip(SIZES, seconds, strict=False)]

    told = [
        *growth_of(figures("status", 0.4, 0.4, 0.5, 0.6)),
        *growth_of(figures("status", 0.4, 0.4, 0.5, 0.8)),
        *growth_of(figures("verdicts --limit 100000", 0.3, 0.8, 4.0, 4.1)),
        *growth_of(figures("prune --older-than 30d --dry-run", 0.001, 0.1, 10.0)),
        *growth_of(figures("drain 2,000 jobs", 1.0, 1.0, 1.0, 3.0)),
        # Of one size alone nobody can tell.
        *growth_of(figures("reconcile", 0.01)),
    ]
    assert told == [
        "status: flat, 1.5 times as long with 1,000 times as many on record",
        "status: NOT flat, 2.0 times as long with 1,000 times as many on record",
        "verdicts --limit 100000: linear, 13.7 times as long with 1,000 times as many on record",
        "prune --older-than 30d --dry-run: NOT linear, 10000.0 times as long with 100 times as many on record",
        "drain: NOT flat, 3.0 times as long with 1,000 times as many on record",
    ]
    assert set(COMMANDS) <= SHAPES.keys()
