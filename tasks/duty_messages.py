"""Send a message for what has fallen due.  cron, duty rows -> [duty_messages] -> the queue of whoever carries it out

A part of every run of the reconciler. The row is the truth and the message wakes a worker, as with a job: what is not
done is sent again, until it is done or expired."""

from celery import Celery
from sqlalchemy import Engine

from rulefarm.messaging import TaskMessage, send_messages
from rulefarm.routing import NIGHTLY, queue_name
from rulefarm.settings import Settings
from store.cron import Cron
from store.duties import NIGHTLY_DUTY, Duty, claim, plan


def send_duties(app: Celery, engine: Engine, settings: Settings) -> int:
    """Give what falls due its rows, and send the messages of what is due.

    Args:
        app: to send with.
        engine: the database.
        settings: what falls due, and when; a worker without a nightly source plans none, but sends those of others.

    Returns:
        How many messages were sent.

    Raises:
        FarmUnreachable: what was not sent stays due.
    """
    if settings.nightly_source is not None:
        plan(engine, NIGHTLY_DUTY, settings.nightly_domain, Cron(settings.nightly_cron))
    with claim(engine, grace_s=settings.reconcile_grace_s) as due:
        return send_messages(app, [_message(duty) for duty in due]) if due else 0


def night_of(duty: Duty) -> str:
    """The name of a night: its instant."""
    return duty.due_at.isoformat(timespec="minutes")


def _message(duty: Duty) -> TaskMessage:
    night = night_of(duty)
    task_id = f"nightly-{duty.domain}-{night}"
    return TaskMessage(NIGHTLY, task_id, queue_name(duty.domain, bulk=True), {"night": night}, night)
