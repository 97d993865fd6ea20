"""Faults of the servers: wiped, killed, sessions cut.  [outages] -> the drill's own broker and database"""

import os
import signal

import redis

from workers.drill.context import DrillContext, Fault, Injection


def wipe_broker(ground: DrillContext) -> Injection:
    """All messages, bindings and results."""
    with ground.broker() as broker:
        lost = sum(int(broker.llen(name)) for name in ground.queues())
        held = int(broker.hlen("unacked"))
        broker.flushall()
    return Injection(f"{lost:,} messages that waited, {held:,} that were held")


def kill_broker(ground: DrillContext) -> Injection:
    """The process of the broker; the farm starts it again on what it had written."""
    pid = ground.server("valkey")
    os.kill(pid, signal.SIGKILL)
    ground.until(lambda: ground.server("valkey") != pid and _broker_answers(ground), "Valkey is not back", 60)
    return Injection(f"process {pid}")


def kill_postgres(ground: DrillContext) -> Injection:
    """The main process of Postgres; its sessions die with it, and it recovers from its log."""
    pid = ground.server("postgres")
    os.kill(pid, signal.SIGKILL)
    ground.until(lambda: ground.server("postgres") != pid, "Postgres is not back", 60)
    ground.sql("select 1")
    return Injection(f"process {pid}")


def cut_sessions(ground: DrillContext) -> Injection:
    """Every session of workers and producers."""
    [(cut,)] = ground.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where pid <> pg_backend_pid() and application_name = 'rulefarm' and datname = current_database()"
    )
    return Injection(f"{cut} sessions")


def _broker_answers(ground: DrillContext) -> bool:
    try:
        with ground.broker() as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


FAULTS = (
    Fault("wipe", "wipe the broker: FLUSHALL", wipe_broker, quiet=2),
    Fault("broker", "kill -9 the broker", kill_broker, takes_s=1, quiet=2),
    Fault("postgres", "kill -9 Postgres", kill_postgres, takes_s=2, quiet=2),
    Fault("sessions", "cut every database session", cut_sessions),
)
