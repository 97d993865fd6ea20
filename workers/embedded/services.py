"""A real Postgres and a real Valkey as child processes, without installing either.  home -> [services] -> their URLs

Takes a directory, gives two URLs while its block runs, and writes them to `services.json` there for every other process
of the farm. A server that dies is started again on the same port and the same data. When the block ends, in whatever
way, both are stopped; when this process is killed outright the kernel stops them (Linux), and the next start ends
whatever is left. Runs no migrations and no workers."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType

from rulefarm.services_file import SERVICES_FILE
from workers.embedded.data_location import DataLocation, locate
from workers.embedded.home import Home, locked_home, write_private
from workers.embedded.postgres import Postgres
from workers.embedded.server_process import ServerProcess, end_leftovers
from workers.embedded.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Services:
    """Where the embedded services answer."""

    #: Valkey, for Celery.
    broker_url: str
    #: Postgres, as its owner `rulefarm`.
    database_url: str


@contextmanager
def running_services(home: Path, *, keep: bool = True, is_region: bool = False) -> Iterator[Services]:
    """Run Postgres and Valkey on the data of a home until the block ends.

    SIGTERM and SIGHUP end the block too (as `SystemExit`), unless the program handles them itself.

    Args:
        home: the directory; made if it is missing.
        keep: False: for tests: nothing is synced to disk, and the data is removed at the end.
        is_region: whether other regions may copy its verdicts.

    Returns:
        A context manager that gives their URLs.

    Raises:
        ServiceError: another farm runs there, the directory can't be used, or a server does not come up.
    """
    with (
        stopping_on_signals(),
        locked_home(home) as held,
        services_in(held, keep=keep, is_region=is_region) as services,
    ):
        yield services


@contextmanager
def services_in(
    home: Home,
    *,
    broker_url: str | None = None,
    database_url: str | None = None,
    keep: bool = True,
    is_region: bool = False,
) -> Iterator[Services]:
    """The same in a home that is already held, without the services that are somewhere else.

    Args:
        home: the directory.
        broker_url: of a broker that runs elsewhere; None: run Valkey.
        database_url: of a Postgres that runs elsewhere; None: run one.
        keep: as in `running_services`.
        is_region: likewise.

    Returns:
        A context manager that gives the URLs of both.

    Raises:
        ServiceError: the data can't be put anywhere, or a server does not come up.
    """
    owner = os.getpid()
    servers: dict[str, ServerProcess] = {}
    embedded = None
    if broker_url is None or database_url is None:
        embedded = _embedded(home, keep=keep, is_region=is_region)
    if embedded is not None and broker_url is None:
        broker_url = embedded.valkey.url
        servers["valkey"] = ServerProcess(embedded.valkey, home.log / "valkey.log", restarted=lambda: record())
    if embedded is not None and database_url is None:
        database_url = embedded.postgres.url
        servers["postgres"] = ServerProcess(embedded.postgres, home.log / "postgres.log", restarted=lambda: record())
    services = Services(broker_url=str(broker_url), database_url=str(database_url))

    def record() -> None:
        pids = {"farm": owner, **{name: server.last_pid for name, server in servers.items()}}
        write_private(home.path / SERVICES_FILE, asdict(services) | {"pids": pids})

    try:
        for server in servers.values():
            server.start()
        for server in servers.values():
            server.wait_ready()
        record()
        yield services
    finally:
        # A forked copy of this process leaves the block too, and must not take the services with it.
        if os.getpid() == owner:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(ServerProcess.stop, servers.values()))
            (home.path / SERVICES_FILE).unlink(missing_ok=True)
            if not keep:
                if embedded is not None:
                    embedded.location.remove()
                home.forget()


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The servers of one home, ready to start."""

    location: DataLocation
    postgres: Postgres
    valkey: Valkey


def _embedded(home: Home, *, keep: bool, is_region: bool) -> _Embedded:
    location = locate(home, keep=keep)
    instance = home.instance()
    # First of all, or the ports of the last run would not be free.
    end_leftovers(Postgres(location, instance))
    end_leftovers(Valkey(location, instance))
    broker_port, database_port = _free_ports(instance.broker_port, instance.database_port)
    instance = replace(instance, broker_port=broker_port, database_port=database_port)
    home.remember(instance)
    postgres = Postgres(location, instance, synced=keep, is_region=is_region)
    return _Embedded(location, postgres, Valkey(location, instance))


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block by `SystemExit`, so that everything in it is stopped.

    Only in the main thread, and only where the program has no handler of its own.
    """
    changed: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _exit)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _free_ports(*preferred: int) -> list[int]:
    """A free loopback port for each preferred one: itself if it is free; 0 prefers none."""
    sockets: list[socket.socket] = []
    try:
        for port in preferred:
            probe = socket.socket()
            sockets.append(probe)
            # As the servers do: a port whose last connections are still closing is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()
