"""The Celery application of the farm's own side.  settings -> [celery_app] -> worker, Flower

Wiring only: names to functions, and queues to names. Opens no connection."""

from celery import Celery

from rulefarm.messaging import create_app
from rulefarm.routing import CONTROL_QUEUE, EVALUATE_CHUNK, EVALUATE_JOB, NIGHTLY, RECONCILE, queue_name
from rulefarm.settings import Settings
from tasks.evaluate import evaluate_chunk, evaluate_job
from tasks.impact_part import IMPACT_PART, judge_impact_part
from tasks.nightly import plan_nightly
from tasks.probe import PROBE, PROBE_AS_SENT, probe
from tasks.reconcile import reconcile
from tasks.verify_part import VERIFY_PART, judge_verify_part
from workers.celery_settings import CONF, check_nightly, take_from
from workers.consumer import FarmRequest, use_optional_results

#: Seconds between the soft time limit, which a task can log, and the hard one, which kills its process.
_GRACE_S = 5


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
    if not shows:
        check_nightly(settings)
    app = create_app(settings)
    # In a process of the farm it is no guest.
    app.set_current()
    app.conf.update(CONF)
    use_optional_results(app)
    take_from(app, queues or [])
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
    app.task(judge_impact_part, name=IMPACT_PART, bind=True, **_positive(chunk_limits))
    app.task(judge_verify_part, name=VERIFY_PART, bind=True, **_positive(chunk_limits))
    app.task(reconcile, name=RECONCILE, bind=True, ignore_result=True, **_positive(chunk_limits))
    app.task(plan_nightly, name=NIGHTLY, bind=True, ignore_result=True, max_retries=None)
    for name in (PROBE, PROBE_AS_SENT):
        app.task(probe, name=name, bind=True, **_positive(job_limits))
    return app


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
