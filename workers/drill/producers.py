"""The drill's producers: processes that write down what was accepted.  ProducerSpec -> [producers] -> farm, record

`python -m workers.drill.producers SPEC` submits what its spec says, at the pace it says, and appends each job to its
own record after `submit` returned and before it goes on. It begins when the file `go` beside its spec says so. Killed
and started again, it goes on behind the last job on its record; what it may have submitted without recording it, it
submits again under the same key."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import text

from rulefarm.database import translate_errors
from rulefarm.errors import FarmUnreachable, QueueFull
from rulefarm.farm import Farm
from rulefarm.jobs import Job
from rulefarm.settings import Settings
from workers.child_process import die_with_parent
from workers.drill.subjects import AS_OF, BATCH_DOMAIN, BATCH_KEY, DOMAINS, job

#: Seconds before a producer tries again what the farm could not take.
_PAUSE_S = 0.2
#: Table of the producers' own orders, and which of them are rolled back: every third.
ORDERS, _WITHDRAWN = "drill_orders", 3
#: Seconds between two looks whether the drill has begun.
_POLL_S = 0.02
#: Holds the Unix time at which the drill began.
GO = "go"
Taken = TypeVar("Taken")
#: Files of batches, and when each is due, in seconds after the drill began.
Sources = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSpec:
    """What one producer is to submit."""

    #: Begins its keys, and names its files.
    name: str
    seed: int
    #: Jobs; or batches.
    count: int
    #: Seconds after the drill began until the first, and how many a second from then on; one that was held up hurries.
    begin_s: float
    rate: float
    #: Jobs in one call of `submit_many`; 1: one by one, by `submit`.
    jobs_per_call: int = 1
    #: Whether each job is submitted in a transaction with its order, every third of which is rolled back.
    outbox: bool = False
    #: Keys to use instead of numbered ones.
    keys: tuple[str, ...] = ()
    #: Batches to submit instead of jobs.
    sources: Sources = ()

    def key(self, number: int) -> str:
        """The key of the n-th job."""
        return self.keys[number] if self.keys else f"{self.name}-{number:06}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One line of a record."""

    #: Its number with its producer.
    n: int
    #: Of the job, or of the batch.
    id: str
    #: Of the job; of a batch the path of its source.
    key: str
    #: When `submit` had returned, as a Unix time.
    at: float
    #: Whether the transaction that it was submitted in was rolled back.
    withdrawn: bool = False


class Producer:
    """One producer as a process, seen from the drill.

    Args:
        folder: of its spec, record and log.
        spec: what it is to submit.
        environ: its environment, whole.
    """

    def __init__(self, folder: Path, spec: ProducerSpec, environ: dict[str, str]) -> None:
        self.spec = spec
        self.record = folder / f"{spec.name}.accepted"
        self._file = folder / f"{spec.name}.json"
        self._file.write_text(json.dumps(asdict(spec)), encoding="utf-8")
        self._log = folder / f"{spec.name}.log"
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        command = [sys.executable, "-m", "workers.drill.producers", str(self._file)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                die_with_parent(command, signal.SIGKILL), env=self._environ, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self) -> int:
        """Kill it as the kernel would; gives its process id."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        return self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it has opened its record, so it is past the slow part of its start."""
        return self.record.exists()

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n") if self._log.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "it wrote nothing")

    def accepted(self) -> list[Accepted]:
        """What it has recorded so far."""
        return list(read_record(self.record))


