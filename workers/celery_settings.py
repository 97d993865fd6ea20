"""The settings that make Celery on Redis behave, each with its reason.  [celery_settings] -> celery_app, beat

What workers and beat have in common. Knows no task, so that beat needs to load none."""

from typing import Any

from celery import Celery

from rulefarm.messaging import queue
from rulefarm.routing import CONTROL_QUEUE
from rulefarm.settings import Settings
from store.cron import Cron

CONF: dict[str, Any] = {
    # The message is acknowledged after the verdict is stored: a worker that dies in between leaves it to another.
    "task_acks_late": True,
    # A task that killed its process would kill the next one too, for ever; the reconciler's clock is slower.
    "task_reject_on_worker_lost": False,
    # What is no message for us is refused and put on record, and ends no worker.
    "worker_consumer": "workers.consumer.consumer:RefusingConsumer",
    # Celery's own sees only the messages that it holds, and most of a backlog has none.
    "worker_autoscaler": "workers.scaling.autoscaler:FarmAutoscaler",
    # One for each process, which is acknowledged when it is judged: more would wait behind a chunk while others idle.
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


def check_nightly(settings: Settings) -> None:
    """What the reconciler can't read must stop the start, and not every run of it.

    Raises:
        SettingsError: a nightly cron that is none.
    """
    if settings.nightly_source is not None:
        Cron(settings.nightly_cron)


def take_from(app: Celery, queues: list[str]) -> None:
    """Let a worker of this application take from queues.

    Args:
        app: has not connected yet.
        queues: their names; the control queue is always one.
    """
    app.conf.task_queues = [queue(name) for name in dict.fromkeys([*queues, CONTROL_QUEUE])]
