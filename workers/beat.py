"""Start beat, which starts what is due by the clock.  settings -> [beat] -> Celery's beat in the foreground

Beat sends one message, by its name, again and again: it loads no task, no engine and no ruleset, which spares it half
of a worker's start and of its memory. What is due is decided by whoever takes the message, not here."""

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery
from celery.schedules import schedule

from rulefarm.database import SHORT_S, FarmIdentity, connect
from rulefarm.errors import SettingsError
from rulefarm.messaging import FARM_HEADER, create_app, refuse_cluster
from rulefarm.routing import CONTROL_QUEUE, RECONCILE
from rulefarm.settings import Settings
from store.beats import BEAT_HEADER, new_name
from workers.celery_settings import CONF, check_nightly, take_from


def create_beat_app(settings: Settings) -> Celery:
    """The application of beat: the schedule, and no task.

    Args:
        settings: broker_url must be set.

    Returns:
        The application; it has no connection yet.

    Raises:
        SettingsError: no broker, or a nightly cron that is none.
    """
    check_nightly(settings)
    app = create_app(settings)
    # In a process of the farm it is no guest.
    app.set_current()
    app.conf.update(CONF)
    take_from(app, [])
    # Without `expires`: that is a moment of beat's clock, and a worker's may be ahead. What a message says of its
    # result goes before what the task says.
    name = new_name(socket.gethostname(), os.getpid())
    options: dict[str, Any] = {"queue": CONTROL_QUEUE, "ignore_result": True, "headers": {BEAT_HEADER: name}}
    entry = {"task": RECONCILE, "schedule": schedule(settings.reconcile_interval_s), "options": options}
    app.conf.beat_schedule = {"reconcile": entry}
    return app


def run_beat(settings: Settings, *, loglevel: str = "INFO") -> int:
    """Run beat until it gets SIGTERM or SIGINT.

    Args:
        settings: where the broker is, and the schedule.
        loglevel: of its log.

    Returns:
        The exit code.

    Raises:
        SettingsError: a setting makes no sense, or the home can't be written to.
    """
    app = create_beat_app(settings)
    refuse_cluster(app)
    if settings.database_url:
        database = connect(settings, silence_s=SHORT_S)
        app.conf.beat_schedule["reconcile"]["options"]["headers"] |= _headers(FarmIdentity(database))
        database.dispose()
    kept: Path = settings.home / "beat-schedule"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        raise SettingsError(
            "home-not-writable",
            f"beat can't write to {settings.home}: {error.strerror}",
            "set RULEFARM_HOME to a folder that this user may write to",
        ) from None
    # What `celery beat` does, without its command line: that would load all other commands of Celery, and Flower.
    app.Beat(schedule=str(kept), loglevel=loglevel, quiet=True).run()
    return 0


def _headers(farm_id: FarmIdentity) -> dict[str, str]:
    found = farm_id()
    return {FARM_HEADER: found} if found else {}
