"""The Celery application of the farm's own side.  settings -> [celery_app] -> worker, beat, Flower

Wiring only: names to functions, queues to names, and the settings that make Celery on Redis behave, each with its
reason. Opens no connection."""

from typing import Any

from celery import Celery
from celery.schedules import schedule

from rulefarm.messaging import create_app
from rulefarm.routing import CONTROL_QUEUE, EVALUATE_CHUNK, EVALUATE_JOB, NIGHTLY, RECONCILE, queue, queue_name
from rulefarm.settings import Settings
from store.cron import Cron
from tasks.evaluate import evaluate_chunk, evaluate_job
from tasks.nightly import plan_nightly
from tasks.probe import PROBE, PROBE_AS_SENT, probe
from tasks.reconcile import reconcile
from workers.consumer import FarmRequest, use_optional_results

#: Seconds between the soft time limit, which a task can log, and the hard one, which kills its process.
_GRACE_S = 5

CONF: dict[str, Any] = {
    # The message is acknowledged after the verdict is stored: a worker that dies in between leaves it to another.
    "task_acks_late": True,
    # A task that killed its process would kill the next one too, for ever; the reconciler's clock is slower.
    "task_reject_on_worker_lost": False,
    # What is no message for us is refused and put on record, and ends no worker.
    "worker_consumer": "workers.consumer.consumer:RefusingConsumer",
    # Celery's own sees only the messages that it holds, and most of a backlog has none.
    "worker_autoscaler": "workers.scaling.autoscaler:FarmAutoscaler",
    # A process takes one message beyond the one it works on: more would wait behind a chunk while others idle.
    "worker_prefetch_multiplier": 1,
    # The worker has no other work than to wait for its broker, so it never gives up.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    # What was begun when the connection broke is finished: its verdict is stored once, whoever else repeats it.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # Events are for Flower: when a task starts and ends, but not a third one from every producer when it is sent.
    "worker_send_task_events": True,
    "task_send_sent_event": False,
    "task_default_queue": CONTROL_QUEUE,
    "task_default_routing_key": CONTROL_QUEUE,
    # Only the queues that a worker is started for, never one that a typing error would make.
    "task_create_missing_queues": False,
    # Seconds until a broker that stopped answering without closing is noticed.
    "broker_heartbeat": 30,
    "worker_proc_alive_timeout": 60.0,
    # One process that grew beyond this many KiB is replaced after its task.
    "worker_max_memory_per_child": 2_000_000,
    # One line a task would be a million a night.
    "worker_redirect_stdouts": False,
}


def create_worker_app(settings: Settings, *, queues: list[str] | None = None, shows: bool = False) -> Celery:
    """Make the application, with its tasks.

    Args:
        settings: broker_url must be set.
        queues: names of the queues to take from; None is the control queue alone.
        shows: whether it is only looked at, and plans no nightly. Default: it works.

    Returns:
        The application; it has no connection yet.

    Raises:
        SettingsError: no broker, or a nightly cron that is none.
    """
    if settings.nightly_source is not None and not shows:
        # What the reconciler can't read must stop the start, and not every run of it.
        Cron(settings.nightly_cron)
    app = create_app(settings)
    # In a process of the farm it is no guest.
    app.set_current()
    app.conf.update(CONF)
    use_optional_results(app)
    take_from(app, queues or [])
    app.conf.beat_schedule = _beat_schedule(settings)
    job_limits = {"time_limit": settings.job_time_limit_s, "soft_time_limit": settings.job_time_limit_s - _GRACE_S}
    chunk_limits = {
        "time_limit": settings.chunk_time_limit_s,
        "soft_time_limit": settings.chunk_time_limit_s - _GRACE_S,
    }
    # What passes is waited for as long as it lasts: a retry without a limit would take the task's, which is 3.
    judging = {"bind": True, "Request": FarmRequest, "max_retries": None}
    # It keeps the results of jobs itself, before it goes on with others.
    app.task(evaluate_job, name=EVALUATE_JOB, ignore_result=True, **judging, **_positive(job_limits))
    app.task(evaluate_chunk, name=EVALUATE_CHUNK, ignore_result=True, **judging, **_positive(chunk_limits))
    app.task(reconcile, name=RECONCILE, bind=True, ignore_result=True, **_positive(chunk_limits))
    app.task(plan_nightly, name=NIGHTLY, bind=True, ignore_result=True, max_retries=None)
    for name in (PROBE, PROBE_AS_SENT):
        app.task(probe, name=name, bind=True, **_positive(job_limits))
    return app


def take_from(app: Celery, queues: list[str]) -> None:
    """Let a worker of this application take from queues.

    Args:
        app: has not connected yet.
        queues: their names; the control queue is always one.
    """
    app.conf.task_queues = [queue(name) for name in dict.fromkeys([*queues, CONTROL_QUEUE])]


def worker_queues(domains: list[str], *, bulk: bool) -> list[str]:
    """The queues of a worker: one a domain, and the control queue.

    Args:
        domains: that it serves.
        bulk: whether it takes the chunks of batches instead of single jobs.

    Returns:
        Names of queues.
    """
    return [*(queue_name(domain, bulk=bulk) for domain in domains), CONTROL_QUEUE]


def _positive(limits: dict[str, int]) -> dict[str, int]:
    return {name: max(1, seconds) for name, seconds in limits.items()}


def _beat_schedule(settings: Settings) -> dict[str, Any]:
    return {
        "reconcile": {
            "task": RECONCILE,
            "schedule": schedule(settings.reconcile_interval_s),
            # Without `expires`: that is a moment of beat's clock, and a worker's may be ahead.
            "options": {"queue": CONTROL_QUEUE},
        }
    }
