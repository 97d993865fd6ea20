"""Verdicts copied from region to region.  regions' databases -> [replication] -> `rulefarm regions`, doctor

Postgres's own logical replication: each region publishes its own verdicts and nothing else, and subscribes to those of
each other region, so nothing goes round and no row has two writers. Works on one region, the own: of the others it only
asks. What tables there are is for `store.region_tables` to say."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from rulefarm.database import translate_errors
from rulefarm.errors import DatabaseUnreachable
from store.partitions import ensure_partitions
from store.region_tables import (
    add_copy,
    add_own,
    drop_copy,
    drop_own,
    drop_union,
    make_union,
    region_tables,
)
from store.replication_state import (
    ReplicationRefused,
    copies_of,
    differs,
    has_subscription,
    short_id,
    slot_name,
    stream_name,
)
from store.schema_changes import LOCK_S, schema_change

#: Seconds that Postgres waits for the Postgres of another region to take a connection.
_CONNECT_S = 10
#: Times that what is kept for somebody is dropped, if somebody begins to take it meanwhile.
_TRIES = 3


def set_up(engine: Engine, own: str, peers: Mapping[str, Engine], *, lock_s: float = LOCK_S) -> None:
    """Publish the own verdicts, make a place for those of the others, and copy what they publish. Safe to repeat.

    Args:
        engine: the own database.
        own: the own region.
        peers: the databases of the others, as the own Postgres reaches them, too.
        lock_s: seconds to wait for whoever uses the table of verdicts, which is held for a moment.

    Raises:
        ReplicationRefused: `replication-off`: Postgres does not keep what others would need; `region-differs`;
            `replication-refused`.
        TablesBusy: nothing was changed.
        DatabaseUnreachable: the own database does not answer.
    """
    with schema_change(engine, lock_s, "rulefarm regions init") as connection:
        if connection.execute(text("show wal_level")).scalar_one() != "logical":
            raise ReplicationRefused(
                "replication-off",
                "this Postgres does not keep what other regions would copy",
                "set wal_level = logical and restart it; an embedded one: set RULEFARM_REGION and restart the farm",
            )
        found = region_tables(connection)
        if found.own not in (None, own):
            raise differs(str(found.own), own)
        if found.own is None:
            add_own(connection, own)
        for region in peers:
            if region not in found.copies:
                add_copy(connection, region)
        ensure_partitions(connection)
        make_union(connection)
        published = text("select exists(select from pg_publication where pubname = :name)")
        if not connection.execute(published, {"name": stream_name(own)}).scalar_one():
            with _refused(own):
                connection.exec_driver_sql(
                    f"create publication {stream_name(own)} for table verdicts_{own}"
                    " with (publish = 'insert', publish_via_partition_root = true)"
                )
    heal(engine, own, peers)


def heal(engine: Engine, own: str, peers: Mapping[str, Engine]) -> list[tuple[str, str]]:
    """Have every copy go on that does not: begin it, start it, or begin it anew, which adds what is missing.

    Args:
        engine: the own database.
        own: the own region.
        peers: the databases of the others.

    Returns:
        Region and what was done.

    Raises:
        ReplicationRefused: it was never set up, or Postgres refuses.
        DatabaseUnreachable: the own database does not answer.
    """
    done = []
    for copy in copies_of(engine, own, peers):
        region = copy.region
        if copy.state == "stopped":
            _alone(engine, region, f"alter subscription {stream_name(region)} enable")
            done.append((region, "started"))
        elif copy.state == "lost":
            _unsubscribe(engine, region)
            _subscribe(engine, own, region, peers[region])
            done.append((region, "begun anew"))
        elif copy.state == "none":
            _subscribe(engine, own, region, peers[region])
            done.append((region, "begun"))
    return done


def take_down(engine: Engine, peers: Mapping[str, Engine], *, lock_s: float = LOCK_S) -> None:
    """Drop the copies and what they were made by. The own verdicts stay as they are.

    Args:
        engine: the own database.
        peers: the databases of the others.
        lock_s: as for `set_up`.

    Raises:
        TablesBusy: copies are no longer written, but still there.
        DatabaseUnreachable: the own database does not answer.
    """
    with translate_errors(engine), engine.connect() as connection:
        found = region_tables(connection)
    for region in found.copies:
        _unsubscribe(engine, region)
        if region in peers and found.own is not None:
            with suppress(DatabaseUnreachable):
                _drop_slots(peers[region], found.own)
    # Nobody can follow what is no longer published: what is kept for them would only grow.
    _drop_slots(engine, "%")
    with schema_change(engine, lock_s, "rulefarm regions drop") as connection:
        drop_union(connection)
        for region in found.copies:
            drop_copy(connection, region)
        if found.own is not None:
            connection.exec_driver_sql(f"drop publication if exists {stream_name(found.own)}")
            drop_own(connection, found.own)


def _subscribe(engine: Engine, own: str, region: str, peer: Engine) -> None:
    # Of a copy that was given up.
    slot = _drop_slots(peer, own)
    url = peer.url.set(drivername="postgresql").update_query_dict({"connect_timeout": str(_CONNECT_S)})
    _alone(
        engine,
        region,
        f"create subscription {stream_name(region)} connection %(url)s publication {stream_name(region)}"
        f" with (slot_name = '{slot}', origin = none, copy_data = true)",
        {"url": url.render_as_string(hide_password=False)},
    )


def _unsubscribe(engine: Engine, region: str) -> None:
    """Stop a copy. What its region keeps for it stays, for that region may be away."""
    name = stream_name(region)
    with translate_errors(engine), engine.connect() as connection:
        if not has_subscription(connection, region):
            return
    for change in (
        "alter subscription {} disable",
        "alter subscription {} set (slot_name = none)",
        "drop subscription {}",
    ):
        _alone(engine, region, change.format(name))


def _drop_slots(engine: Engine, subscriber: str) -> str:
    """Have a region keep nothing any more for another, or for all; gives the name of what it kept."""
    for _ in range(_TRIES - 1):
        try:
            return _drop_slots_once(engine, subscriber)
        except DatabaseUnreachable as error:
            # Who copies comes back by itself every few seconds: it may have done so in between.
            if error.code != "database-busy":
                raise
    return _drop_slots_once(engine, subscriber)


def _drop_slots_once(engine: Engine, subscriber: str) -> str:
    with translate_errors(engine), engine.begin() as connection:
        slots = " from pg_replication_slots where database = current_database() and slot_name like :slot"
        slot = slot_name(subscriber, short_id(connection))
        # Its reader may not have noticed yet that nobody takes what it reads.
        connection.execute(
            text(f"select pg_terminate_backend(active_pid, 5000){slots} and active"), {"slot": slot}
        ).all()
        for name in connection.execute(text(f"select slot_name{slots} and not active"), {"slot": slot}).scalars().all():
            connection.execute(text("select pg_drop_replication_slot(:slot)"), {"slot": name})
    return slot


def _alone(engine: Engine, region: str, statement: str, values: Mapping[str, Any] | None = None) -> None:
    """Run what takes no transaction: it does something in another database."""
    with translate_errors(engine), engine.connect() as connection, _refused(region):
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.exec_driver_sql(statement, dict(values) if values else None)


@contextmanager
def _refused(region: str) -> Iterator[None]:
    """Say in words of this page what Postgres does not do for the copies of a region."""
    try:
        yield
    except DBAPIError as error:
        # Its own words are those of a server that answers, also of one that can't reach another.
        if getattr(error.orig, "pgcode", None) is None:
            raise
        raise ReplicationRefused(
            "replication-refused",
            f"Postgres does not copy verdicts of region {region}: {str(error.orig).strip().splitlines()[0]}",
            "docs/regions.md says what its user may need, and how it reaches the other region",
        ) from error
