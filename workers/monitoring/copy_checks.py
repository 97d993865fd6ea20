"""Whether verdicts of other regions arrive, and who fetches the own.  replication_state -> [copy_checks] -> doctor

One line a copy, and one for each region that copies from here. Says what to do, and repairs nothing. A farm whose
verdicts are not copied has none of it."""

from contextlib import ExitStack

from sqlalchemy import Engine, text

from rulefarm.database import connect, translate_errors
from rulefarm.settings import Settings
from store.replication_state import Copy, Held, ReplicationRefused, copies_of, held_for
from workers.monitoring.health_check import HealthCheck

#: Seconds, and bytes of log, from which on a copy that follows is said to be late.
_LATE_S, _LATE_BYTES = 60.0, 64 << 20
_MEBIBYTE = 1 << 20
#: Share of what may be kept for a region, from which on it is said to be much; and bytes, where there is no limit.
_MUCH, _MUCH_BYTES = 0.5, 1 << 30
#: State of a copy that does not follow, to what is so and what to do.
_STATES = {
    "interrupted": ("is interrupted", "Postgres tries again; see its log, and run 'rulefarm migrate' in both regions"),
    "stopped": ("is stopped: its subscription is disabled", "run 'rulefarm regions heal' here"),
    "lost": ("has lost its place: what was kept for it is gone", "run 'rulefarm regions heal' here: all is sent again"),
    "none": ("was not begun", "run 'rulefarm regions init' here"),
    "unpublished": ("has nothing to copy: {region} publishes nothing", "run 'rulefarm regions init' in {region}"),
    "away": ("waits: {region} does not answer", "is it running, and the line to it up? What it judged before is here"),
}  # fmt: skip


def check_copies(engine: Engine, settings: Settings) -> list[HealthCheck]:
    """How the copies of other regions' verdicts are, and what is kept here for theirs; nothing where none are copied.

    Args:
        engine: the own database.
        settings: those of one region.

    Raises:
        DatabaseUnreachable: the own database does not answer.
    """
    own, limit_s = settings.region, max(2.0, settings.region_budget_s)
    others = sorted({place.name for place in settings.regions} - {own})
    if own is None or not others:
        return []
    with ExitStack() as stack:
        peers = {}
        for name in others:
            peers[name] = connect(settings.in_region(name), silence_s=limit_s, connect_s=limit_s)
            stack.callback(peers[name].dispose)
        try:
            copies = copies_of(engine, own, peers)
        except ReplicationRefused as error:
            if error.code == "replication-not-set-up":
                return []
            return [HealthCheck("copies", "fail", error.message, error.hint)]
    most = _most_kept(engine)
    return [*map(_copy, copies), *(_held(each, most) for each in held_for(engine))]


def _copy(copy: Copy) -> HealthCheck:
    if copy.state in _STATES:
        message, hint = (each.format(region=copy.region) for each in _STATES[copy.state])
        return HealthCheck("copies", "warn", f"the copy {message}{_behind(copy)}", hint, subject=copy.region)
    if copy.state == "copying":
        return HealthCheck("copies", "ok", "what was there before is being copied", subject=copy.region)
    late = (copy.behind_s or 0.0) > _LATE_S or (copy.behind_bytes or 0) > _LATE_BYTES
    if late:
        hint = "it catches up by itself; if not, look at the line, the disk and the log of this Postgres"
        return HealthCheck("copies", "warn", f"the copy is late{_behind(copy)}", hint, subject=copy.region)
    return HealthCheck("copies", "ok", f"the copy follows{_behind(copy)}", subject=copy.region)


def _behind(copy: Copy) -> str:
    parts = [] if copy.behind_s is None else [f"{copy.behind_s:.0f} s"]
    parts += [] if copy.behind_bytes is None else [f"{copy.behind_bytes / _MEBIBYTE:.1f} MiB of log"]
    return f", {' and '.join(parts)} behind" if parts else ""


def _held(held: Held, most: int | None) -> HealthCheck:
    drop = f"or, if {held.region} is given up, run 'rulefarm regions drop' there"
    if held.kept_bytes is None:
        message = f"what was kept for {held.region} is gone: it was away for too long"
        return HealthCheck(
            "slots", "warn", message, f"run 'rulefarm regions heal' in {held.region}, {drop}", held.region
        )
    limit = "" if most is None else f" of {most / _MEBIBYTE:,.0f}"
    kept = f"{held.kept_bytes / _MEBIBYTE:,.1f}{limit} MiB of log are kept for {held.region}"
    if not held.active:
        hint = f"is {held.region} running, and the line up? Else 'rulefarm regions heal' there, {drop}"
        return HealthCheck("slots", "warn", f"nobody fetches: {kept}", hint, held.region)
    if held.kept_bytes > (_MUCH_BYTES if most is None else most * _MUCH):
        hint = f"look at the line to {held.region}, and at its Postgres; beyond the limit it has to begin anew"
        return HealthCheck("slots", "warn", kept, hint, held.region)
    return HealthCheck("slots", "ok", kept, subject=held.region)


def _most_kept(engine: Engine) -> int | None:
    """Bytes of log that are kept for one that does not fetch; None: as many as the disk holds."""
    # Postgres counts them in MB.
    setting = "select cast(setting as bigint) from pg_settings where name = 'max_slot_wal_keep_size'"
    with translate_errors(engine), engine.connect() as connection:
        megabytes = int(connection.execute(text(setting)).scalar_one())
    return None if megabytes < 0 else megabytes * _MEBIBYTE
