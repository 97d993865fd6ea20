"""Submit the nightly batch.  configured source -> [nightly] -> batch and chunk rows -> messages

Run by beat on the bulk queue of its domain, and by `rulefarm nightly run`. One batch a night: the date is its key, so
two beats, or a repeated message, submit it once."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from celery import Task
from sqlalchemy import Engine

from rulefarm.batch import record_batch
from rulefarm.errors import SettingsError
from rulefarm.jobs import Batch
from rulefarm.messaging import MessageSender, TaskMessage
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from tasks.worker_context import current

log = logging.getLogger("rulefarm.tasks")


def plan_nightly(task: Task) -> str:
    """Submit tonight's batch.

    Args:
        task: the running Celery task.

    Returns:
        The batch's id.
    """
    context = current()
    key = f"nightly {datetime.now(UTC).date().isoformat()}"
    settings = context.settings
    sender = MessageSender(context.app, limit=settings.queue_limit, has_ledger=True)
    free = sender.free_slots(queue_name(settings.nightly_domain, bulk=True))
    batch, messages = record_nightly(context.database, settings, context.rulesets, key=key, free_slots=free)
    sender.send(messages)
    log.info("nightly batch %s: %d subjects in %d chunks from %s", batch.id, batch.rows, batch.chunks, batch.source)
    return str(batch.id)


def record_nightly(
    engine: Engine, settings: Settings, rulesets: Mapping[str, LoadedRuleset], *, key: str | None, free_slots: int
) -> tuple[Batch, list[TaskMessage]]:
    """Put the nightly batch on record.

    Args:
        engine: the database that it goes to.
        settings: nightly_source, nightly_domain, nightly_subject.
        rulesets: the domain's is asked for its key.
        key: the same key is the same batch; None is a new one.
        free_slots: messages that the bulk queue of the domain may still take.

    Raises:
        SettingsError: no source is set.
        SourceRejected: the source can't be read.
    """
    if settings.nightly_source is None:
        raise SettingsError("no-nightly-source", "no source for the nightly batch", "set RULEFARM_NIGHTLY_SOURCE")
    subject = settings.nightly_subject or rulesets[settings.nightly_domain].schema.key
    return record_batch(
        engine,
        settings,
        settings.nightly_domain,
        settings.nightly_source,
        free_slots=free_slots,
        subject=subject,
        key=key,
    )
