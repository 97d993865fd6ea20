"""The whole farm on one machine: services, tables, parts.  settings -> [local_farm] -> processes, until it is stopped

`run_farm` is `rulefarm up`: in the foreground, all output on one terminal. `running_farm` is the same beside another
program, a test or `make run`, with a log file a part. Both take what makes the tables as a function, so that this
module does not import the store."""

import json
import logging
import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import files as installed_files
from pathlib import Path
from threading import Thread
from typing import TextIO

from rulefarm.errors import ServiceError
from rulefarm.region_places import variables
from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings
from workers.embedded import locked_home, services_in, stopping_on_signals
from workers.local.output import Console, LogFolder, PartOutput
from workers.local.readiness import ReadinessCheck
from workers.local.supervisor import GRACE_S, Supervisor, noted_signals, read_procfile, selected_lines

#: Makes or upgrades the tables.
Migrate = Callable[[Settings], None]

_PREFIX = "RULEFARM_"
#: So many domains have a worker each; more share one.
_OWN_WORKERS = 6
#: Seconds between two checks that the workers answer.
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class LocalFarm:
    """A farm that runs on this machine."""

    #: Those of its parts: both URLs are set.
    settings: Settings
    #: Folder of the logs.
    log: Path
    _supervisor: Supervisor

    @property
    def pids(self) -> dict[str, int]:
        """The parts that run now: name in the Procfile to process id."""
        return self._supervisor.pids


def run_farm(
    settings: Settings,
    migrate: Migrate,
    *,
    environ: Mapping[str, str],
    procfile: Path | None = None,
    domains: Callable[[Settings], Sequence[str]] | None = None,
    only: Iterable[str] | None = None,
    out: TextIO = sys.stdout,
) -> int:
    """Run services and parts in the foreground until SIGINT, SIGTERM or SIGHUP; a second signal kills.

    Args:
        settings: where everything is; a URL that is not set means an embedded service.
        migrate: makes the tables.
        environ: what the parts inherit; its RULEFARM_* variables are replaced by the settings.
        procfile: the parts; default: those that ship with rulefarm.
        domains: gives those of a farm of one's own, when its tables are made: without a Procfile, the parts are workers
            for these, beat and Flower.
        only: names of the parts wanted; default: all.
        out: takes the output of all of them.

    Returns:
        0 when every part ended by itself, 1 when one had to be killed.

    Raises:
        ServiceError: the home is taken or can't be used, or a service or a part can't be started.
    """
    # One that can't be read is refused before anything starts.
    lines = {} if procfile is None and domains else read_procfile(procfile or shipped_procfile(), only)
    console = Console(out)
    with stopping_on_signals(), _services_logged_to(console), _prepared(settings, migrate) as prepared:
        if procfile is None and domains is not None:
            named = domains(prepared)
            lines = selected_lines(parts_for(named), only, f"the farm of {', '.join(named)}")
        console.prepare(list(lines))
        supervisor = _supervisor(lines, prepared, console, environ)
        with noted_signals() as signals:
            try:
                supervisor.start()
                console.say(f"the farm is in {prepared.home}")
                if workers := _workers(lines):
                    Thread(target=_announce_ready, args=(prepared, supervisor, workers, console), daemon=True).start()
                supervisor.wait(signals)
            finally:
                console.say("stopping: the parts finish what they have begun; once more kills them")
                drained = supervisor.stop(signals)
    if supervisor.refusal is not None:
        raise supervisor.refusal
    return 0 if drained else 1


@contextmanager
def running_farm(
    settings: Settings,
    migrate: Migrate,
    *,
    environ: Mapping[str, str],
    processes: Iterable[str] | None = None,
    procfile: Path | None = None,
    keep: bool = True,
    ready_s: float = 60.0,
) -> Iterator[LocalFarm]:
    """Run services and parts in the background; the block begins when every worker answers.

    Args:
        settings: where everything is; a URL that is not set means an embedded service.
        migrate: makes the tables.
        environ: what the parts inherit; its RULEFARM_* variables are replaced by the settings.
        processes: names of the parts wanted; default: all.
        procfile: the parts; default: those that ship with rulefarm.
        keep: False: the data of embedded services is removed at the end, for tests.
        ready_s: seconds until the workers have to answer.

    Returns:
        A context manager that gives the farm.

    Raises:
        ServiceError: as `run_farm`, or a worker does not answer in time.
    """
    lines = read_procfile(procfile or shipped_procfile(), processes)
    with stopping_on_signals(), _prepared(settings, migrate, keep=keep) as prepared:
        output = LogFolder(prepared.home / "log")
        with _services_logged_to(output):
            supervisor = _supervisor(lines, prepared, output, environ)
            try:
                supervisor.start()
                _wait_for_workers(prepared, supervisor, _workers(lines), output, ready_s)
                yield LocalFarm(prepared, prepared.home / "log", supervisor)
            finally:
                supervisor.stop()


