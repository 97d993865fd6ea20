"""The doctor finds a farm that runs well, names what is not, and leaves nothing behind."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy import Engine, text

from rulefarm.messaging import TaskMessage, create_app, queue_depths, send_messages
from rulefarm.routing import EVALUATE_JOB, queue_name
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.dead_letters import Failure, record_message
from store.health import clock_of
from store.migrate import migrate
from store.partitions import months
from store.pending_work import record_run
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.commands import SHARING, rulefarm
from tests.processes import until
from tests.rows import add_duty
from workers.monitoring import HealthCheck, examine, worker_states

QUEUES = [queue_name(domain, bulk=bulk) for domain in ("payment", "pricing") for bulk in (False, True)]


def of(findings: list[HealthCheck], check: str) -> list[tuple[str, str]]:
    return [(finding.status, finding.subject) for finding in findings if finding.check == check]


def text_of(findings: list[HealthCheck], check: str) -> str:
    return " ".join(f"{finding.message}; {finding.hint}" for finding in findings if finding.check == check)


def on_record(engine: Engine) -> set[uuid.UUID]:
    """Every job; the verdict of one that another test left open is none that anybody added."""
    with engine.connect() as connection:
        return set(connection.scalars(text("select id from jobs union select id from verdicts where batch is null")))


def test_a_farm_that_runs_is_well_and_stays_as_it_was(running_farm: Settings, farm_database: Engine) -> None:
    def well() -> list[HealthCheck] | None:
        found = examine(running_farm, timeout_s=20)
        return found if all(finding.status in ("ok", "warn") for finding in found) else None

    until(well, 60)
    before = on_record(farm_database)
    findings = until(well, 60)
    assert on_record(farm_database) == before
    assert of(findings, "probe") == [("ok", name) for name in QUEUES]
    assert all(finding.ms and finding.ms > 0 for finding in findings if finding.check in ("probe", "database"))
    assert [of(findings, check) for check in ("workers", "stall", "reconciler")] == [[("ok", "")]] * 3
    app = create_app(running_farm)
    until(lambda: not any(queue_depths(app, QUEUES).values()))
    app.close()


@pytest.fixture
def published(settings: Settings, database: Engine) -> Iterator[Settings]:
    """A farm with one domain and no worker; its queues are emptied before and afterwards, for others use them too."""
    publish(database, [RulesetSnapshot("payment", "0" * 64, {"payment.grl": b""})])
    empty_queues(settings)
    yield settings
    empty_queues(settings)


def empty_queues(settings: Settings) -> None:
    app = create_app(settings)
    with app.connection_for_write() as connection, connection.channel() as channel:
        for bulk in (False, True):
            channel.queue_purge(queue_name("payment", bulk=bulk))
    app.close()


def test_queues_that_nobody_takes_from_are_named_and_get_no_probe(published: Settings, database: Engine) -> None:
    findings = examine(published, timeout_s=1)
    assert of(findings, "workers") == [("fail", "rules.payment"), ("fail", "rules.payment.bulk")]
    assert "'rulefarm worker --domains payment --queue bulk'" in text_of(findings, "workers")
    assert of(findings, "probe") == []
    assert queue_depths(create_app(published), ["rules.payment"]) == {"rules.payment": 0}
    assert "has never run" in text_of(findings, "reconciler")


@contextmanager
def stalled_worker(settings: Settings, name: str, queues: list[str]) -> Iterator[None]:
    """What answers when workers are asked, and takes no message."""
    answers: dict[str, Any] = {
        "stats": {"total": {EVALUATE_JOB: 7}, "pool": {"processes": [1]}},
        "active": [],
        "active_queues": [{"name": queue} for queue in queues],
    }
    app, ended = create_app(settings), threading.Event()
    with app.connection_for_read() as connection:
        node = app.control.mailbox.Node(name, state=None, channel=connection.channel())
        for question, answer in answers.items():
            node.handlers[question] = lambda _, answer=answer, **__: answer
        node.listen(callback=node.handle_message)

        def answer_all() -> None:
            while not ended.is_set():
                try:
                    connection.drain_events(timeout=0.2)
                except (TimeoutError, OperationalError):
                    continue

        thread = threading.Thread(target=answer_all)
        thread.start()
        try:
            until(lambda: [worker.name for worker in worker_states(settings)] == [name])
            yield
        finally:
            ended.set()
            thread.join()


def test_a_worker_that_takes_nothing_is_named_and_its_queue_gets_no_probe(published: Settings) -> None:
    app = create_app(published)
    send_messages(app, [TaskMessage(EVALUATE_JOB, "x", "rules.payment", {}, "")])
    with stalled_worker(published, "stalled@here", ["rules.payment"]):
        findings = examine(published, timeout_s=1)
    assert of(findings, "stall") == [("fail", "stalled@here")]
    assert "takes nothing, though messages wait: 1 in rules.payment; it ends itself" in text_of(findings, "stall")
    assert of(findings, "probe") == []
    assert queue_depths(app, ["rules.payment"]) == {"rules.payment": 1}


def test_a_probe_that_does_not_come_back_is_named(published: Settings) -> None:
    with stalled_worker(published, "stalled@here", ["rules.payment", "rules.payment.bulk"]):
        findings = examine(published, timeout_s=0.3)
    assert of(findings, "probe") == [("fail", "rules.payment"), ("fail", "rules.payment.bulk")]
    assert "not through in 0.3 s" in text_of(findings, "probe")


def test_without_results_it_says_that_the_probe_was_only_sent(published: Settings) -> None:
    with stalled_worker(published, "stalled@here", ["rules.payment"]):
        findings = examine(replace(published, result_url="disabled://"), timeout_s=0.3)
    assert of(findings, "probe") == [("warn", "rules.payment")]
    assert "keeps no results" in text_of(findings, "probe")


def test_a_probe_says_what_is_wrong_with_its_worker(published: Settings) -> None:
    # A worker of the domain whose ruleset it was not started with: what it hears of the queue, it can't judge.
    with rulefarm(published, "worker", "--domains", "pricing", "--autoscale", "1,1", "--name", "lost"):
        [worker] = until(lambda: worker_states(published), 60)
        app = create_app(published)
        app.control.add_consumer("rules.payment", destination=[worker.name], reply=True)
        findings = examine(published, timeout_s=20)
    assert ("fail", "rules.payment") in of(findings, "probe")
    assert "this worker does not serve 'payment'" in text_of(findings, "probe")


def test_dead_letters_a_late_reconciler_and_a_full_queue_are_named(published: Settings, database: Engine) -> None:
    record_message(database, Failure("unknown-task", "none such"), worker="w@here", domain="payment")
    record_run(database, sent=3, broker_lost=False)
    findings = examine(replace(published, queue_limit=1), timeout_s=1)
    assert of(findings, "reconciler") == [("ok", "")]
    assert "1 in all: payment 1" in text_of(findings, "dead-letters")
    assert of(findings, "dead-letters") == [("warn", "")]
    assert of(findings, "backlog") == [("ok", "")]
    send_messages(create_app(published), [TaskMessage(EVALUATE_JOB, "x", "rules.payment", {}, "")])
    with database.begin() as connection:
        connection.execute(text("update reconciler set ran_at = now() - interval '100 seconds'"))
    findings = examine(replace(published, queue_limit=1), timeout_s=1)
    assert of(findings, "reconciler") == [("fail", "")]
    assert " s ago and sent 3 messages again" in text_of(findings, "reconciler")
    assert of(findings, "backlog") == [("warn", "rules.payment")]


def test_a_batch_that_failed_is_named_until_one_is_done(published: Settings, database: Engine) -> None:
    assert of(examine(published, timeout_s=1), "batches") == [("ok", "")]
    row = "insert into batches (id, domain, source, rows, chunks, as_of, state, code, reason, nightly) values"
    failed = "(gen_random_uuid(), 'payment', 'x.csv', 0, 0, now(), 'failed', 'bad-subject', 'x.csv: row 2', {})"
    with database.begin() as connection:
        connection.execute(text(f"{row} {failed.format('false')}"))
    assert of(examine(published, timeout_s=1), "batches") == [("warn", "payment")]
    with database.begin() as connection:
        connection.execute(text(f"{row} {failed.format('true')}"))
    findings = examine(published, timeout_s=1)
    assert sorted(of(findings, "batches")) == [("fail", "payment"), ("warn", "payment")]
    assert "the last nightly failed [bad-subject]: x.csv: row 2" in text_of(findings, "batches")
    with database.begin() as connection:
        connection.execute(text(f"{row} {failed.format('true').replace('failed', 'done')}"))
    assert of(examine(published, timeout_s=1), "batches") == [("warn", "payment")]


def test_a_nightly_that_is_overdue_or_given_up_is_named_with_what_to_do(published: Settings, database: Engine) -> None:
    add_duty(database, minutes_ago=-5, domain="payment")
    assert of(examine(published, timeout_s=1), "duties") == [("ok", "")]
    add_duty(database, minutes_ago=2, domain="payment")
    findings = examine(published, timeout_s=1)
    assert of(findings, "duties") == [("fail", "payment")]
    assert "is not done [no worker has said anything of it]; it is tried until" in text_of(findings, "duties")
    assert "bulk workers of payment with RULEFARM_NIGHTLY_SOURCE" in text_of(findings, "duties")
    why = {"code": "unreadable-source", "reason": "x.csv can't be read", "attempts": 3}
    add_duty(database, minutes_ago=1, domain="pricing", **why)
    add_duty(database, minutes_ago=1, domain="payment", state="expired", **why)
    findings = examine(published, timeout_s=1)
    assert of(findings, "duties") == [("fail", "payment"), ("fail", "pricing")]
    assert "not done in time [unreadable-source: x.csv can't be read], and is given up" in text_of(findings, "duties")
    assert "run 'rulefarm nightly run'" in text_of(findings, "duties")


def test_what_is_away_is_named_and_nothing_else_is_asked(settings: Settings) -> None:
    away = replace(settings, broker_url="redis://127.0.0.1:1/0", database_url="postgresql://nobody@127.0.0.1:1/none")
    findings = examine(away, timeout_s=1)
    assert [(finding.check, finding.status) for finding in findings] == [
        ("broker", "fail"), ("database", "fail"), ("probe", "skip")
    ]  # fmt: skip


def test_tables_of_another_version_are_told(settings: Settings, database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    findings = examine(settings, timeout_s=1)
    assert of(findings, "migrations") == [("fail", "")]
    assert "rulefarm migrate" in text_of(findings, "migrations")


def test_a_farm_without_a_domain_is_not_well(settings: Settings) -> None:
    assert of(examine(settings, timeout_s=1), "workers") == [("fail", "")]


def test_a_month_without_a_partition_is_named(published: Settings, database: Engine) -> None:
    assert of(examine(published, timeout_s=1), "partitions") == [("ok", "")]
    with database.begin() as connection:
        _, second, third, _ = (name for name, _, _ in months(clock_of(database), 4))
        for name in (second, third):
            connection.execute(text(f"drop table {name}"))
    findings = examine(published, timeout_s=1)
    assert of(findings, "partitions") == [("warn", "")]
    assert f"not there: {second}; verdicts" in text_of(findings, "partitions")
    assert "rulefarm migrate" in text_of(findings, "partitions")
    migrate(database)
    assert of(examine(published, timeout_s=1), "partitions") == [("ok", "")]


def test_a_user_who_may_not_do_what_a_worker_does_is_told_with_the_grant(published: Settings, database: Engine) -> None:
    assert of(examine(published, timeout_s=1), "privileges") == [("ok", "")]
    with database.begin() as connection:
        connection.execute(text("revoke insert, update on jobs from current_user"))
    findings = examine(published, timeout_s=1)
    assert of(findings, "privileges") == [("fail", "")]
    assert "grant insert, update on jobs to rulefarm" in text_of(findings, "privileges")


def test_a_broker_that_may_drop_messages_is_told_where_it_says_so(
    settings: Settings, free_port: int, valkey: Callable[[int], AbstractContextManager[None]]
) -> None:
    with valkey(free_port):
        mine = replace(settings, broker_url=f"redis://127.0.0.1:{free_port}/0")
        assert of(examine(mine, timeout_s=1), "broker-memory") == [("ok", "")]
        with redis.Redis(port=free_port) as client:
            for policy in ("allkeys-lru", "volatile-ttl"):
                client.config_set("maxmemory-policy", policy)
                findings = examine(mine, timeout_s=1)
                assert of(findings, "broker-memory") == [("warn", "")]
                assert f"is {policy}" in text_of(findings, "broker-memory")
            client.execute_command("ACL", "SETUSER", "guest", "on", ">x", "~*", "&*", "+@all", "-info")
        guest = replace(settings, broker_url=f"redis://guest:x@127.0.0.1:{free_port}/0")
        findings = examine(guest, timeout_s=1)
        assert (of(findings, "broker"), of(findings, "broker-memory")) == ([("ok", "")], [])


def facts_of(settings: Settings) -> list[HealthCheck]:
    return [finding for finding in examine(settings, timeout_s=0.3) if finding.check == "facts"]


def test_the_redis_of_the_facts_is_asked_where_a_domain_shares_some(
    settings: Settings, database: Engine, free_port: int, valkey: Callable[[int], AbstractContextManager[None]]
) -> None:
    publish(database, [RulesetSnapshot("payment", "0" * 64, {"payment.grl": b""})])
    publish(database, [RulesetSnapshot("broken", "1" * 64, {"domain.toml": b"["})])
    assert facts_of(settings) == []
    loaded = load_domain(SHARING, "credit")
    publish(database, [RulesetSnapshot("credit", loaded.digest, loaded.sources)])
    [well] = facts_of(settings)
    assert (well.status, well.hint) == ("ok", "")
    assert "those of credit answers in" in well.message
    [nowhere] = facts_of(replace(settings, facts_url="amqp://localhost"))
    assert (nowhere.status, nowhere.hint) == ("fail", "set RULEFARM_FACTS_URL")
    elsewhere = replace(settings, facts_url=f"redis://127.0.0.1:{free_port}/0")
    [away] = facts_of(elsewhere)
    assert away.status == "fail"
    assert "does not answer" in away.message
    with valkey(free_port):
        client = redis.Redis(port=free_port)
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        [forgetful] = facts_of(elsewhere)
        client.close()
    assert forgetful.status == "warn"
    assert "noeviction" in forgetful.hint
