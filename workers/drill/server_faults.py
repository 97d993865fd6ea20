"""Faults of broker and database: wiped, killed, sessions cut.  DrillContext -> [server_faults] -> Valkey, Postgres"""

import os
import signal

import redis

from workers.drill.context import DrillContext, Fault, Injection


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
    context.wait_for(lambda: context.server_pid("valkey") != pid and _broker_answers(context), "Valkey is not back", 60)
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
    [(cut,)] = context.sql(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where pid <> pg_backend_pid() and application_name = 'rulefarm' and datname = current_database()"
    )
    return Injection(f"{cut} sessions")


def _broker_answers(context: DrillContext) -> bool:
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
)