def read_record(path: Path) -> Iterator[Accepted]:
    """The whole lines of a record; the last may be torn, for its writer was killed."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("}\n"):
                yield Accepted(**json.loads(line))


def main(file: str) -> None:
    """Submit what the spec says, from where its record ends."""
    spec = ProducerSpec(**json.loads(Path(file).read_text(encoding="utf-8")))
    path = Path(file).with_suffix(".accepted")
    first = max((line.n for line in read_record(path)), default=-1) + 1
    with Farm(Settings.from_env(os.environ)) as farm:
        # The slow part of a start is over when the record is there: programs are loaded, both servers have answered.
        _retry_until_taken(farm.require_ledger().domains)
        record = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if (size := os.fstat(record).st_size) and os.pread(record, 1, size - 1) != b"\n":
            os.write(record, b"\n")
        began = _wait_for_start(path.with_name(GO))
        submit = _submit_function(spec)
        number = first
        while number < spec.count:
            accepted = submit(farm, spec, number, began)
            _write(record, "".join(f"{json.dumps(asdict(line))}\n" for line in accepted).encode())
            number = accepted[-1].n + 1


def _submit_function(spec: ProducerSpec) -> Callable[[Farm, ProducerSpec, int, float], list[Accepted]]:
    if spec.sources:
        return _submit_batch
    if spec.outbox:
        return _submit_with_order
    return _submit_one if spec.jobs_per_call == 1 else _submit_many


def _submit_one(farm: Farm, spec: ProducerSpec, number: int, began: float) -> list[Accepted]:
    _wait_until(began + spec.begin_s + number / spec.rate)
    key = spec.key(number)
    domain, facts = job(spec.seed, key, number)
    taken = _retry_until_taken(partial(farm.submit, domain, facts, key=key, as_of=AS_OF))
    return [Accepted(number, str(taken.id), key, time.time())]


def _submit_many(farm: Farm, spec: ProducerSpec, number: int, began: float) -> list[Accepted]:
    """The jobs of a range of numbers, in one call a domain."""
    end = min(spec.count, number + spec.jobs_per_call)
    _wait_until(began + spec.begin_s + number / spec.rate)
    accepted: list[Accepted] = []
    for domain in DOMAINS:
        items = {spec.key(n): (n, *job(spec.seed, spec.key(n), n)) for n in range(number, end)}
        of_domain = {key: (n, facts) for key, (n, of, facts) in items.items() if of == domain}
        pairs: list[Any] = [(key, facts) for key, (_, facts) in of_domain.items()]
        taken = _retry_until_taken(partial(farm.submit_many, domain, pairs, as_of=AS_OF))
        accepted.extend(Accepted(of_domain[one.subject][0], str(one.id), one.subject, time.time()) for one in taken)
    return sorted(accepted, key=lambda line: line.n)


def _submit_with_order(farm: Farm, spec: ProducerSpec, number: int, began: float) -> list[Accepted]:
    """An order and its job in one transaction of the producer's own; the reconciler sends its message."""
    _wait_until(began + spec.begin_s + number / spec.rate)
    key, withdrawn = spec.key(number), number % _WITHDRAWN == _WITHDRAWN - 1
    domain, facts = job(spec.seed, key, number)

    def place_order() -> Job:
        ledger = farm.require_ledger()
        with translate_errors(ledger.engine), ledger.engine.connect() as connection:
            connection.execute(text(f"insert into {ORDERS} values (:key) on conflict do nothing"), {"key": key})
            placed = farm.submit(domain, facts, key=key, as_of=AS_OF, connection=connection)
            if not withdrawn:
                connection.commit()
            return placed

    return [Accepted(number, str(_retry_until_taken(place_order).id), key, time.time(), withdrawn)]


def _submit_batch(farm: Farm, spec: ProducerSpec, number: int, began: float) -> list[Accepted]:
    source, due = spec.sources[number]
    _wait_until(began + due)
    key = f"{spec.seed} {Path(source).name}"
    taken = _retry_until_taken(
        partial(farm.submit_batch, BATCH_DOMAIN, source, subject=BATCH_KEY, key=key, as_of=AS_OF)
    )
    return [Accepted(number, str(taken.id), source, time.time())]


def _retry_until_taken(submit: Callable[[], Taken]) -> Taken:
    while True:
        try:
            return submit()
        except (FarmUnreachable, QueueFull) as error:
            sys.stderr.write(f"{time.time():.2f} {error.code}\n")
            time.sleep(_PAUSE_S)


def _wait_for_start(go: Path) -> float:
    while not go.exists():
        time.sleep(_POLL_S)
    return float(go.read_text(encoding="utf-8"))


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _write(record: int, line: bytes) -> None:
    while line:
        line = line[os.write(record, line) :]


if __name__ == "__main__":
    main(sys.argv[1])
