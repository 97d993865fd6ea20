"""A farm in simulated time: producers, workers that drain, Postgres.  calibration, place -> [simulation] -> times

Takes the costs of one machine and the places where the parts stand, and gives when each job's verdict is written. A
worker is as `tasks.evaluate` and `tasks.drain` have it: a message wakes a process, which marks its job as begun and
judges it, if nobody has, and then takes from Postgres what has no message, or one that is late, up to 200 jobs in a
group, until its slice is used. Each commit is waited for, by whoever makes it. The same seed gives the same times."""

import math
import random
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from planning.calibration import Calibration
from planning.place import Place, Times
from rulefarm.routing import BACKLOG
from rulefarm.settings import Settings
from tasks.drain import MESSAGE_S, SLICE_S
from tasks.worker_context import LEASE_MARGIN_S

#: Seconds of CPU after which a process lets another one have the core.
_TURN_S = 0.004

Steps = Generator[simpy.Event, Any, None]


@dataclass(slots=True, eq=False)
class _WaitingJob:
    taken_s: float
    number: int
    #: Whether somebody judges it, or has; and whether somebody has before, who died: it is drained with no others.
    begun: bool = False
    again: bool = False


class _Cores:
    """What computes: so many cores, which take turns.

    Of a machine that others use there is less than its cores; but who computes alone, and briefly, gets one whole."""

    def __init__(self, env: simpy.Environment, cores: float) -> None:
        whole = max(1, math.ceil(cores))
        self._env, self._speed = env, cores / whole
        self._turns = simpy.Resource(env, capacity=whole)

    def compute(self, cpu_s: float) -> Steps:
        left = cpu_s
        while left > 0:
            part = min(left, _TURN_S)
            with self._turns.request() as turn:
                yield turn
                is_alone = self._turns.count == 1 and not self._turns.queue
                yield self._env.timeout(part if is_alone else part / self._speed)
            left -= part


def simulate(costs: Calibration, place: Place, at_s: Iterable[float], seed: int) -> Times:
    """Let orders come, and see when their verdicts are there.

    Args:
        costs: of the machine.
        place: where everything stands.
        at_s: when orders come, in order.
        seed: of chance; the same one gives the same times.

    Returns:
        The times of each job: an order is one for each domain.
    """
    return _Farm(costs, place, seed).run(list(at_s))


