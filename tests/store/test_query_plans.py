"""With 200,000 closed jobs and their verdicts on record, what is asked all the time reads little, by an index."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from store import job_groups
from store.batch_status import find_batches, standing_failures
from store.open_work import open_work
from store.partitions import ensure_partitions
from store.pending_work import claim_due, count_open, due_queues, mark_all_due
from store.verdict_list import find_verdicts
from store.verdict_pages import find_page
from store.verdict_totals import VerdictTotals

ROWS = 200_000
#: A statement may read so many rows of a table, or of an index, for each that it gives.
MOST_READ = 5_000
FACTS = """'{"Order": {"total": 1}}'"""
BATCH = uuid.UUID(int=7)
FILL = f"""
insert into jobs (id, domain, subject, facts, as_of, bulk, state, enqueued_at, resend_at)
select gen_random_uuid(), 'd' || n % 4, 'k' || n, {FACTS}, now(), n % 2 = 0, 'done', now() - n * interval '1 s', now()
from generate_series(1, {ROWS}) n;
insert into jobs (id, domain, subject, facts, as_of, bulk, enqueued_at, resend_at)
select gen_random_uuid(), 'd' || n % 4, 'open' || n, {FACTS}, now(), n % 2 = 0, now(), now() - interval '1 s'
from generate_series(1, 200) n;
insert into verdicts (id, enqueued_at, domain, subject, batch, outcome, fired, reasons, changes, ruleset_digest,
                      facts_digest, as_of, worker, evaluated_at, micros)
select id, enqueued_at, domain, subject, case when n % 5 < 2 then '{BATCH}'::uuid end,
       (array['accept', 'review', 'reject'])[1 + n % 3], '{{}}', '[]', '{{}}',
       repeat('d', 64), repeat('f', 64), as_of, 'w', enqueued_at, 1
from (select *, row_number() over () as n from jobs where state = 'done') judged;
"""


@pytest.fixture
def full(database: Engine) -> Engine:
    """A database with many rows, of which little is open; analysed, as autovacuum does it."""
    with database.begin() as connection:
        connection.execute(text("set local lock_timeout = 0"))
        ensure_partitions(connection, datetime.now(UTC))
        connection.execute(text(FILL))
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum (analyze) jobs"))
        connection.execute(text("vacuum (analyze) verdicts"))
    return database


def plans_of(engine: Engine, call: Callable[[], Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statements that a call executes, each with the plan that it had."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert statements
    settings = [statement for statement, _ in statements if statement.startswith("set local")]
    for statement, parameters in statements:
        if statement.lower().startswith(("select", "update", "delete", "with", "insert")):
            with engine.connect() as connection:
                for setting in settings:
                    connection.exec_driver_sql(setting)
                explain = f"explain (analyze, format json, timing off) {statement}"
                [(document,)] = connection.exec_driver_sql(explain, parameters)
                connection.rollback()
            plan = document if isinstance(document, list) else json.loads(document)
            yield statement, plan[0]["Plan"]


def read(plan: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Each node that reads a table, with the rows that it looked at."""
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        looked = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        yield f"{plan['Node Type']} on {plan['Relation Name']}", looked * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from read(inner)


def claim(engine: Engine, *, busy: bool) -> None:
    with claim_due(engine, "d0", bulk=True, grace_s=30, limit=100, busy=busy):
        pass


def open_now(engine: Engine) -> None:
    with engine.connect() as connection:
        open_work(connection)


def claim_together(engine: Engine) -> None:
    # In `claim_group` itself it is executed without SQLAlchemy, which is what listens here.
    values = {"domain": "d0", "bulk": True, "most": 100, "holder": "w/1", "lease_s": 60, "ahead_s": 29.98}
    with engine.begin() as connection:
        connection.exec_driver_sql(job_groups._ANY, values)
        connection.exec_driver_sql(job_groups._CLAIM, values)


ASKED: dict[str, Callable[[Engine], Any]] = {
    "which queues are due": due_queues,
    "what is due": lambda engine: claim(engine, busy=False),
    "what is due behind a backlog": lambda engine: claim(engine, busy=True),
    "how much is open": lambda engine: count_open(engine, "d0", bulk=True, limit=1000),
    "what is claimed together": claim_together,
    "everything is made due": mark_all_due,
    "status": open_now,
    "the latest verdicts": lambda engine: list(find_verdicts(engine, limit=20)),
    "the latest of a domain": lambda engine: list(find_verdicts(engine, domain="d1", limit=20)),
    "the latest of an outcome": lambda engine: list(find_verdicts(engine, outcome="review", limit=20)),
    "the latest of a domain's outcome": lambda engine: list(
        find_verdicts(engine, domain="d1", outcome="reject", limit=20)
    ),
    "the verdicts on a key": lambda engine: list(find_verdicts(engine, subject="k77", limit=20)),
    "the newest outcome of a batch": lambda engine: list(
        find_verdicts(engine, batch=BATCH, outcome="review", limit=20)
    ),
    "the latest batches": find_batches,
    "batches that failed": standing_failures,
}


#: Every filter that a page of verdicts has, with what it finds much of, little of, or nothing.
FILTERS: dict[str, tuple[Any, ...]] = {
    "domain": ("d1",),
    "outcome": ("review", "error"),
    "subject": ("k77",),
    "batch": (BATCH,),
    "since": (datetime(2020, 1, 1, tzinfo=UTC),),
    "until": (datetime(2100, 1, 1, tzinfo=UTC),),
    "rule": ("none",),
    "digest": ("abc",),
}


def pages() -> Iterator[tuple[str, Callable[[Engine], Any]]]:
    """Each filter by itself, and with each other: the first page, and that which goes on from the middle."""
    for count in (0, 1, 2):
        for names in combinations(FILTERS, count):
            for values in product(*(FILTERS[name] for name in names)):
                terms: Any = dict(zip(names, values, strict=True))
                yield f"page of {terms}", lambda engine, terms=terms: find_page(engine, limit=50, **terms)


def test_what_is_asked_all_the_time_reads_few_rows(full: Engine) -> None:
    totals = VerdictTotals()

    def count_what_is_new(engine: Engine) -> None:
        with engine.connect() as connection:
            totals.read(connection)

    # The first time it reads them all.
    count_what_is_new(full)
    assert sum(tally.number for tally in totals.total.values()) == ROWS
    much = [
        f"{name}: {node} read {rows:,.0f} rows: {' '.join(statement.split())[:120]}"
        for name, ask in (ASKED | {"which verdicts are new": count_what_is_new} | dict(pages())).items()
        for statement, plan in plans_of(full, lambda ask=ask: ask(full))  # type: ignore[misc]
        for node, rows in read(plan)
        if rows > MOST_READ
    ]
    assert not much, "\n".join(much)
