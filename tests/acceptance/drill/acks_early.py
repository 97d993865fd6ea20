"""A worker that is done with a job before its verdict is stored: whoever dies in between loses it. It drains nothing.

To acknowledge the message early would do no harm, for the row is the truth; so it is the row that is closed early."""

import sys
import time
from typing import Any

from sqlalchemy import Engine, insert, update

import tasks.evaluate
from rulefarm.database import jobs, verdicts
from rulefarm.verdict import Verdict
from workers.drill.worker import main

#: Seconds in which to die.
PAUSE_S = 0.2

_COLUMNS = [column.name for column in verdicts.columns]


def store_verdict(engine: Engine, verdict: Verdict, **_: Any) -> bool:
    with engine.begin() as connection:
        closed = update(jobs).where(jobs.c.id == verdict.id, jobs.c.state == "open").values(state="done")
        if not connection.execute(closed).rowcount:
            return False
    time.sleep(PAUSE_S)
    with engine.begin() as connection:
        connection.execute(insert(verdicts).values({name: getattr(verdict, name) for name in _COLUMNS}))
    return True


def drain(*_: Any, **__: Any) -> int:
    return 0


if __name__ == "__main__":
    tasks.evaluate.store_verdict = store_verdict  # type: ignore[assignment]
    tasks.evaluate.drain = drain
    sys.exit(main(*sys.argv[2:]))
