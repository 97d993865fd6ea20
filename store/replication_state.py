"""How verdicts of other regions are copied.  regions' databases -> [replication_state] -> replication, regions status

What Postgres says of its subscriptions, and the regions of what they keep; and how all that is called. Only reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from rulefarm.database import translate_errors
from rulefarm.errors import DatabaseUnreachable, RulefarmError
from store.region_tables import region_tables

_SUBSCRIPTION = (
    "select subenabled as enabled, subslotname as slot, pid is not null as works,"
    " exists(select from pg_subscription_rel where srsubid = s.oid and srsubstate not in ('s', 'r')) as copying,"
    # Of what was begun somebody is at it, unless it failed; what was not is begun any moment.
    " exists(select from pg_subscription_rel where srsubid = s.oid and srsubstate not in ('i', 's', 'r'))"
    " and not exists(select from pg_stat_subscription f where f.subid = s.oid and f.pid is not null"
    " and f.worker_type = 'table synchronization') as failing"
    " from pg_subscription s left join pg_stat_subscription w on w.subid = s.oid and w.worker_type = 'apply'"
    " where subdbid = (select oid from pg_database where datname = current_database()) and s.subname = :name"
)
_PEER = (
    "select (select left(cast(uuid as text), 8) from farm) as farm,"
    " exists(select from pg_publication where pubname = :name) as published,"
    " (select max(evaluated_at) from verdicts) as newest,"
    " (select min(evaluated_at) from verdicts where evaluated_at > cast(:have as timestamptz)) as missing"
)
_SLOT = (
    "select active, coalesce(wal_status, '') = 'lost' as lost,"
    " pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) as behind"
    " from pg_replication_slots where slot_name = :slot"
)
_HELD = (
    # Of one that was given up for being idle, Postgres still shows from where on it was kept.
    "select slot_name as slot, active, case when wal_status = 'lost' then null"
    " else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end as bytes"
    " from pg_replication_slots where database = current_database() and slot_name like :ours order by 1"
)


class ReplicationRefused(RulefarmError):
    """Postgres can't copy verdicts from region to region, or is not set up so that it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """How the copy of another region's verdicts is."""

    region: str
    #: following, copying (what was there before), interrupted (Postgres tries again by itself), stopped, lost (its
    #: region has dropped what was kept for it), none (nothing is copied yet), unpublished (its region publishes
    #: nothing), away (its region does not answer).
    state: str
    #: Bytes of its region's log that are still to come; None: nobody knows.
    behind_bytes: int | None = None
    #: Seconds that the verdicts which are still to come span, from the first to the newest there: after a quiet hour
    #: the next one is no hour behind. None: nobody knows.
    behind_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "region": self.region,
            "state": self.state,
            "behind_bytes": self.behind_bytes,
            "behind_s": self.behind_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the own region keeps for another that copies its verdicts."""

    region: str
    #: Whether it is connected.
    active: bool
    #: Bytes of the own log that are kept for it; None: it was away for too long, and has to begin anew.
    kept_bytes: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"region": self.region, "active": self.active, "kept_bytes": self.kept_bytes}


def has_subscription(connection: Connection, region: str) -> bool:
    """Whether a database subscribes to what a region publishes.

    Args:
        connection: to the database.
        region: another.
    """
    return connection.execute(text(_SUBSCRIPTION), {"name": stream_name(region)}).one_or_none() is not None


def copies_of(engine: Engine, own: str, peers: Mapping[str, Engine]) -> list[Copy]:
    """How the copy of each other region's verdicts is.

    Args:
        engine: the own database.
        own: the own region.
        peers: the databases of the others.

    Raises:
        ReplicationRefused: `replication-not-set-up`, `region-differs`.
        DatabaseUnreachable: the own database does not answer.
    """
    return [_copy(engine, own, region, peer) for region, peer in peers.items() if _is_set_up(engine, own)]


