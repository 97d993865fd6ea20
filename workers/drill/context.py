"""What a fault can act on: the farm and the producers of this drill.  farm, producers -> [context] -> faults

Finds processes by the supervisor that started them and servers by the farm's own `services.json`; never by a name that
somebody else's process could have."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg2
import redis

from rulefarm.errors import RulefarmError
from rulefarm.routing import queue_name
from rulefarm.services_file import SERVICES_FILE
from workers.drill.other_region import OtherRegion
from workers.drill.producers import Producer
from workers.drill.subjects import DOMAINS
from workers.local import LocalFarm

#: Seconds between two looks at what is waited for.
_POLL_S = 0.05
#: Seconds that Postgres may be away before the drill gives up.
_DATABASE_S = 60.0
Awaited = TypeVar("Awaited")


class DrillFailed(RulefarmError):
    """The drill could not be carried out; this says nothing about the farm's promises."""


@dataclass(frozen=True, slots=True)
class Injection:
    """What one fault did when it was injected."""

    #: In a few words.
    what: str
    #: The worker that was hit, by its name before the `@`; None: all of them, or none.
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault."""

    #: As `--faults` names it.
    name: str
    #: What it does, in one line.
    text: str
    #: Does it, and returns when the fault is over, or lasts without further help.
    inject: Callable[["DrillContext"], Injection]
    #: Seconds that it lasts.
    takes_s: float = 0.0
    #: Length of the pause after it, as a multiple of the plan's pauses.
    pause_factor: float = 1.0
    #: Whether it needs a second region.
    needs_region: bool = False


@dataclass(slots=True)
class DrillContext:
    """A running farm with producers, for faults to act on."""

    farm: LocalFarm
    #: Chooses among the processes that run.
    rng: random.Random
    seed: int
    #: File in which the workers note which poison or slow subject they begin and end.
    evidence: Path
    #: Starts one more producer, of a name, which submits jobs of these keys at once, so many in one call.
    start_producer: Callable[[str, tuple[str, ...], int], None]
    #: Starts one that knows both regions, of a name, which submits jobs of these keys, so many a second.
    start_in_regions: Callable[[str, tuple[str, ...], float], Producer]
    #: The second region; None: no fault needs one.
    other: OtherRegion | None = None
    producers: list[Producer] = field(default_factory=list)
    #: Malformed messages that were sent.
    malformed: int = 0
    #: Faults so far that sent jobs of their own: numbers those jobs.
    injections: int = 0

    @property
    def workers(self) -> list[str]:
        """Names of the parts that are workers and run now."""
        return sorted(name for name in self.farm.pids if name != "beat")

    def pid(self, part: str) -> int:
        """The main process of a part; waits for it while it is between two lives."""
        self.wait_for(lambda: part in self.farm.pids, f"{part} does not run")
        return self.farm.pids[part]

    def pool(self, part: str) -> list[psutil.Process]:
        """The processes of a worker's pool."""
        try:
            return list(psutil.Process(self.pid(part)).children())
        except psutil.NoSuchProcess:
            return []

    def server_pid(self, name: str) -> int:
        """The process of an embedded server of this farm, `postgres` or `valkey`."""
        document = json.loads((self.farm.settings.home / SERVICES_FILE).read_text(encoding="utf-8"))
        return int(document["pids"][name])

    @contextmanager
    def broker(self) -> Iterator[Any]:
        """A connection to the broker."""
        with closing(redis.Redis.from_url(self.farm.settings.require_broker(), socket_timeout=5)) as client:
            yield client

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement on the farm's database; waits while that is away.

        Args:
            text: SQL.
            values: of its parameters.

        Returns:
            Its rows; none if it gives none.

        Raises:
            DrillFailed: Postgres does not come back in time.
        """

        def attempt() -> list[tuple[Any, ...]] | None:
            try:
                with closing(psycopg2.connect(self.farm.settings.require_database(), connect_timeout=3)) as connection:
                    connection.autocommit = True
                    with connection.cursor() as cursor:
                        cursor.execute(text, values)
                        return list(cursor.fetchall()) if cursor.description else []
            except psycopg2.OperationalError:
                return None

        rows: list[tuple[Any, ...]] | None = None
        give_up = time.monotonic() + _DATABASE_S
        while (rows := attempt()) is None:
            if time.monotonic() > give_up:
                raise DrillFailed("drill-stuck", f"Postgres does not answer within {_DATABASE_S:g} s")
            time.sleep(_POLL_S)
        return rows

    def queues(self) -> list[str]:
        """The queues of jobs and chunks."""
        return [queue_name(domain, bulk=bulk) for domain in DOMAINS for bulk in (False, True)]

    def bring_forward(self, text: str) -> None:
        """Move messages with this text in their headers to the front of their queues, before thousands of others."""
        with self.broker() as broker:
            for name in self.queues():
                for message in broker.lrange(name, 0, -1):
                    if text.encode() in message and broker.lrem(name, -1, message):
                        broker.rpush(name, message)

    def wait_for(self, condition: Callable[[], Awaited | None], problem: str, seconds: float = 30.0) -> Awaited:
        """Wait until a condition gives something true.

        Args:
            condition: called again and again.
            problem: what to say if it does not.
            seconds: to wait at most.

        Returns:
            What the condition gave.

        Raises:
            DrillFailed: it gave nothing true in time.
        """
        give_up = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > give_up:
                raise DrillFailed("drill-stuck", f"{problem} after {seconds:g} s", f"see {self.farm.log}")
            time.sleep(_POLL_S)
        return value
