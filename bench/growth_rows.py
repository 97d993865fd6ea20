"""Closed jobs and their verdicts, as a farm of some months leaves them.  a size -> [growth_rows] -> Postgres

Laid down by Postgres itself, which is ten times as fast as judging them. Over the last ninety days, evenly, the newest
just now; facts of 300 bytes and one reason each. Beside them, for whoever asks, batches, dead letters, and jobs that
are still to be judged."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from store.health import clock_of
from store.partitions import ensure_partitions

#: Days that the rows are spread over, and rows of a transaction.
_DAYS, _PORTION = 90, 50_000
# The job and its verdict in one statement: to find the jobs again takes a quarter as long as to write both.
_JUDGED_JOBS = text(f"""
    with laid as (
        insert into jobs (id, domain, subject, facts, as_of, state, enqueued_at, resend_at)
        select gen_random_uuid(), :domain, 'laid-' || n,
               jsonb_build_object('Order', jsonb_build_object('total', n % 1000, 'note', repeat(md5(n::text), 7))),
               moment, 'done', moment, moment
        from generate_series(cast(:first as int), cast(:last as int)) n,
             lateral (select cast(:now as timestamptz) - interval '{_DAYS} days' * (1 - n::float / :size) as moment) at
        returning *, cast(split_part(subject, '-', 2) as int) as n)
    insert into verdicts (id, enqueued_at, domain, subject, outcome, fired, reasons, changes, ruleset_digest,
                          facts_digest, as_of, worker, evaluated_at, micros)
    select id, enqueued_at, domain, subject, (array['accept', 'accept', 'review', 'reject'])[1 + n % 4],
           array['LargeOrder', 'NewCustomer'],
           jsonb_build_array(jsonb_build_object('rule', 'LargeOrder', 'outcome', 'review', 'code', null,
                                                'text', 'the order is larger than a new customer may place')),
           jsonb_build_object('Order.band', 'high'), repeat('d', 64), md5(subject) || md5(subject), as_of,
           'worker@host', enqueued_at + interval '20 ms', 250
    from laid""")
_BATCHES = text("""
    insert into batches (id, domain, source, rows, records, refused, judged, chunks, as_of, state, enqueued_at,
                         finished_at)
    select gen_random_uuid(), :domain, 'laid-' || n || '.parquet', :size, :size, 0, :size, 1, moment, 'done', moment,
           moment + interval '9 seconds'
    from generate_series(1, :count) n, lateral (select now() - interval '1 day' * (:count - n) as moment) at""")
_OF_BATCHES = text("""
    insert into verdicts (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest,
                          facts_digest, as_of, worker, evaluated_at, micros)
    select gen_random_uuid(), b.enqueued_at, b.domain, v.subject, b.id, v.outcome, v.fired, v.reasons, v.changes,
           v.ruleset_digest, v.facts_digest, b.as_of, v.worker, b.finished_at, v.micros
    from batches b, lateral (select * from verdicts where domain = :domain and batch is null limit :size) v""")
_COUNTED = text("""
    update batches b set outcomes = (select jsonb_object_agg(outcome, number) from (
        select outcome, count(*) as number from verdicts where batch = b.id group by outcome) counted)
    where domain = :domain""")
_LETTERS = text("""
    insert into dead_letters (id, kind, domain, subject, code, reason, worker, attempts, died_at)
    select id, 'job', domain, subject, 'worker-died', 'the process that judged it died', 'worker@host', 3, enqueued_at
    from jobs where domain = :domain and subject = any (select 'laid-' || n from generate_series(1, :count) n)""")
_OPEN = text("""
    insert into jobs (id, domain, subject, facts, as_of, state, times_sent)
    select gen_random_uuid(), :domain, :name || '-' || n, cast(:facts as jsonb) -> (n % :kinds), now(), 'open', 0
    from generate_series(1, :size) n""")


def lay_down(engine: Engine, domain: str, size: int) -> None:
    """Replace whatever is on record by closed jobs with their verdicts.

    Args:
        engine: the database; nobody works in it meanwhile.
        domain: of the jobs.
        size: how many.
    """
    now = clock_of(engine)
    with engine.begin() as connection:
        connection.execute(text("truncate jobs, verdicts, dead_letters, chunks, batches"))
        ensure_partitions(connection, now - timedelta(days=_DAYS + 10))
    for first in range(0, size, _PORTION):
        values = {"domain": domain, "size": size, "now": now, "first": first, "last": min(first + _PORTION, size) - 1}
        with engine.begin() as connection:
            connection.execute(_JUDGED_JOBS, values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As autovacuum does it, some minutes later.
        connection.execute(text("vacuum (analyze) jobs, verdicts"))


def lay_batches(engine: Engine, domain: str, count: int, size: int) -> None:
    """Add batches that are judged, one a day, the newest just now, and as many dead letters.

    Args:
        engine: the database, in which jobs are laid down.
        domain: of the batches.
        count: how many.
        size: rows of each, at most as many as there are jobs.
    """
    with engine.begin() as connection:
        connection.execute(_BATCHES, {"domain": domain, "count": count, "size": size})
        connection.execute(_OF_BATCHES, {"domain": domain, "size": size})
        # As the last chunk of each counts them.
        connection.execute(_COUNTED, {"domain": domain})
        connection.execute(_LETTERS, {"domain": domain, "count": count})


def lay_open(engine: Engine, domain: str, facts: Sequence[Mapping[str, Any]], size: int, *, name: str) -> None:
    """Add jobs that nobody has judged, and of which no message tells.

    Args:
        engine: the database; workers may work in it.
        domain: of the jobs.
        facts: of the jobs, in turns.
        size: how many.
        name: begins their keys: other names are other jobs.
    """
    values = {"domain": domain, "name": name, "facts": json.dumps(facts), "kinds": len(facts), "size": size}
    with engine.begin() as connection:
        connection.execute(_OPEN, values)
