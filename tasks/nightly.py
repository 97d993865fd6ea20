"""The nightly batch.  configured source -> [nightly] -> batch and chunk rows -> messages

Run by beat on the bulk queue of its domain, and by `rulefarm nightly run`. One batch a night: the date is its key, so
two beats, or a repeated message, submit it once."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from celery import Task

from rulefarm.batch import record_batch
from rulefarm.database import Ledger
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
    process = current()
    key = f"nightly {datetime.now(UTC).date().isoformat()}"
    settings = process.settings
    sender = MessageSender(process.app, limit=settings.queue_limit, has_ledger=True)
    free = sender.free_slots(queue_name(settings.nightly_domain, bulk=True))
    batch, messages = record_nightly(process.ledger, settings, process.rulesets, key=key, free_slots=free)
    sender.send(messages)
    log.info("nightly batch %s: %d subjects in %d chunks from %s", batch.id, batch.rows, batch.chunks, batch.source)
    return str(batch.id)


def record_nightly(
    ledger: Ledger, settings: Settings, rulesets: Mapping[str, LoadedRuleset], *, key: str | None, free_slots: int
) -> tuple[Batch, list[TaskMessage]]:
    """Put the nightly batch on record.

    Args:
        ledger: where to.
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
        ledger,
        settings,
        settings.nightly_domain,
        settings.nightly_source,
        free_slots=free_slots,
        subject=subject,
        key=key,
    )
