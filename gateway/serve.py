"""Run a gateway, or the console alone.  settings, options -> [serve] -> an HTTP server in the foreground

Waits for nothing at the start: it answers `/livez` at once, and `/readyz` says when it can judge. SIGTERM lets it
answer what it has taken. One process on one core: run several behind a load balancer."""

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import socket
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import uvicorn
from sqlalchemy import Engine

from gateway.application import CONSOLE_PATHS, PATHS, Application
from gateway.authorization import Authorization
from gateway.connection import BoundedConnection
from gateway.console.console import ConsoleApplication
from gateway.console.console_context import open_console
from gateway.gateway_context import ANSWER_S, GatewayContext
from gateway.grouped import Grouped
from gateway.judging import Judging
from gateway.served_rulesets import ServedRulesets
from gateway.upkeep import Upkeep
from rulefarm.errors import SettingsError
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from store.job_status import open_jobs
from store.private_view import PrivateView
from store.region_verdicts import AllRegions
from tasks.shared_facts import SharedFacts, open_shared
from workers.monitoring import SignalReader
from workers.monitoring.metrics import answer, registry_of
from workers.telemetry import traced_process

log = logging.getLogger("rulefarm.gateway")

#: Seconds for which a connection without a request is kept: longer than a load balancer keeps it, which would else send
#: into one that closes at that moment.
_KEEP_ALIVE_S = 75
#: Seconds that answers have to come to an end after SIGTERM: longer than any may take.
_DRAIN_S = 35
#: Files of batches that are on their way at once.
_MAX_FILES = 4
#: Jobs that one question asks for, of those that are waited for.
MAX_WAITS = 1_000
#: Connections to Postgres that are not for single requests: of the recorder, of upkeep or whoever waits, of a file.
_OWN_CONNECTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """What one gateway is for."""

    #: The domains that it serves; none: every one that is published.
    domains: Sequence[str] = ()
    host: str = "127.0.0.1"
    #: 0: any that is free, which the log names.
    port: int = 8080
    #: Whether requests need a token on loopback, too: there stands a proxy before it, say.
    asks_for_tokens: bool = False
    loglevel: str = "INFO"
    #: Whether it serves the console alone, and judges for nobody.
    is_console: bool = False

    @property
    def needs_tokens(self) -> bool:
        """Whether requests need a token: on every address that others can reach."""
        return self.asks_for_tokens or not _is_loopback(self.host)


def run_gateway(settings: Settings, options: GatewayOptions) -> None:
    """Answer requests until SIGTERM or SIGINT.

    Args:
        settings: where broker, database and shared facts are.
        options: what the gateway is for.

    Raises:
        SettingsError: a setting makes no sense, no broker or database is named, or the address can't be listened on.
    """
    settings.check(but="flower_")
    logging.basicConfig(level=options.loglevel, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    listener = listen(options.host, options.port)
    # A request leaves little behind that counting does not free: to look for it after every 700 objects takes a tenth
    # of the time.
    gc.set_threshold(50_000, 20, 20)
    with traced_process("rulefarm-gateway"), open_gateway(settings, options) as application:
        # uvicorn hands the signal that ended it on to whoever had it before: to have drained is no failure.
        signal.signal(signal.SIGTERM, lambda *_: None)
        host, port = listener.getsockname()[:2]
        log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
        server_of(application).run(sockets=[listener])


@contextmanager
def open_gateway(settings: Settings, options: GatewayOptions) -> Iterator[Application]:
    """What answers requests, for as long as a block lasts.

    Args:
        settings: as for `run_gateway`.
        options: likewise.

    Raises:
        SettingsError: no broker or database is named.
    """
    # Whoever stands before it sends to another gateway, of another region, what this one can not take.
    with Farm(settings, fallback=()) as farm:
        ledger, shared = farm.require_ledger(), _shared_facts(settings)
        served = ServedRulesets(ledger.engine, options.domains, has_facts=shared is not None)
        authorization = Authorization(ledger.engine, is_required=options.needs_tokens)
        private = PrivateView(ledger.engine, everything=False)
        upkeep = Upkeep([served.refresh, authorization.refresh, private.refresh])
        count = max(1, settings.database_pool_size - _OWN_CONNECTIONS)
        threads = ThreadPoolExecutor(count, thread_name_prefix="gateway")
        files = ThreadPoolExecutor(1, thread_name_prefix="files")
        name = f"gateway.{os.getpid()}@{socket.gethostname()}"
        judging = Judging(ledger, shared, name, threads)
        still_open = Grouped("waits", partial(_are_open, ledger.engine), most=MAX_WAITS)
        reader = SignalReader(settings)
        registry = registry_of(reader)
        scrapes = Grouped[None, tuple[str, bytes]]("scrapes", lambda asked: [answer(registry)] * len(asked))
        regions = _all_regions(settings)
        missing = Grouped[None, list[str]]("missing", lambda asked: [served.missing()] * len(asked))
        try:
            context = GatewayContext(
                farm=farm,
                served=served,
                authorization=authorization,
                judging=judging,
                private=private,
                threads=threads,
                files=files,
                still_open=still_open,
                missing=missing,
                scrapes=scrapes,
                uploads=asyncio.Semaphore(_MAX_FILES),
                regions=regions,
            )
            with open_console(settings, context, reader) as console:
                pages = ConsoleApplication(console)
                yield Application(context, pages, CONSOLE_PATHS if options.is_console else PATHS)
        finally:
            upkeep.stop()
            judging.close()
            still_open.close()
            missing.close()
            scrapes.close()
            reader.close()
            threads.shutdown()
            if regions is not None:
                regions.close()
            files.shutdown()


def server_of(application: Application) -> uvicorn.Server:
    """The HTTP server that gives an application its requests."""
    config = uvicorn.Config(
        application,
        http=BoundedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections.

    Args:
        host: address to listen on.
        port: 0: any that is free.

    Raises:
        SettingsError: it can't be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            "address-unfit",
            f"{host}:{port} can't be listened on: {error}",
            "see --host and --port, and what runs there",
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name may mean another address tomorrow.
        return False


def _are_open(database: Engine, ids: Sequence[uuid.UUID]) -> list[bool | Exception]:
    found = open_jobs(database, set(ids))
    return [each in found for each in ids]


def _all_regions(settings: Settings) -> AllRegions | None:
    """What lists verdicts of all regions; None: there are none."""
    if not settings.regions:
        return None
    # Less than a request may take: one that is away must not keep those of the others from being listed.
    return AllRegions(settings, silence_s=ANSWER_S / 2)


def _shared_facts(settings: Settings) -> SharedFacts | None:
    """Where shared facts are; None: nowhere. Only a domain that shares some minds."""
    try:
        return open_shared(settings)
    except SettingsError:
        return None