def regions_on_record(engine: Engine) -> set[str]:
    """The regions of which a database has all verdicts, as far as they have arrived; none, if nothing was set up.

    Args:
        engine: the database.

    Raises:
        DatabaseUnreachable: no answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        found = region_tables(connection)
        if found.own is None:
            return set()
        return {found.own} | {region for region in found.copies if _has_begun(connection, region)}


def held_for(engine: Engine) -> list[Held]:
    """What the own region keeps for others.

    Raises:
        DatabaseUnreachable: the own database does not answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        rows = connection.execute(text(_HELD), {"ours": slot_name("%", short_id(connection))}).all()
    return [
        Held(region=row.slot.split("_")[1], active=row.active, kept_bytes=None if row.bytes is None else int(row.bytes))
        for row in rows
    ]


def _has_begun(connection: Connection, region: str) -> bool:
    """Whether all is copied that was there when copying began."""
    ours = connection.execute(text(_SUBSCRIPTION), {"name": stream_name(region)}).one_or_none()
    return ours is not None and not ours.copying


def _copy(engine: Engine, own: str, region: str, peer: Engine) -> Copy:
    with translate_errors(engine), engine.connect() as connection:
        ours = connection.execute(text(_SUBSCRIPTION), {"name": stream_name(region)}).one_or_none()
        has_place = region in region_tables(connection).copies
        newest: datetime | None = None
        if has_place:
            newest = connection.execute(text(f"select max(evaluated_at) from verdicts_{region}")).scalar()
    try:
        with translate_errors(peer), peer.connect() as connection:
            there = connection.execute(text(_PEER), {"name": stream_name(region), "have": newest}).one()
            slot = connection.execute(text(_SLOT), {"slot": slot_name(own, there.farm)}).one_or_none()
    except DatabaseUnreachable:
        return Copy(region=region, state="stopped" if ours is not None and not ours.enabled else "away")
    if not there.published:
        return Copy(region=region, state="unpublished")
    if ours is None or not has_place:
        return Copy(region=region, state="none")
    behind_s: float | None = None
    if there.missing is not None:
        behind_s = float((there.newest - there.missing).total_seconds())
    elif there.newest is None or newest is not None:
        behind_s = 0.0
    behind_bytes = int(slot.behind) if slot and slot.behind is not None else None
    if slot is None or slot.lost or ours.slot != slot_name(own, there.farm):
        state = "lost"
    elif not ours.enabled:
        state = "stopped"
    elif ours.copying:
        state = "interrupted" if ours.failing else "copying"
    else:
        state = "following" if ours.works and slot.active else "interrupted"
    return Copy(region=region, state=state, behind_bytes=behind_bytes, behind_s=behind_s)


def _is_set_up(engine: Engine, own: str) -> bool:
    with translate_errors(engine), engine.connect() as connection:
        found = region_tables(connection).own
    if found is None:
        raise ReplicationRefused(
            "replication-not-set-up", "verdicts are not copied between regions", "run 'rulefarm regions init'"
        )
    if found != own:
        raise differs(found, own)
    return True


def differs(found: str, own: str) -> ReplicationRefused:
    """What is said of a database that is another region's.

    Args:
        found: that region.
        own: which it was taken for.
    """
    return ReplicationRefused(
        "region-differs", f"this database is region {found}, not {own}", "see RULEFARM_REGION, and which farm this is"
    )


def short_id(connection: Connection) -> str:
    """The beginning of a farm's id."""
    return str(connection.execute(text("select left(cast(uuid as text), 8) from farm")).scalar_one())


def stream_name(region: str) -> str:
    """Of the publication of a region, and of the subscription to it."""
    return f"rulefarm_{region}"


def slot_name(subscriber: str, farm: str) -> str:
    """Of what a region keeps for another. Farms that share a server keep theirs apart.

    Args:
        subscriber: the other.
        farm: from `short_id`, of the region that keeps it.
    """
    return f"rulefarm_{subscriber}_{farm}"
