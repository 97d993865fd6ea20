"""Where the parts of a simulated farm stand, and what became of its jobs.  [place] -> simulation, sizing, trials

Plain values."""

from dataclasses import dataclass, field

from planning.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts stand, and what happens to them."""

    #: Nodes with a worker each, processes of a worker, cores of a node.
    nodes: int
    processes: int
    cores: float
    #: Cores of Postgres; None: all stands on one machine, producers too, and shares the cores of its one node.
    database_cores: float | None
    #: Rules of each domain.
    rules: float
    #: Domains that judge each order.
    domains: int = 1
    #: When the first node dies, and for how long; None: it does not.
    node_dies: tuple[float, float] | None = None
    #: When the nightly begins, and its rows; None: it does not. And processes that judge it, on each node.
    nightly: tuple[float, int] | None = None
    nightly_processes: int = 1
    #: Until when no worker works, though orders come.
    away_until_s: float = 0.0


@dataclass(slots=True)
class Times:
    """What came of it."""

    #: Of each job, in the order in which they were taken: when it was taken, and how long until its verdict.
    taken_s: list[float] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    #: Verdicts written, and when the last one was.
    done: int = 0
    last_s: float = 0.0
    #: When the last message was done with, and nothing else was left to do.
    idle_at_s: float = 0.0
    #: How long the nightly took; 0: there was none.
    nightly_s: float = 0.0
    #: Seconds of CPU of workers and of Postgres.
    worker_s: float = 0.0
    database_s: float = 0.0


def on_one_machine(costs: Calibration, processes: int, rules: float, cores: float) -> Place:
    """Everything on the machine that was measured, producers too.

    Args:
        costs: of it.
        processes: of its one worker.
        rules: of the domain.
        cores: how many it really has to itself; on a machine that others use, fewer than there are.
    """
    return Place(1, processes, min(cores, float(costs.cores)), None, rules)