class _Farm:
    def __init__(self, costs: Calibration, place: Place, seed: int) -> None:
        self._env = simpy.Environment()
        self._costs, self._place = costs, place
        self._chance = random.Random(seed)
        self._times = Times()
        nodes = [_Cores(self._env, place.cores) for _ in range(place.nodes)]
        alone = place.database_cores is None
        self._database = nodes[0] if alone else _Cores(self._env, place.database_cores or 1.0)
        self._producers = nodes[0] if alone else _Cores(self._env, 64.0)
        self._queues = [_Queue(self, nodes) for _ in range(place.domains)]
        self._nodes = nodes

    def run(self, at_s: Sequence[float]) -> Times:
        self._env.process(self._produce(at_s))
        if self._place.node_dies:
            self._env.process(self._die(*self._place.node_dies))
        if self._place.nightly:
            self._env.process(self._judge_nightly(*self._place.nightly))
        self._env.run()
        self._times.idle_at_s = self._env.now
        return self._times

    def _produce(self, at_s: Sequence[float]) -> Steps:
        number = 0
        for at in at_s:
            yield self._env.timeout(max(0.0, at - self._env.now))
            for queue in self._queues:
                self._env.process(self._take(queue, number))
                number += 1
                self._times.taken_s.append(0.0)
                self._times.waited_s.append(0.0)

    def _take(self, queue: "_Queue", number: int) -> Steps:
        yield from self._producers.compute(self._costs.submit_s)
        # Postgres reads its clock when the transaction begins.
        job = _WaitingJob(self._env.now, number)
        self._times.taken_s[number] = self._env.now
        yield from self._database.compute(self._costs.submit_database_s)
        # Before its commit nobody sees the row, and no message is sent.
        yield self._env.timeout(self.wait_s())
        queue.add(job)

    def _die(self, at_s: float, length_s: float) -> Steps:
        yield self._env.timeout(at_s)
        for queue in self._queues:
            queue.kill(0, length_s)

    def _judge_nightly(self, at_s: float, rows: int) -> Steps:
        yield self._env.timeout(at_s)
        began = self._env.now
        size = Settings().chunk_rows
        chunks = deque(min(size, rows - n) for n in range(0, rows, size))
        each = self._place.nightly_processes
        yield self._env.all_of(
            [self._env.process(self._judge_chunks(node, chunks)) for node in self._nodes for _ in range(each)]
        )
        self._times.nightly_s = self._env.now - began

    def _judge_chunks(self, node: _Cores, chunks: deque[int]) -> Steps:
        while chunks:
            rows = chunks.popleft()
            yield self._env.timeout(self.wait_s())
            yield from self.work(
                node,
                self._costs.alone_s + rows * (self._costs.verdict_s + self._costs.row_cost_s(self._place.rules)),
                self._costs.alone_database_s + rows * self._costs.verdict_database_s,
            )

    def work(self, node: _Cores, worker_s: float, database_s: float) -> Steps:
        """A worker computes, then Postgres does."""
        self._times.worker_s += worker_s
        self._times.database_s += database_s
        yield from node.compute(worker_s)
        yield from self._database.compute(database_s)

    def wait_s(self) -> float:
        """What a job alone waits for beside all computing: the commit of its row, and its message on the way."""
        return self._chance.choice(self._costs.waits_s)

    def commit_s(self) -> float:
        """What a process waits for that claims jobs or stores verdicts: about half of it is the commit."""
        return self.wait_s() / 2

    def close(self, jobs: Sequence[_WaitingJob]) -> None:
        """The verdicts of these jobs are written."""
        for job in jobs:
            self._times.waited_s[job.number] = self._env.now - job.taken_s
        self._times.done += len(jobs)
        self._times.last_s = self._env.now

    @property
    def env(self) -> simpy.Environment:
        return self._env

    @property
    def costs(self) -> Calibration:
        return self._costs

    @property
    def place(self) -> Place:
        return self._place


