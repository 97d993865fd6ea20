"""Send again what has no verdict, and what has fallen due.  due rows -> [reconcile] -> messages on their queues

A beat task on the control queue. Safe to run twice at once; bounded per run, and by the limit of the queues; a broker
that is away leaves everything due, and one that lost its data makes everything due. Beat only says that it is time to
look: what is due is for the rows and Postgres's clock to say. Makes the coming months' partitions on the side."""

import logging
import time

from celery import Task

from rulefarm.database import translate_errors
from rulefarm.errors import FarmUnreachable
from rulefarm.messaging import TaskMessage, queue_depths, send_messages
from rulefarm.routing import BACKLOG, OLD_SENTINEL_QUEUE, SENTINEL, SENTINEL_QUEUE, queue_name
from store.beats import BEAT_HEADER, note_beat
from store.duties import mark_due
from store.partitions import ensure_partitions
from store.pending_work import claim_due, count_open, due_queues, has_run_within, mark_all_due, record_run
from store.publications import activate_due
from tasks.drain import drain
from tasks.duty_messages import send_duties
from tasks.worker_context import WorkerContext, current

log = logging.getLogger("rulefarm.tasks")


def reconcile(task: Task) -> int:
    """Send the message of whatever is due; nothing, if another run has done so a moment ago.

    Messages gather while no worker is there to take them: the first that is taken does the work of all.

    Args:
        task: the running Celery task.

    Returns:
        How many jobs and chunks were sent; 0 as well when the database or the broker is away, for the next run is near.
    """
    context = current()
    try:
        note_beat(context.database, getattr(task.request, BEAT_HEADER, None))
        if has_run_within(context.database, context.settings.reconcile_interval_s / 2):
            return 0
    except FarmUnreachable as error:
        log.warning("nothing that is due was sent: %s", error)
        return 0
    # What is due and was never begun this worker can judge itself: even if every message is lost, it is judged.
    for domain in context.rulesets:
        drain(context, domain, task.request.hostname, bulk=context.bulk)
    return send_what_is_due(context)


def send_what_is_due(context: WorkerContext) -> int:
    """Send the message of every job, chunk and duty that is due.

    Args:
        context: what the worker holds.

    Returns:
        As `reconcile`.
    """
    engine = context.database
    try:
        for one in activate_due(engine):
            log.info("%s: %s is active from now on, as was to be", one.domain, one.digest[:12])
        lost = _check_sentinel(context)
        send_duties(context.app, engine, context.settings)
        # Mostly nothing is due: then no queue is asked for its depth.
        queues = {queue_name(domain, bulk=bulk): (domain, bulk) for domain, bulk in due_queues(engine)}
        depths = queue_depths(context.app, queues) if queues else {}
        # Long enough for whatever there is room for, short enough for the next run to find this one done.
        deadline = time.monotonic() + context.settings.reconcile_interval_s
        sent = sum(_send_due(context, *which, depths[name], deadline) for name, which in queues.items())
        record_run(engine, sent=sent, broker_lost=lost)
        with translate_errors(engine), engine.begin() as connection:
            ensure_partitions(connection)
    except FarmUnreachable as error:
        log.warning("not all that is due was sent: %s", error)
        return 0
    if sent:
        log.warning("sent the messages of %d jobs and chunks again: they had no verdict", sent)
    return sent


def _check_sentinel(context: WorkerContext) -> bool:
    """Whether the broker has lost its data: then everything open is made due, and a new sentinel is put there.

    The first start of all is no different: nothing is open then."""
    depths = queue_depths(context.app, [SENTINEL_QUEUE, OLD_SENTINEL_QUEUE])
    if depths[SENTINEL_QUEUE]:
        return False
    lost = not depths[OLD_SENTINEL_QUEUE]
    # First the rows: if the broker is gone again, the next run finds no sentinel either.
    due = mark_all_due(context.database) if lost else 0
    if lost:
        mark_due(context.database)
    send_messages(context.app, [TaskMessage(SENTINEL, SENTINEL, SENTINEL_QUEUE, {}, "")])
    if lost:
        log.warning("the broker has lost its data, or is new: %d jobs and chunks are sent again", due)
    return lost


def _send_due(context: WorkerContext, domain: str, bulk: bool, depth: int, deadline: float) -> int:
    settings, sent = context.settings, 0
    busy, most = depth > BACKLOG, settings.queue_limit
    # Jobs that nobody has begun need no more messages than wake the workers, who take the others from Postgres.
    new = max(0, BACKLOG - depth)
    if depth:
        # A message for everything open is enough: more would only make all wait longer, until whatever waits is sent
        # again and again. One that was lost leaves a slot for itself.
        most = min(most, count_open(context.database, domain, bulk=bulk, limit=most))
    free = most - depth
    while sent < free:
        limit = min(settings.reconcile_batch_size, free - sent)
        with claim_due(
            context.database, domain, bulk=bulk, grace_s=settings.reconcile_grace_s, limit=limit, new=new, busy=busy
        ) as messages:
            portion = send_messages(context.app, messages) if messages else 0
        sent += portion
        new = max(0, new - portion)
        if portion < limit or time.monotonic() > deadline:
            break
    return sent
