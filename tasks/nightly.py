"""Submit the nightly batch.  configured source -> [nightly] -> batch and chunk rows -> messages

Run by beat on the bulk queue of its domain, and by `rulefarm nightly run`. One batch a night: the date is its key, so
two beats, or a repeated message, submit it once."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from celery import Task
from sqlalchemy import Engine

from rulefarm.batch import BatchTerms, SourceOptions, record_batch
from rulefarm.errors import FarmUnreachable, SettingsError, SourceRejected
from rulefarm.jobs import Batch
from rulefarm.messaging import MessageSender, TaskMessage
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from tasks.retry import pause_s
from tasks.worker_context import current

log = logging.getLogger("rulefarm.tasks")

#: Seconds for which the source of a nightly is tried again: what is not there an hour later needs somebody.
RETRIED_S = 3600.0


def plan_nightly(task: Task, night: str | None = None) -> str | None:
    """Submit tonight's batch.

    Args:
        task: the running Celery task.
        night: its date, when the task is tried again, maybe after midnight. Default: today.

    Returns:
        The batch's id; None when its source is refused. Then a batch is on record that failed; if the reason may pass,
        the source is tried again by the policy of retries, for RETRIED_S.
    """
    night = night or datetime.now(UTC).date().isoformat()
    try:
        return _submit(f"nightly {night}")
    except SourceRejected as error:
        if not error.may_pass or _waited_s(task.request.retries) >= RETRIED_S:
            log.error("the nightly batch of %s failed [%s]: %s", night, error.code, error)
            return None
        reason: Exception = error
    except FarmUnreachable as error:
        reason = error
    pause = pause_s(task.request.retries)
    log.warning("the nightly batch of %s: %s; trying again in %g s", night, reason, pause)
    raise task.retry(exc=reason, countdown=pause, max_retries=None, kwargs={"night": night})


def _waited_s(retries: int) -> float:
    return sum(map(pause_s, range(retries)))


def _submit(key: str) -> str:
    context = current()
    settings = context.settings
    sender = MessageSender(context.app, limit=settings.queue_limit, has_ledger=True)
    free = sender.free_slots(queue_name(settings.nightly_domain, bulk=True))
    batch, messages = record_nightly(context.database, settings, context.rulesets, key=key, free_slots=free)
    sender.send(messages)
    log.info("nightly batch %s: %d subjects in %d chunks from %s", batch.id, batch.rows, batch.chunks, batch.source)
    return str(batch.id)


def record_nightly(
    engine: Engine,
    settings: Settings,
    rulesets: Mapping[str, LoadedRuleset],
    *,
    key: str | None,
    free_slots: int,
    strict: bool | None = None,
) -> tuple[Batch, list[TaskMessage]]:
    """Put the nightly batch on record.

    Args:
        engine: the database that it goes to.
        settings: nightly_source, nightly_domain, nightly_subject.
        rulesets: the domain's is asked for its key.
        key: the same key is the same batch; None is a new one.
        free_slots: messages that the bulk queue of the domain may still take.
        strict: whether columns have to match fields. Default: if they are not those of the last nightly that was done.

    Raises:
        SettingsError: no source is set.
        SourceRejected: the source can't be read, or its columns are refused; a batch is on record that failed.
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
        options=SourceOptions(
            subject=subject, sheet=settings.nightly_sheet, encoding=settings.nightly_encoding, decimal=None
        ),
        terms=BatchTerms(key=key, strict=bool(strict), nightly=True, takes_columns=strict is False),
    )