class _Queue:
    """The jobs of one domain, its messages, and the processes that serve it."""

    def __init__(self, farm: _Farm, nodes: Sequence[_Cores]) -> None:
        self._farm, self._env = farm, farm.env
        self._due: deque[_WaitingJob] = deque()
        self._with_message: list[_WaitingJob] = []
        self._messages = simpy.Store(self._env)
        self._sent = 0
        self._group_size = Settings().group_size
        self._record_s = farm.costs.record_cost_s(farm.place.rules)
        #: Who judges what, and how long the lease on it lasts; 0: there is none.
        self._holding: dict[simpy.Process, tuple[list[_WaitingJob], float]] = {}
        self._processes = [[self._started(node) for _ in range(farm.place.processes)] for node in nodes]
        self._cores = nodes

    def add(self, job: _WaitingJob) -> None:
        """A job is on record: it has a message, if few wait; else whoever is awake takes it from Postgres."""
        if self._sent < BACKLOG:
            self._send(job)
        else:
            self._due.append(job)

    def kill(self, node: int, length_s: float) -> None:
        """The processes of a node die; what they held is sent again when it is due, and they come back later."""
        for process in self._processes[node]:
            process.interrupt()
            jobs, lease_s = self._holding.pop(process, ([], 0.0))
            for job in jobs:
                # Claimed with others, it is due when its lease ends; the first message of a job takes none.
                due_s = self._env.now + lease_s if lease_s else job.taken_s + Settings().reconcile_grace_s
                self._env.process(self._send_again(job, max(0.0, due_s - self._env.now)))
        self._processes[node] = []
        self._env.process(self._come_back(node, length_s))

    def _send_again(self, job: _WaitingJob, after_s: float) -> Steps:
        yield self._env.timeout(after_s)
        self._send(_WaitingJob(job.taken_s, job.number, again=True))

    def _come_back(self, node: int, length_s: float) -> Steps:
        yield self._env.timeout(length_s)
        self._processes[node] = [self._started(self._cores[node]) for _ in range(self._farm.place.processes)]
        # As the reconciler does, whatever the dead were about to do.
        self._wake_another()

    def _started(self, node: _Cores) -> simpy.Process:
        return self._env.process(self._serve(node))

    def _send(self, job: _WaitingJob) -> None:
        self._sent += 1
        if not job.again:
            self._with_message.append(job)
        self._messages.put(job)

    def _serve(self, node: _Cores) -> Steps:
        try:
            yield self._env.timeout(self._farm.place.away_until_s)
            while True:
                message = self._messages.get()
                try:
                    job = yield message
                except simpy.Interrupt:
                    message.cancel()
                    raise
                self._sent -= 1
                yield from self._take(node, job)
                yield from self._drain(node)
                # It is acknowledged, and the next one handed over.
                yield from self._farm.work(node, self._farm.costs.message_s / 2, 0.0)
                yield self._env.timeout(self._farm.costs.held_s)
        except simpy.Interrupt:
            return

    def _take(self, node: _Cores, job: _WaitingJob) -> Steps:
        """A message is read, and its job is judged; if somebody has begun it, reading the message is all."""
        costs = self._farm.costs
        if job.begun:
            yield from self._farm.work(node, costs.message_s / 2, costs.message_database_s)
        else:
            yield from self._judge(node, [job], 0.0)

    def _drain(self, node: _Cores) -> Steps:
        began = self._env.now
        while group := self._claimed():
            yield from self._judge(node, group, Settings().job_time_limit_s + LEASE_MARGIN_S)
            if len(group) < self._group_size:
                return
            if self._env.now - began > SLICE_S:
                break
        self._wake_another()

    def _wake_another(self) -> None:
        """What waits without a message gets one, if no message waits that wakes somebody."""
        if self._due and not self._sent:
            self._send(self._due.popleft())

    def _claimed(self) -> list[_WaitingJob]:
        """What is claimed together: jobs whose message is late, as Postgres reckons it, from when the row was written;
        then those that have none."""
        now, late, early = self._env.now, list[_WaitingJob](), list[_WaitingJob]()
        for job in self._with_message:
            if not job.begun:
                is_late = job.taken_s + MESSAGE_S <= now and len(late) < self._group_size
                (late if is_late else early).append(job)
        self._with_message = early
        return late + [self._due.popleft() for _ in range(min(len(self._due), self._group_size - len(late)))]

    def _judge(self, node: _Cores, group: list[_WaitingJob], lease_s: float) -> Steps:
        """Judge the job of a message, or those that were claimed together, on a lease."""
        mine = self._env.active_process
        assert mine is not None, "only a process judges"
        self._holding[mine] = group, lease_s
        for job in group:
            job.begun = True
        costs, more = self._farm.costs, len(group) - 1
        worker_s = costs.alone_s - costs.message_s + more * costs.job_s + len(group) * self._record_s
        database_s = costs.alone_database_s + more * costs.job_database_s
        if lease_s:
            # A claim is a commit; the mark that a message has begun its job is not waited for.
            yield self._env.timeout(self._farm.commit_s())
            database_s -= costs.message_database_s
        else:
            worker_s += costs.message_s / 2
        yield from self._farm.work(node, worker_s, database_s)
        del self._holding[mine]
        self._farm.close(group)
        # The verdicts are written; until they are on the disk the process takes nothing else.
        yield self._env.timeout(self._farm.commit_s())
