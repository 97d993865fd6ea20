"""Many jobs into their table at once.  ledger -> [many_jobs] -> jobs

By COPY into a temporary table, and one statement: rows that come for as long as a producer makes them would be in the
way of every claim, if they were among the jobs already. Jobs are made while Postgres takes those before them: to make
them takes a producer as long as to take them does Postgres. Writes all or none, and leaves what is there as it is."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count, islice
from typing import Any

from sqlalchemy import Engine, text

from rulefarm.database.copy import copy_rows
from rulefarm.database.silence import allow_long
from rulefarm.jobs import Job

#: Jobs on their way into the table: what differs from one to the other.
_CREATE_INCOMING = "create temporary table incoming (id uuid, subject text, facts jsonb, sent boolean) on commit drop"
# Not DO NOTHING: only an updated row is returned. Of those the ones that were there already, for the caller needs
# their first instants; the others have the ones that they were sent with.
_TAKE_IN = (
    "with taken as (insert into jobs"
    " (id, domain, subject, facts, as_of, bulk, enqueued_at, times_sent, traceparent, digest, resend_at)"
    " select id, :domain, subject, facts, :as_of, true, :enqueued_at, sent::integer, :traceparent, :digest,"
    " case when sent then now() + :grace else now() end from incoming"
    " on conflict (id) do update set id = excluded.id returning id, as_of, enqueued_at)"
    " select * from taken where as_of <> :as_of or enqueued_at <> :enqueued_at"
)


def take_in(
    engine: Engine,
    new: Iterator[tuple[Job, str]],
    made: list[tuple[Job, str]],
    terms: Mapping[str, Any],
    *,
    sent: int,
    grace: timedelta,
) -> dict[uuid.UUID, tuple[datetime, datetime]]:
    """Write the rows of bulk jobs, in one transaction.

    Args:
        engine: the database.
        new: jobs of one domain and one moment, with their canonical facts.
        made: those before them; whatever is taken from `new` is added, so that it can be tried again.
        terms: domain, as_of, enqueued_at, traceparent and digest of all.
        sent: for how many of them, from the first on, a message is sent.
        grace: how long the reconciler leaves those alone.

    Returns:
        Of those that were there already, by their ids: as of when they are judged, and when they were submitted.

    Raises:
        sqlalchemy.exc.DBAPIError, psycopg2.Error: nothing was written; likewise whatever who makes them raises.
    """
    with engine.begin() as connection:
        allow_long(connection)
        connection.execute(text(_CREATE_INCOMING))
        copy_rows(connection, "incoming", ("id", "subject", "facts", "sent"), _incoming(made, new, sent))
        rows = connection.execute(text(_TAKE_IN), {**terms, "grace": grace})
        return {row.id: (row.as_of, row.enqueued_at) for row in rows}


def _incoming(
    made: list[tuple[Job, str]], more: Iterator[tuple[Job, str]], sent: int
) -> Iterator[tuple[uuid.UUID, str, str, bool]]:
    """The rows of jobs on their way into the table.

    Args:
        made: jobs with their facts, to which those that are made here are added: asked again, it gives them again.
        more: the jobs behind them.
        sent: how many of all, from the first on, have a message.
    """
    taken = set()
    for place in count():
        if place == len(made):
            made.extend(islice(more, 1))
            if place == len(made):
                return
        job, facts = made[place]
        # A statement may not touch the same row twice, and two items may be the same job.
        if job.id not in taken:
            taken.add(job.id)
            yield job.id, job.subject, facts, place < sent
