"""Carry out a nightly duty.  duty row, configured source -> [nightly] -> batch and chunk rows -> messages

A task on the bulk queue of its domain, sent by the reconciler when the duty is due; `rulefarm nightly run` submits the
same batch without a duty. The instant that it was due is the key of the batch, and what it is judged at: carried out
twice it is one batch, and one that is taken after midnight is still that of the night before. Waits for nothing: what
can't be done now is sent again by the reconciler, until it expires."""

import logging
from collections.abc import Mapping
from datetime import datetime

from celery import Task
from sqlalchemy import Engine

from rulefarm.batch import BatchTerms, SourceOptions, record_batch
from rulefarm.errors import FarmUnreachable, RulefarmError, SettingsError, SourceRejected
from rulefarm.jobs import Batch
from rulefarm.messaging import MessageSender, TaskMessage
from rulefarm.routing import queue_name
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.cron import Cron
from store.duties import NIGHTLY_DUTY, NO_SOURCE, Duty, add, close, find, note_failure, note_start
from tasks.duty_messages import night_of
from tasks.retry import pause_s
from tasks.worker_context import WorkerContext, current

log = logging.getLogger("rulefarm.tasks")

#: Seconds between two tries at a source that may come at most: reading half of a large one costs something.
_LONGEST_PAUSE_S = 60.0
#: Seconds that Postgres's clock may be behind that of a beat of the release before, which says itself what is due.
_BEAT_AHEAD_S = 60.0


def plan_nightly(task: Task, night: str | None = None) -> str | None:
    """Submit the batch of a night.

    Args:
        task: the running Celery task.
        night: the instant that it was due. What the release before sends, its date or nothing, is the last there was.

    Returns:
        The batch's id; None when there is none: it is for others, done or expired already, its source is refused, or
        Postgres is away. Then its row says so, and the reconciler sends it again while that may pass.
    """
    context = current()
    try:
        duty = _duty(context, night)
        return None if duty is None else _carry_out(context, duty)
    except FarmUnreachable as error:
        log.warning("the nightly batch of %s: %s; the reconciler sends it again", night or "tonight", error)
        return None


def _duty(context: WorkerContext, night: str | None) -> Duty | None:
    settings, due_at = context.settings, _instant(night)
    if settings.nightly_source is None:
        log.warning("a nightly batch is due, and this worker has no RULEFARM_NIGHTLY_SOURCE: another may have one")
        _note_no_source(context, due_at)
        return None
    if due_at is None:
        cron = Cron(settings.nightly_cron)
        last = add(context.database, NIGHTLY_DUTY, settings.nightly_domain, cron, ahead_s=_BEAT_AHEAD_S)
        return None if last.state == "done" else last
    duty = find(context.database, NIGHTLY_DUTY, settings.nightly_domain, due_at)
    if duty is None or duty.state != "open":
        log.info("the nightly batch of %s is %s", night, "not ours" if duty is None else duty.state)
        return None
    return duty


def _note_no_source(context: WorkerContext, due_at: datetime | None) -> None:
    if due_at is None:
        return
    for domain in context.rulesets:
        duty = find(context.database, NIGHTLY_DUTY, domain, due_at)
        if duty is not None:
            pause, reason = pause_s(duty.attempts, longest_s=_LONGEST_PAUSE_S), "a worker of its domain has no source"
            note_failure(context.database, duty, code=NO_SOURCE, reason=reason, pause_s=pause)


def _instant(night: str | None) -> datetime | None:
    """The instant that a night is called by; None: it is not called by one."""
    try:
        moment = datetime.fromisoformat(night or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _carry_out(context: WorkerContext, duty: Duty) -> str | None:
    engine, settings, night = context.database, context.settings, night_of(duty)
    # It sends chunks, whose messages are counted.
    sender = MessageSender(context.app, limit=settings.queue_limit, count_open=lambda _: 0)
    free = sender.free_slots(queue_name(duty.domain, bulk=True))
    note_start(engine, duty)
    try:
        batch, messages = record_nightly(
            engine,
            settings,
            context.rulesets,
            key=f"nightly {night}",
            as_of=duty.due_at,
            free_slots=free,
        )
    except FarmUnreachable:
        raise
    except Exception as error:
        may_pass = error.may_pass if isinstance(error, SourceRejected) else True
        pause = pause_s(duty.attempts, longest_s=_LONGEST_PAUSE_S) if may_pass else None
        code = error.code if isinstance(error, RulefarmError) else "unexpected-error"
        note_failure(engine, duty, code=code, reason=str(error), pause_s=pause)
        if not isinstance(error, SourceRejected):
            raise
        then = "it is not tried again" if pause is None else f"trying again in {pause:g} s"
        log.log(
            logging.ERROR if pause is None else logging.WARNING,
            "the nightly batch of %s failed [%s]: %s; %s", night, code, error, then,
        )  # fmt: skip
        return None
    # Before the messages: without them the reconciler sends the chunks, but a duty that stays open is read again.
    close(engine, duty, batch.id)
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
    as_of: datetime | None = None,
    strict: bool | None = None,
) -> tuple[Batch, list[TaskMessage]]:
    """Put the nightly batch on record.

    Args:
        engine: the database that it goes to.
        settings: nightly_source, nightly_domain, nightly_subject.
        rulesets: the domain's is asked for its key.
        key: the same key is the same batch; None is a new one.
        free_slots: messages that the bulk queue of the domain may still take.
        as_of: the instant to judge at. Default: now.
        strict: whether columns have to match fields. Default: if they are not those of the last nightly that was done.

    Raises:
        SettingsError: no source is set.
        SourceRejected: the source can't be read, or its columns are refused; a batch is on record that failed.
    """
    if settings.nightly_source is None:
        raise SettingsError(NO_SOURCE, "no source for the nightly batch", "set RULEFARM_NIGHTLY_SOURCE")
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
        terms=BatchTerms(key=key, as_of=as_of, strict=bool(strict), nightly=True, takes_columns=strict is False),
    )
