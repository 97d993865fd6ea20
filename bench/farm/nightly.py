"""A nightly batch, beside the least that it could cost.  rulefarm_farm, work -> [nightly] -> targets

The batch: a parquet file is submitted, and a worker with two processes judges it to the last verdict. The least: the
columnar pass over the same products in one process, and a COPY of the very rows that came of it into a table like
theirs, which takes text that is ready."""

import io
import time
from contextlib import closing
from dataclasses import dataclass

from bench.farm.job_queue import PROCESSES, Stuck
from bench.farm.rulefarm_farm import PATIENCE_S, Rulefarm
from bench.farm.work import NIGHTLY_DOMAIN, Material
from bench.ours import by_chunk, chunks_of
from rulesets.loader import SHIPPED, load_domain

#: Seconds between two looks at the batch.
_LOOK_S = 0.005
_FACT, _KEY = "Product", "product_id"


@dataclass(frozen=True, slots=True)
class Night:
    """Seconds of one night."""

    #: From the call of `submit_batch` to the last verdict.
    batch_s: float
    columns_s: float
    copy_s: float

    @property
    def least_s(self) -> float:
        """What no batch could do without."""
        return self.columns_s + self.copy_s


class Nightly:
    """Batches of the products.

    Args:
        farm: that judges them.
        material: with the products.
        rows: of a batch.
    """

    def __init__(self, farm: Rulefarm, material: Material, rows: int) -> None:
        self._farm = farm
        self._frame = material.products.head(rows)
        self._file = farm.folder / "products.parquet"
        self._frame.write_parquet(self._file)
        self._program = load_domain(SHIPPED, NIGHTLY_DOMAIN).program
        self.rules = len(self._program.rules)

    def measure(self, turns: int) -> list[Night]:
        """So many nights, after one that is not counted.

        Args:
            turns: how many.

        Raises:
            Stuck: a batch is not judged, or has rows too few.
        """
        self._farm.reset()
        fleet = self._farm.start_worker(NIGHTLY_DOMAIN, PROCESSES, bulk=True)
        try:
            self._batch()
            # What a program makes only when the first chunk comes, the worker has made by now too.
            self._columns()
            nights = []
            for _ in range(turns):
                batch_s, batch = self._batch()
                nights.append(Night(batch_s, self._columns(), self._copy(batch)))
            return nights
        finally:
            fleet.stop()

    def _batch(self) -> tuple[float, str]:
        began = time.perf_counter()
        batch = self._farm.farm.submit_batch(NIGHTLY_DOMAIN, self._file, subject=_KEY)
        with self._farm.connection.cursor() as cursor:
            while True:
                cursor.execute("select state from batches where id = %s", (str(batch.id),))
                [state] = cursor.fetchone()
                took_s = time.perf_counter() - began
                if state == "done":
                    break
                if state != "open" or took_s > PATIENCE_S:
                    raise Stuck(f"the batch is {state} after {took_s:.0f} s")
                time.sleep(_LOOK_S)
            cursor.execute("select count(*) from verdicts where batch = %s", (str(batch.id),))
            [stored] = cursor.fetchone()
        if stored != len(self._frame):
            raise Stuck(f"{stored:,} verdicts on {len(self._frame):,} products")
        return took_s, str(batch.id)

    def _columns(self) -> float:
        pieces = chunks_of(self._frame, self._farm.chunk_rows)
        began = time.perf_counter()
        by_chunk(self._program, pieces, _FACT)
        return time.perf_counter() - began

    def _copy(self, batch: str) -> float:
        text = io.StringIO()
        with closing(self._farm.connect()) as connected, connected.cursor() as cursor:
            cursor.copy_expert(f"copy (select * from verdicts where batch = '{batch}') to stdout", text)
            cursor.execute("drop table if exists copied")
            cursor.execute("create table copied (like verdicts including all)")
            text.seek(0)
            began = time.perf_counter()
            cursor.copy_expert("copy copied from stdin", text)
            took_s = time.perf_counter() - began
            cursor.execute("drop table copied")
        return took_s
