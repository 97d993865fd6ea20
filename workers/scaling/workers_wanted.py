"""How many workers a domain wants, on all nodes.  ledger -> [workers_wanted] -> whoever adds and takes away nodes

By the same decision as a worker's own width, with more patience: a node takes longer to come than a process. Asks the
ledger, so that work which no message tells of, or which somebody holds, counts as well. Starts nothing."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from store.open_work import WaitingWork, waiting_work
from workers.scaling.decision import Demand, wanted

#: Seconds within which what waits is to be done, unless somebody says otherwise: about what a node takes to start.
NODE_DEADLINE_S = 30.0
#: What a process does in a second at least: jobs one by one, with a commit each; chunks.
JOBS_PER_S, CHUNKS_PER_S = 100.0, 1.0


@dataclass(frozen=True, slots=True)
class WorkersWanted:
    """How many, and why."""

    workers: int
    #: In all of them.
    processes: int
    #: Jobs and chunks that nobody works on; those that somebody does; seconds since the oldest of the first came.
    waiting: int
    leased: int
    age_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def workers_wanted(
    engine: Engine,
    domains: Sequence[str],
    *,
    bulk: bool,
    width: int = 4,
    most: int = 100,
    deadline_s: float = NODE_DEADLINE_S,
) -> WorkersWanted:
    """How many workers some domains want; one at least.

    Args:
        engine: the database.
        domains: that the workers serve.
        bulk: whether they take batches instead of single jobs.
        width: processes of a worker at most.
        most: workers at most.
        deadline_s: seconds within which what waits is to be done.

    Raises:
        DatabaseUnreachable: nobody knows: whoever asks leaves them as many as they are.
    """
    rate = CHUNKS_PER_S if bulk else JOBS_PER_S
    limit = math.ceil(most * width * rate * deadline_s)
    return of_work(
        waiting_work(engine, domains, bulk=bulk, limit=limit), rate, width=width, most=most, deadline_s=deadline_s
    )


def of_work(work: WaitingWork, rate: float, *, width: int, most: int, deadline_s: float) -> WorkersWanted:
    """How many workers some work wants.

    Args:
        work: what there is.
        rate: jobs or chunks that one process does in a second.
        width: processes of a worker at most.
        most: workers at most.
        deadline_s: seconds within which it is to be done.
    """
    demand = Demand(
        open=work.waiting + work.leased,
        leased=work.leased,
        age_s=work.age_s,
        rate=rate,
        deadline_s=deadline_s,
        busy=work.holders,
    )
    processes = wanted(demand, least=1, most=most * width)
    return WorkersWanted(math.ceil(processes / width), processes, work.waiting, work.leased, work.age_s)
