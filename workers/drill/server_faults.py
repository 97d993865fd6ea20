"""Faults of broker and database: wiped, killed, cut off, frozen, full.  DrillContext -> [server_faults] -> them"""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil
import redis

from workers.drill.context import DrillContext, Fault, Injection

#: Seconds for which a server answers that it can't; and for which it says nothing, longer than anybody waits for it.
_OUTAGE_S, _SILENCE_S = 5.0, 11.0
#: The sessions of workers and producers.
_OWN_SESSIONS = (
    "from pg_stat_activity"
    " where pid <> pg_backend_pid() and application_name = 'rulefarm' and datname = current_database()"
)


def wipe_broker(context: DrillContext) -> Injection:
    """All messages, bindings and results."""
    with context.broker() as broker:
        lost = sum(int(broker.llen(name)) for name in context.queues())
        held = int(broker.hlen("unacked"))
        broker.flushall()
    return Injection(f"{lost:,} messages that waited, {held:,} that were held")


def kill_broker(context: DrillContext) -> Injection:
    """The process of the broker; the farm starts it again on what it had written."""
    pid = context.server_pid("valkey")
    os.kill(pid, signal.SIGKILL)
    context.wait_for(lambda: context.server_pid("valkey") != pid and broker_answers(context), "Valkey is not back", 60)
    return Injection(f"process {pid}")


def kill_postgres(context: DrillContext) -> Injection:
    """The main process of Postgres; its sessions die with it, and it recovers from its log."""
    pid = context.server_pid("postgres")
    os.kill(pid, signal.SIGKILL)
    context.wait_for(lambda: context.server_pid("postgres") != pid, "Postgres is not back", 60)
    context.sql("select 1")
    return Injection(f"process {pid}")


def cut_sessions(context: DrillContext) -> Injection:
    """Every session of workers and producers."""
    [(cut,)] = context.sql(f"select count(pg_terminate_backend(pid)) {_OWN_SESSIONS}")
    return Injection(f"{cut} sessions")


def freeze_postgres(context: DrillContext) -> Injection:
    """All of Postgres stands still: its kernel takes connections and what is sent over them, and nobody answers."""
    main = psutil.Process(context.server_pid("postgres"))
    # Its main process first, which would start another for each that asks; it knows them all once it stands still.
    with _frozen([main]), _frozen(main.children(recursive=True)):
        time.sleep(_SILENCE_S)
    context.sql("select 1")
    return Injection(f"silent for {_SILENCE_S:g} s")


def freeze_sessions(context: DrillContext) -> Injection:
    """Every session stands still and new ones are answered: as behind a proxy that has lost its server, or after an
    address has moved to another host."""
    sessions = [psutil.Process(pid) for (pid,) in context.sql(f"select pid {_OWN_SESSIONS}")]
    with _frozen(sessions):
        time.sleep(_SILENCE_S)
    return Injection(f"{len(sessions)} sessions, for {_SILENCE_S:g} s")


def make_read_only(context: DrillContext) -> Injection:
    """As in a failover: every session is cut, and those that follow find a server that takes no writes."""
    [(name,)] = context.sql("select quote_ident(current_database())")
    context.sql(f"alter database {name} set default_transaction_read_only = on")
    cut_sessions(context)
    time.sleep(_OUTAGE_S)
    context.sql(f"begin; set transaction read write; alter database {name} reset default_transaction_read_only; commit")
    return Injection(f"no writes for {_OUTAGE_S:g} s")


def fill_broker(context: DrillContext) -> Injection:
    """No memory left: every write is answered with OOM."""
    with context.broker() as broker:
        policy = broker.config_get("maxmemory-policy")["maxmemory-policy"]
        broker.config_set("maxmemory-policy", "noeviction")
        broker.config_set("maxmemory", "1")
        time.sleep(_OUTAGE_S)
        broker.config_set("maxmemory", "0")
        broker.config_set("maxmemory-policy", policy)
    return Injection(f"no memory for {_OUTAGE_S:g} s")


def make_replica(context: DrillContext) -> Injection:
    """As in a failover to another broker: this one becomes a replica, which takes no writes."""
    with context.broker() as broker:
        broker.replicaof("127.0.0.1", "1")
        time.sleep(_OUTAGE_S)
        broker.replicaof("NO", "ONE")
    return Injection(f"a replica for {_OUTAGE_S:g} s")


@contextmanager
def _frozen(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Processes stand still for as long as a block lasts."""
    stopped = []
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
                stopped.append(process)
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def broker_answers(context: DrillContext) -> bool:
    """Whether the broker answers."""
    try:
        with context.broker() as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


FAULTS = (
    Fault("wipe", "wipe the broker: FLUSHALL", wipe_broker, pause_factor=2),
    Fault("broker", "kill -9 the broker", kill_broker, takes_s=1, pause_factor=2),
    Fault("postgres", "kill -9 Postgres", kill_postgres, takes_s=2, pause_factor=2),
    Fault("sessions", "cut every database session", cut_sessions),
    Fault(
        "silent",
        "freeze Postgres: it takes connections and says nothing",
        freeze_postgres,
        takes_s=_SILENCE_S,
        pause_factor=2,
    ),
    Fault(
        "halfopen",
        "freeze every database session, and answer new ones",
        freeze_sessions,
        takes_s=_SILENCE_S,
        pause_factor=2,
    ),
    Fault("readonly", "make Postgres read-only, as in a failover", make_read_only, takes_s=_OUTAGE_S, pause_factor=2),
    Fault("full", "leave the broker no memory", fill_broker, takes_s=_OUTAGE_S, pause_factor=2),
    Fault("replica", "make the broker a replica", make_replica, takes_s=_OUTAGE_S, pause_factor=2),
)
