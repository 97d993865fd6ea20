"""A process goes over to what is published, as a whole, without a restart; what it can't judge by changes nothing."""

import gc
import logging
import os
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine, select, text, update

from rulefarm.database import active_rulesets, connect, publications
from rulefarm.errors import DatabaseUnreachable
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot, published_within, source_of
from tasks import published_rulesets, worker_context
from tasks.published_rulesets import PublishedRulesets, RulesetLate
from tasks.self_description import describe
from tasks.worker_context import WorkerContext
from tests.tasks.judging import AS_OF
from workers.celery_app import create_worker_app

SCHEMA = 'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text" }\ntotal = { kind = "number" }\n'
RULE = 'rule Big { when Order.total > 10 then Reject("over 10"); }\n'
Write = Callable[[str], LoadedRuleset]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A version of the domain `shop`."""

    def version(rules: str) -> LoadedRuleset:
        (tmp_path / "shop").mkdir(exist_ok=True)
        (tmp_path / "shop" / "domain.toml").write_text(SCHEMA)
        (tmp_path / "shop" / "a.grl").write_text(rules)
        return load_domain(tmp_path, "shop")

    return version


@pytest.fixture
def first(database: Engine, write: Write) -> LoadedRuleset:
    """What is published when a process starts."""
    loaded = write(RULE)
    publish(database, [RulesetSnapshot.of(loaded)])
    return loaded


@pytest.fixture
def context(
    settings: Settings, database: Engine, first: LoadedRuleset, monkeypatch: pytest.MonkeyPatch
) -> WorkerContext:
    """This process is a worker of the shop."""
    published = PublishedRulesets(database, ["shop"], has_facts=False)
    made = WorkerContext(settings, database, published.by_domain, create_worker_app(settings), published=published)
    monkeypatch.setattr(worker_context, "_current", [made])
    return made


def pass_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits: the moment to ask again has come."""
    later = published_rulesets.time.monotonic() + published_rulesets.FRESH_S
    monkeypatch.setattr("tasks.published_rulesets.time.monotonic", lambda: later)


