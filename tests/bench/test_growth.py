"""What is laid down for the growth table is what a farm leaves: closed jobs, each with its verdict, in its month."""

import pytest
from sqlalchemy import Engine, text

from bench.growth import COMMANDS
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
