"""What a fault can reach: the drill's own farm and producers, nothing else.  farm, producers -> [ground] -> faults

Finds processes by the supervisor that started them and servers by the farm's own `services.json`; never by a name that
somebody else's process could bear."""

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
from rulefarm.settings import SERVICES_FILE
from workers.drill.producers import Producer
from workers.drill.subjects import DOMAINS
from workers.local import LocalFarm

#: Seconds between two looks at what is waited for.
_LOOK_S = 0.05
#: Seconds that Postgres may be away before the drill gives up.
_DATABASE_S = 60.0
Found = TypeVar("Found")


class DrillFailed(RulefarmError):
    """The drill itself can't go on: it says nothing about the farm's promises."""


@dataclass(frozen=True, slots=True)
class Injection:
    """What one fault did."""

    #: In a few words.
    what: str
    #: The worker that was hit, by its name before the `@`; None: all of them, or none.
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble."""

    #: As `--faults` names it.
    name: str
    #: What it does, in one line.
    text: str
    #: Does it, and returns when the trouble is over or has begun for good.
    inflict: Callable[["DrillContext"], Injection]
    #: Seconds that it lasts.
    takes_s: float = 0.0
    #: The quiet that it gets afterwards, as a multiple of the plan's.
    quiet: float = 1.0


@dataclass(slots=True)
class DrillContext:
    """A running farm with producers, to be hurt."""

    farm: LocalFarm
    #: Chooses among what runs.
    draw: random.Random
    seed: int
    #: Where the workers testify.
    evidence: Path
    #: Starts one more producer, which submits jobs of these keys at once.
    send: Callable[[str, tuple[str, ...]], None]
    producers: list[Producer] = field(default_factory=list)
    #: Malformed messages that were sent.
    malformed: int = 0
    #: Strikes so far: numbers what each sends.
    strikes: int = 0

    @property
    def workers(self) -> list[str]:
        """Names of the parts that are workers and run now."""
        return sorted(name for name in self.farm.pids if name != "beat")

    def pid(self, part: str) -> int:
        """The main process of a part; waits for it while it is between two lives."""
        self.until(lambda: part in self.farm.pids, f"{part} does not run")
        return self.farm.pids[part]

    def pool(self, part: str) -> list[psutil.Process]:
        """The processes of a worker's pool."""
        try:
            return list(psutil.Process(self.pid(part)).children())
        except psutil.NoSuchProcess:
            return []

    def server(self, name: str) -> int:
        """The process of an embedded server of this farm: postgres or valkey."""
        document = json.loads((self.farm.settings.home / SERVICES_FILE).read_text(encoding="utf-8"))
        return int(document["pids"][name])

    @contextmanager
    def broker(self) -> Iterator[Any]:
        """A connection to the broker."""
        with closing(redis.Redis.from_url(self.farm.settings.require_broker(), socket_timeout=5)) as client:
            yield client

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement on the farm's database; waits while that is away."""

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
            time.sleep(_LOOK_S)
        return rows

    def queues(self) -> list[str]:
        """The queues of jobs and chunks."""
        return [queue_name(domain, bulk=bulk) for domain in DOMAINS for bulk in (False, True)]

    def bring_forward(self, text: str) -> None:
        """Let messages with this text in their headers be the next of their queues: before them may stand thousands."""
        with self.broker() as broker:
            for name in self.queues():
                for message in broker.lrange(name, 0, -1):
                    if text.encode() in message and broker.lrem(name, -1, message):
                        broker.rpush(name, message)

    def until(self, look: Callable[[], Found | None], otherwise: str, seconds: float = 30.0) -> Found:
        """Look until it is there.

        Raises:
            DrillFailed: it is not there in time.
        """
        give_up = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > give_up:
                raise DrillFailed("drill-stuck", f"{otherwise} after {seconds:g} s", f"see {self.farm.log}")
            time.sleep(_LOOK_S)
        return found
