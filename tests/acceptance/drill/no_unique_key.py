"""A worker that relies on a key that is not there: it judges whatever it is sent, and closes the job afterwards."""

import sys
from typing import Any

from sqlalchemy import Engine, insert, text, update

import tasks.evaluate
from cli.up import migrate_tables
from rulefarm.database import connect, jobs, verdicts
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict
from workers.drill.worker import main

_COLUMNS = [column.name for column in verdicts.columns]


def migrate(settings: Settings) -> None:
    """The tables without the key of the verdicts."""
    migrate_tables(settings)
    engine = connect(settings)
    with engine.begin() as connection:
        connection.execute(text("alter table verdicts drop constraint pk_verdicts"))
    engine.dispose()


def store_verdict(engine: Engine, verdict: Verdict, **_: Any) -> bool:
    with engine.begin() as connection:
        connection.execute(insert(verdicts).values({name: getattr(verdict, name) for name in _COLUMNS}))
        connection.execute(update(jobs).where(jobs.c.id == verdict.id).values(state="done"))
    return True


def begin_job(*_: Any, **__: Any) -> bool:
    return True


if __name__ == "__main__":
    tasks.evaluate.store_verdict = store_verdict  # type: ignore[assignment]
    tasks.evaluate.begin_job = begin_job
    sys.exit(main(*sys.argv[2:]))