def test_a_process_goes_over_when_it_has_not_asked_for_a_while_and_asks_no_earlier(
    context: WorkerContext, database: Engine, write: Write, first: LoadedRuleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert context.ruleset("shop").digest == first.digest
    second = write(RULE.replace("> 10", "> 20"))
    assert publish(database, [RulesetSnapshot.of(second)], by="me", note="why") == ["shop"]
    # Half-saved meanwhile, and nobody looks at it.
    with pytest.raises(Exception, match="expected"):
        write(RULE[:30])
    assert context.ruleset("shop").digest == first.digest
    pass_time(monkeypatch)
    judging = context.ruleset("shop")
    assert judging.digest == second.digest
    assert judging.program.evaluate({"Order": {"total": 15}}, as_of=AS_OF).outcome == "accept"
    # And back to what was: no version is ever gone.
    assert publish(database, [RulesetSnapshot.of(first)]) == ["shop"]
    context.published.refresh()  # type: ignore[union-attr]
    assert context.ruleset("shop").digest == first.digest
    assert source_of(database, "shop", second.digest) == second.sources
    with database.connect() as connection:
        rows = connection.execute(select(publications).order_by(publications.c.id)).all()
    assert [(row.digest, row.published_by, row.note) for row in rows] == [
        (first.digest, None, None),
        (second.digest, "me", "why"),
        (first.digest, None, None),
    ]


def test_of_all_versions_that_were_published_a_process_holds_the_last_one(
    context: WorkerContext, database: Engine, write: Write
) -> None:
    held = []
    for limit in range(8):
        publish(database, [RulesetSnapshot.of(write(RULE.replace("> 10", f"> {limit}")))])
        context.published.refresh()  # type: ignore[union-attr]
        program = context.ruleset("shop").program
        # What is generated for the first facts and the first frame goes with it.
        program.evaluate({"Order": {"total": 15}}, as_of=AS_OF)
        frame = pl.DataFrame({"total": [float(n) for n in range(500)]})
        assert "reject" in program.evaluate_frame(frame, fact="Order", as_of=AS_OF).outcome
        held.append(weakref.ref(program))
        # As in a process that is forked from now on: no collector will ever look at it.
        gc.freeze()
    del program
    assert [one() is not None for one in held] == [False] * 7 + [True]


class Circle:
    """What counting does not free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_of_the_pool_goes_over_and_walks_nothing_that_it_shares_with_its_parent(
    context: WorkerContext, database: Engine, write: Write
) -> None:
    published, second = context.published, write(RULE.replace("> 10", "> 20"))
    assert published is not None
    publish(database, [RulesetSnapshot.of(second)])
    before = weakref.ref(context.ruleset("shop").program)
    shared = Circle()
    circle = weakref.ref(shared)
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        # Until it has asked itself.
        assert before() is not None
        return
    try:
        del shared
        walked = any(one is before() for one in gc.get_objects())
        published.refresh()
        went_over = published.by_domain["shop"].digest == second.digest
        # A collector that had come by would have found the one; and the other is gone all the same.
        as_it_was = circle() is not None and before() is None
        os._exit(0 if went_over and as_it_was and not walked else 1)
    finally:
        os._exit(2)


def test_what_a_process_can_not_judge_by_is_said_once_and_the_ruleset_of_before_goes_on(
    context: WorkerContext, database: Engine, write: Write, first: LoadedRuleset, caplog: pytest.LogCaptureFixture
) -> None:
    published = context.published
    assert published is not None
    sharing = b'[lookup.Customer]\nkey = "Order.id"\n[facts.Customer.fields]\nlimit = { kind = "number" }\n'
    schema, rules = first.sources
    unusable = {
        "a word of a later release": first.sources | {rules: b"rule Big { unless Order.total > 10 then Reject(); }"},
        "a schema of a later release": first.sources | {schema: b"[later]\n"},
        "no schema at all": {rules: first.sources[rules]},
        "facts that are shared": first.sources | {schema: SCHEMA.encode() + sharing},
        "content in a form of a later release": {},
    }
    for digest, sources in unusable.items():
        publish(database, [RulesetSnapshot("shop", digest, sources)])
        with database.begin() as connection:
            later = """update rulesets set source = '{"a.grl": {"zstd": "KLUv"}}' where source = '{}'"""
            connection.execute(text(later))
        for _ in range(2):
            published.refresh()
        assert context.ruleset("shop").digest == first.digest
        said_of, why = describe(None)["refused"]["shop"]
        assert (said_of, bool(why)) == (digest, True)
    with database.begin() as connection:
        connection.execute(update(active_rulesets).values(digest="on no record"))
    published.refresh()
    with database.begin() as connection:
        connection.execute(text("delete from active_rulesets"))
    published.refresh()
    assert context.ruleset("shop").digest == first.digest
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == len(unusable) + 1
    assert all(line.startswith("shop: this worker can't judge by ") for line in said)
    assert describe(None)["refused"] == {}
    publish(database, [RulesetSnapshot.of(second := write(RULE.replace("> 10", "> 20")))])
    published.refresh()
    assert context.ruleset("shop").digest == second.digest
    # Nor does it say so any longer of what is taken back.
    publish(database, [RulesetSnapshot("shop", "odd", {})])
    published.refresh()
    publish(database, [RulesetSnapshot.of(second)])
    published.refresh()
    assert describe(None)["refused"] == {}


def test_while_nobody_says_what_is_published_nothing_is_judged_and_the_next_job_asks_again(
    context: WorkerContext, database: Engine, settings: Settings, first: LoadedRuleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = context.published
    assert published is not None
    pass_time(monkeypatch)
    away = connect(replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none"))
    monkeypatch.setattr(published, "_database", away)
    for _ in range(2):
        with pytest.raises(DatabaseUnreachable):
            context.ruleset("shop")
    monkeypatch.setattr(published, "_database", database)
    assert context.ruleset("shop").digest == first.digest


def test_the_time_limit_of_a_job_that_had_to_compile_is_no_fault_of_the_job(
    context: WorkerContext, database: Engine, write: Write, first: LoadedRuleset, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = write(RULE.replace("> 10", "> 20"))
    publish(database, [RulesetSnapshot.of(second)])
    pass_time(monkeypatch)

    def interrupted(*arguments: object) -> None:
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as slow:
        slow.setattr("tasks.published_rulesets.load_recorded", interrupted)
        for _ in range(2):
            with pytest.raises(RulesetLate, match="RULEFARM_JOB_TIME_LIMIT_S"):
                context.ruleset("shop")
    assert context.ruleset("shop").digest == second.digest


def test_a_publishing_of_several_domains_is_whole_or_not_at_all(database: Engine, first: LoadedRuleset) -> None:
    other = RulesetSnapshot("other", "o1", {"domain.toml": b"x"})
    broken = RulesetSnapshot("z", "z\0", {})
    with pytest.raises(Exception, match="NUL"):
        publish(database, [broken, other, RulesetSnapshot("shop", "s2", {})])
    with database.connect() as connection:
        rows = connection.execute(select(active_rulesets.c.domain, active_rulesets.c.digest)).all()
        assert [tuple(row) for row in rows] == [("shop", first.digest)]
        assert connection.scalar(text("select count(*) from rulesets")) == 1
    assert published_within(database, 60) == {"shop"}
    with database.begin() as connection:
        connection.execute(text("update active_rulesets set activated_at = now() - interval '61 s'"))
    assert published_within(database, 60) == set()
