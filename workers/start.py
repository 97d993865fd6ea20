"""Start one worker.  settings, domains -> [start] -> a Celery process in the foreground

The order matters: wait for Postgres, compile the rulesets that are published there (an error in one must stop the
start, not a job), hand them to the process, and only then take messages. Starts no servers."""

import logging
import socket
import warnings
from dataclasses import dataclass, replace

import billiard.pool
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.utils.nodenames import host_format
from celery.worker.control import inspect_command

from rulefarm.database import FarmIdentity, connect
from rulefarm.errors import SettingsError
from rulefarm.messaging import refuse_cluster
from rulefarm.settings import Settings
from rulefarm.urls import source_url
from tasks.published_rulesets import Prepare
from tasks.self_description import DESCRIBE, describe
from tasks.shadow import ShadowJudge
from tasks.shared_facts import SharedFacts, open_shared
from tasks.worker_context import WorkerContext, set_context
from workers.celery_app import create_worker_app, worker_queues
from workers.celery_settings import take_from
from workers.consumer import EXIT_AGAIN, LivenessMonitor
from workers.rulesets_to_serve import rulesets_to_serve
from workers.telemetry import trace_children

log = logging.getLogger("rulefarm.workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What one worker is for."""

    #: The domains it serves; none: every one that is published, and every one of the folder of rulesets.
    domains: list[str]
    #: Whether it takes batches instead of single jobs.
    bulk: bool = False
    #: Processes, (maximum, minimum): Celery adds and removes them with the length of the queue.
    autoscale: tuple[int, int] = (4, 1)
    #: Name before the `@host`; None is made of the domains and the kind.
    name: str | None = None
    loglevel: str = "INFO"

    @property
    def node_name(self) -> str:
        """The name that Flower, `rulefarm status` and the verdicts show."""
        return f"{self.name or '-'.join(self.domains) + ('.bulk' if self.bulk else '')}@{socket.gethostname()}"


def run_worker(settings: Settings, options: WorkerOptions, *, prepare: Prepare | None = None) -> int:
    """Run a worker until it gets SIGTERM, which lets it finish what it has begun.

    Args:
        settings: where broker, database and rulesets are.
        options: what the worker is for.
        prepare: changes each ruleset before the tasks get it: a drill's way to make it misbehave. Default: nothing.

    Returns:
        The exit code.

    Raises:
        SettingsError: a setting makes no sense; no broker or database is named, or no place for the facts that a domain
            shares; or it has patterns, and durable-rules is not installed.
        NotFound, RulesetUnreadable, NotFit, engine.SchemaRejected, engine.RulesetRejected: what is published can't be
            compiled; or a domain is not published yet, and what lies in the folder can't be.
    """
    # Now, and not when the first job asks for one.
    settings.check(but="flower_")
    if options.bulk and settings.source_url:
        source_url(settings.source_url)
    app = create_worker_app(settings)
    refuse_cluster(app)
    logging.basicConfig(level=options.loglevel, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # A statement that hangs is interrupted while the job has time left: waiting for Postgres is no judging.
    limit_s = settings.chunk_time_limit_s if options.bulk else settings.job_time_limit_s
    database = connect(settings, statement_timeout_s=limit_s / 2)
    shared = _shared_facts(settings)
    published = rulesets_to_serve(database, settings, options.domains, has_facts=shared is not None, prepare=prepare)
    options = replace(options, domains=list(published.by_domain))
    queues = worker_queues(options.domains, bulk=options.bulk)
    take_from(app, queues)
    farm_id = FarmIdentity(database)
    farm_id()
    app.farm_id = farm_id
    set_context(
        WorkerContext(
            settings=settings,
            database=database,
            rulesets=published.by_domain,
            published=published,
            app=app,
            bulk=options.bulk,
            shared=shared,
            shadow=ShadowJudge(database, published.version),
        )
    )
    published.watch()
    trace_children("rulefarm-worker")
    inspect_command(name=DESCRIBE)(describe)
    LivenessMonitor(app, queues, settings.stall_timeout_s).begin()
    # A pool process that ends waits for the main process to take its last result; while that ends itself it does not
    # look, and both stand still for 30 s. The verdict is in Postgres by then, so that two will do.
    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20
    # Celery warns root on every start because of pickle; nothing but JSON is taken here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # And at every lost connection because of a setting whose default will change; ours is set.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    maximum, minimum = options.autoscale
    # What `celery worker` does, without its command line: that would load all other commands of Celery, and Flower.
    worker = app.Worker(
        hostname=host_format(options.node_name),
        autoscale=f"{maximum},{minimum}",
        loglevel=options.loglevel,
        quiet=True,
        # Workers need not know of each other; on a large farm their gossip would cost more than the work.
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    return EXIT_AGAIN if worker.exitcode else 0


def _shared_facts(settings: Settings) -> SharedFacts | None:
    """Where shared facts are; None: nowhere. Only a domain that shares some minds."""
    try:
        return open_shared(settings)
    except SettingsError:
        return None