def shipped_procfile() -> Path:
    """The Procfile of the checkout, or the one that was installed with the package.

    Raises:
        ServiceError: neither is there.
    """
    checkout = Path(__file__).resolve().parents[2] / "Procfile"
    if checkout.exists():
        return checkout
    with suppress(PackageNotFoundError):
        for file in installed_files("rulefarm-server") or []:
            if file.name == "Procfile":
                return Path(str(file.locate()))
    raise ServiceError("bad-procfile", "no Procfile was installed with rulefarm", "name one of your own")


def parts_for(domains: Sequence[str]) -> dict[str, str]:
    """The lines of a Procfile for these domains, as the one that ships has them for its own.

    Args:
        domains: at least one.

    >>> list(parts_for(["loans"]))
    ['loans', 'bulk', 'beat', 'flower']
    """
    every = ",".join(domains)
    # Each domain keeps the others from waiting for it; a machine has no room for any number of workers.
    shares = {domain: domain for domain in domains} if len(domains) <= _OWN_WORKERS else {"worker": every}
    return {
        **{_part(name): f"rulefarm worker --domains {names} --autoscale 4,1" for name, names in shares.items()},
        "bulk": f"rulefarm worker --domains {every} --queue bulk --autoscale 2,1",
        "beat": "rulefarm beat",
        "flower": "rulefarm flower",
    }


def _part(domain: str) -> str:
    return f"{domain}-domain" if domain in ("bulk", "beat", "flower", "farm") else domain


def environ_of(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `Settings.from_env` gives these settings.

    Args:
        settings: become the variables RULEFARM_*.
        environ: everything else.

    Returns:
        A whole environment; the console commands of this Python come first on its PATH.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(_PREFIX)}
    values = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "regions"}
    scripts = sysconfig.get_path("scripts")
    inherited["PATH"] = os.pathsep.join([scripts, *filter(None, [inherited.get("PATH")])])
    named = {f"{_PREFIX}{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return inherited | named | variables(settings.regions)


def _supervisor(
    lines: Mapping[str, str], settings: Settings, output: PartOutput, environ: Mapping[str, str]
) -> Supervisor:
    return Supervisor(lines, environ_of(settings, environ), output, home=settings.home, cwd=Path.cwd(), grace_s=GRACE_S)


@contextmanager
def _prepared(settings: Settings, migrate: Migrate, *, keep: bool = True) -> Iterator[Settings]:
    """Services and tables; gives the settings with both URLs."""
    with locked_home(settings.home) as home:
        # Settings take URLs from this file when the environment has none. No farm runs here, so it is a dead farm's.
        stale = _stale_urls(home.path / SERVICES_FILE)
        broker = settings.broker_url if settings.broker_url not in stale else None
        database = settings.database_url if settings.database_url not in stale else None
        with services_in(
            home, broker_url=broker, database_url=database, keep=keep, is_region=settings.region is not None
        ) as services:
            prepared = replace(
                settings, home=home.path, broker_url=services.broker_url, database_url=services.database_url
            )
            migrate(prepared)
            yield prepared


def _stale_urls(path: Path) -> set[str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {str(document["broker_url"]), str(document["database_url"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _wait_for_workers(
    settings: Settings, supervisor: Supervisor, workers: list[str], output: LogFolder, ready_s: float
) -> None:
    give_up = time.monotonic() + ready_s
    with ReadinessCheck(settings, supervisor, workers) as check:
        while missing := check.missing():
            if supervisor.refusal is not None:
                raise supervisor.refusal
            if time.monotonic() > give_up:
                raise ServiceError(
                    "worker-silent",
                    f"the worker {missing[0]} does not answer within {ready_s:g} s",
                    f"its log is {output.path(missing[0])}",
                )
            time.sleep(_POLL_S)


def _announce_ready(settings: Settings, supervisor: Supervisor, workers: list[str], console: Console) -> None:
    """Print when every worker answers; runs in a thread beside the farm."""
    began = time.monotonic()
    with ReadinessCheck(settings, supervisor, workers) as check:
        while not _all_answer(check):
            if not supervisor.running:
                return
            time.sleep(_POLL_S)
    console.say(f"every worker answers, after {time.monotonic() - began:.1f} s; Ctrl-C stops the farm")


def _all_answer(check: ReadinessCheck) -> bool:
    try:
        return not check.missing()
    # The broker goes away when the farm stops, and its client raises what it likes; the farm says what it does.
    except Exception:
        return False


def _workers(lines: Mapping[str, str]) -> list[str]:
    return [name for name, command in lines.items() if " worker" in command]


class _OutputHandler(logging.Handler):
    def __init__(self, output: PartOutput) -> None:
        super().__init__(logging.INFO)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.say(record.getMessage())


@contextmanager
def _services_logged_to(output: PartOutput) -> Iterator[None]:
    """Put what the embedded services log among the lines of the parts."""
    logger = logging.getLogger("workers.embedded.services")
    handler = _OutputHandler(output)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
