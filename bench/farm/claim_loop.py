"""The floor: a plain loop that claims 200 rows and stores by COPY.  jobs -> [claim_loop] -> rows

What remains when a queue is left out: `for update skip locked`, judge, one COPY, one statement, one commit. It keeps no
promise but that of its transaction: a job that kills its process is tried for ever."""

import io
import json
import os
import time
from collections.abc import Sequence
from typing import Any

import psycopg2

from bench.farm.ground import Ground
from bench.farm.job_queue import Fleet, Pair, PeerQueue, texts
from bench.farm.work import COLUMNS, Judge

#: Rows that one transaction claims.
_GROUP = 200
#: Seconds between two looks at an empty table.
_IDLE_S = 0.005

_CREATE = (
    "create table if not exists waiting (id bigint generated always as identity primary key, content text not null,"
    " done boolean not null default false)",
    "create index if not exists ix_waiting on waiting (id) where not done",
)
_CLAIM = "select id, content from waiting where not done order by id limit %s for update skip locked"


class ClaimLoop(PeerQueue):
    """A table and a loop.

    Args:
        ground: where it runs.
        number: of the broker's database, which it does not use.
    """

    name = "a loop: claim 200, COPY"
    share = 4

    def __init__(self, ground: Ground, number: int) -> None:
        super().__init__(ground, number)
        for statement in _CREATE:
            self._execute(statement)

    def reset(self) -> None:
        """Forget all jobs and rows; no worker runs."""
        super().reset()
        self._execute("truncate waiting")

    def submit(self, pair: Pair) -> None:
        """Insert one row."""
        self._execute("insert into waiting (content) values (%s)", texts([pair]))

    def submit_many(self, pairs: Sequence[Pair]) -> None:
        """Copy many rows."""
        with self._connection.cursor() as cursor:
            cursor.copy_expert("copy waiting (content) from stdin", _lines([(text,) for text in texts(pairs)]))

    def start(self) -> Fleet:
        """Start the loops."""
        return self._alike("bench.farm.claim_loop")


def work(database_url: str) -> None:
    """Claim, judge and store, for ever."""
    judge, connected = Judge(), psycopg2.connect(database_url)
    while True:
        with connected, connected.cursor() as cursor:
            cursor.execute(_CLAIM, (_GROUP,))
            claimed = cursor.fetchall()
            if claimed:
                rows = [judge.row(content) for _, content in claimed]
                cursor.copy_expert(f"copy judged ({', '.join(COLUMNS)}) from stdin", _lines(rows))
                cursor.execute("update waiting set done = true where id = any(%s)", ([one for one, _ in claimed],))
        if not claimed:
            time.sleep(_IDLE_S)


def _lines(rows: Sequence[Sequence[Any]]) -> io.StringIO:
    """Rows in COPY's text form."""
    return io.StringIO("".join("\t".join(map(_field, row)) + "\n" for row in rows))


def _field(value: Any) -> str:
    if isinstance(value, list):
        value = "{" + ",".join(map(json.dumps, value)) + "}"
    text = str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


if __name__ == "__main__":
    work(os.environ["BENCH_DATABASE_URL"])
