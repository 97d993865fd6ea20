"""The migrations make what the models say, and can be repeated."""

import uuid
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from rulefarm import wire
from rulefarm.database import metadata
from rulefarm.messaging import JobMessage
from store.migrate import alembic_config, is_current, migrate
from store.migrations.filter import LEFT_FOR_THE_RELEASE_BEFORE, ours
from store.partitions import ensure_partitions, months
from store.pending_work import claim_due
from store.schema_changes import TablesBusy


def test_upgrade_head_equals_the_models(database: Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, metadata) == []


def test_constraints_have_the_names_of_the_models(database: Engine) -> None:
    inspector = inspect(database)
    for table in metadata.sorted_tables:
        modelled = {str(constraint.name) for constraint in table.constraints}
        found = {inspector.get_pk_constraint(table.name)["name"]}
        found |= {constraint["name"] for constraint in inspector.get_check_constraints(table.name)}
        found |= {constraint["name"] for constraint in inspector.get_foreign_keys(table.name)}
        found |= {constraint["name"] for constraint in inspector.get_unique_constraints(table.name)}
        assert modelled == found


def test_migrating_twice_changes_nothing(database: Engine) -> None:
    assert is_current(database)
    migrate(database)
    assert is_current(database)


def downgrade(database: Engine, revision: str) -> None:
    with database.begin() as connection:
        command.downgrade(alembic_config(connection), revision)


def test_there_and_back_nothing_is_lost(database: Engine) -> None:
    columns = {"job": uuid.uuid4(), "batch": uuid.uuid4()}
    row = "select times_sent, resend_at from jobs union all select times_sent, resend_at from chunks order by 1"
    old_row = row.replace("times_sent", "rings").replace("resend_at", "ring_at")
    with database.begin() as connection:
        connection.execute(
            text(
                "insert into jobs (id, domain, subject, facts, as_of, times_sent, resend_at)"
                " values (:job, 'payment', 'x', '{}', now(), 3, now() + interval '1 hour')"
            ),
            columns,
        )
        connection.execute(
            text(
                "insert into batches (id, domain, source, rows, chunks, as_of) values (:batch, 'x', 'x', 1, 1, now())"
            ),
            columns,
        )
        connection.execute(
            text(
                "insert into chunks (batch, n, rows, form, facts, times_sent, resend_at)"
                " values (:batch, 0, 1, 'text', '', 4, now() + interval '2 hours')"
            ),
            columns,
        )
        before = connection.execute(text(row)).all()
    downgrade(database, "0003")
    assert not is_current(database)
    with database.connect() as connection:
        assert connection.execute(text(old_row)).all() == before
    migrate(database)
    assert is_current(database)
    with database.connect() as connection:
        assert connection.execute(text(row)).all() == before


def test_producers_and_workers_of_the_release_before_can_still_write_their_rows(database: Engine) -> None:
    facts = {"Order": {"total": 12.5}}
    job = {"id": uuid.uuid4(), "facts": wire.canonical(facts)}
    written = (
        "insert into jobs (id, domain, subject, facts, as_of, enqueued_at, rings, ring_at)"
        " values (:id, 'payment', '4711', :facts, now(), now(), 1, now() + interval '30 seconds')",
        "update jobs set rings = jobs.rings + 1, ring_at = now() + interval '60 seconds' where id = :id",
        "insert into verdicts (id, enqueued_at, domain, subject, outcome, fired, reasons, changes, ruleset_digest,"
        " facts_digest, as_of, worker, evaluated_at, micros, seen)"
        " values (:id, now(), 'payment', '4711', 'accept', '{}', '[]', '{}', 'r', 'f', now(), 'w', now(), 1, '{}')",
        "insert into reconciler (id, ran_at, rung) values (1, now(), 5) on conflict (id) do update set rung = 5",
    )
    with database.begin() as connection:
        for statement in written:
            connection.execute(text(statement), job)
        names = {
            (table, column["name"])
            for table, _ in LEFT_FOR_THE_RELEASE_BEFORE
            for column in inspect(connection).get_columns(table)
        }
    assert names >= LEFT_FOR_THE_RELEASE_BEFORE
    # Its message may be lost: the reconciler sends another.
    with claim_due(database, "payment", bulk=False, grace_s=30, limit=9) as [message]:
        sent = JobMessage.from_kwargs(message.kwargs)
    assert (sent.job_id, sent.document, sent.times_sent) == (job["id"], facts, 2)


def test_a_table_that_somebody_holds_is_waited_for_and_then_left_as_it_is(database: Engine) -> None:
    downgrade(database, "0003")
    with database.begin() as connection:
        connection.execute(text("select count(*) from chunks"))
        with pytest.raises(TablesBusy, match=r"for 0\.1 s"):
            migrate(database, lock_s=0.1)
        assert not is_current(database)
    migrate(database)
    assert is_current(database)


def test_verdicts_of_the_coming_months_have_a_partition(database: Engine) -> None:
    with database.begin() as connection:
        assert ensure_partitions(connection) == []
        made = ensure_partitions(connection, datetime(2031, 11, 30, 23, 59, tzinfo=UTC))
        assert made == ["verdicts_2031_11", "verdicts_2031_12", "verdicts_2032_01", "verdicts_2032_02"]
        bounds = connection.execute(
            text("select pg_get_expr(relpartbound, oid) from pg_class where relname = 'verdicts_2031_12'")
        ).scalar_one()
    assert "2031-12-01 00:00:00+00" in bounds
    assert "2032-01-01 00:00:00+00" in bounds


def test_a_month_begins_in_utc_wherever_the_clock_stands() -> None:
    moment = datetime.fromisoformat("2026-12-31T23:30:00-05:00")
    assert next(months(moment, 1))[0] == "verdicts_2027_01"
