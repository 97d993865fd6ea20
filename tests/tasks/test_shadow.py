"""A draft judges a share of the jobs once nothing waits, and whatever it does, verdicts are what they were."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine, text

from rulefarm import wire
from rulefarm.database import jobs, verdicts
from rulefarm.errors import DatabaseUnreachable, NotFound
from rulefarm.farm import Farm
from rulefarm.messaging import job_message
from store.ruleset_versions import RulesetSnapshot
from store.shadows import Shadow, find_shadows, start_shadow, stop_shadow
from tasks import shadow as shadowing
from tasks import worker_context
from tasks.drain import drain
from tasks.evaluate import evaluate_job
from tasks.shadow import ShadowJudge, is_in_share
from tasks.worker_context import WorkerContext
from tests.rows import rows
from tests.tasks.test_pinned import ME, RULE, Publish, order, publishing, task, version, worker

__all__ = ["publishing", "worker"]


@pytest.fixture
def shadowed(worker: WorkerContext, monkeypatch: pytest.MonkeyPatch) -> WorkerContext:
    """The worker, with drafts that judge as soon as it is idle and asks each time which do."""
    monkeypatch.setattr(shadowing, "FRESH_S", 0)
    monkeypatch.setattr(shadowing, "SLICE_S", 60)
    # Other tests leave messages in the queue of the same name.
    monkeypatch.setattr("tasks.drain.queue_depths", lambda _app, queues: dict.fromkeys(queues, 0))
    assert worker.published is not None
    context = replace(worker, shadow=ShadowJudge(worker.database, worker.published.version))
    monkeypatch.setattr(worker_context, "_current", [context])
    return context


@pytest.fixture
def farm(shadowed: WorkerContext) -> Iterator[Farm]:
    with Farm(shadowed.settings) as producer:
        yield producer


@pytest.fixture
def draft(database: Engine, tmp_path: Path) -> Callable[..., str]:
    """Lets rules judge in the shadow; gives their digest."""

    def begin(rules: str, *, share: float = 1.0, files: dict[str, bytes] | None = None, **terms: Any) -> str:
        snapshot = RulesetSnapshot.of(version(tmp_path, 99))
        path = next(name for name in snapshot.sources if name.endswith(".grl"))
        sources = files or dict(snapshot.sources) | {path: rules.encode()}
        digest = uuid.uuid4().hex * 2
        start_shadow(database, Shadow("shop", digest, share), draft=RulesetSnapshot("shop", digest, sources), **terms)
        return digest

    return begin


def judge(farm: Farm, context: WorkerContext, totals: dict[str, float]) -> None:
    """Submit orders, and judge them as a worker does that is woken by none of them; it finds nothing else then."""
    assert farm.ledger is not None
    with farm.ledger.engine.begin() as connection:
        for key, total in totals.items():
            farm.submit("shop", order(total), key=key, connection=connection)
    assert drain(context, "shop", ME, bulk=False) == len(totals)


def found(database: Engine) -> dict[str, Any]:
    [one] = find_shadows(database, "shop")
    return one


def on_record(database: Engine) -> list[tuple[str, str, str]]:
    return sorted((row.subject, row.outcome, row.ruleset_digest) for row in rows(database, verdicts))


def test_a_draft_judges_what_was_judged_and_what_differs_is_on_record_with_an_example_of_each_rule(
    farm: Farm, shadowed: WorkerContext, database: Engine, draft: Callable[..., str], publishing: Publish
) -> None:
    active = publishing(10)
    rules = (
        RULE.replace("> 10", "> 20").replace("Big", "Huge") + 'rule Odd { when Order.total == 5 then Log("five"); }\n'
    )
    digest = draft(rules, by="anna@desk")
    shadowed.shadow.judge(ME, lambda: True)  # type: ignore[union-attr]
    judge(farm, shadowed, {"a": 5, "b": 15, "c": 25, "d": 7})
    # By its message, too.
    job = farm.submit("shop", order(30), key="e")
    evaluate_job(task(), **job_message(job, wire.canonical(order(30))).kwargs)
    one = found(database)
    assert (one["digest"], one["judged"], one["differing"], one["failed"], one["running"]) == (digest, 5, 4, 0, True)
    assert {(each["rule"], each["fires"]): each["jobs"] for each in one["differences"]} == {
        ("Big", "active"): 3, ("Huge", "draft"): 2, ("Odd", "draft"): 1,
    }  # fmt: skip
    example = next(each["example"] for each in one["differences"] if each["rule"] == "Odd")
    assert (example["subject"], example["active"], example["draft"]) == ("a", "accept", "accept")
    # Judged was by what is active, and by nothing else.
    assert {digest for _, _, digest in on_record(database)} == {active}
    # The same rules that say something else; a job that names its rules; a shadow that is stopped.
    draft('rule Big { when Order.total > 10 then Review("look"); }\n')
    shadowed.shadow.judge(ME, lambda: True)  # type: ignore[union-attr]
    judge(farm, shadowed, {"f": 15})
    pinned = farm.submit("shop", order(15), key="p", digest=active)
    evaluate_job(task(), **job_message(pinned, wire.canonical(order(15))).kwargs)
    one = found(database)
    assert [(each["rule"], each["fires"], each["jobs"]) for each in one["differences"]] == [("", "both", 1)]
    assert one["judged"] == 1
    stop_shadow(database, "shop")
    judge(farm, shadowed, {"g": 15})
    assert (found(database)["judged"], found(database)["running"]) == (1, False)
    with pytest.raises(NotFound):
        stop_shadow(database, "shop")
    draft(rules, until=datetime.now(UTC) - timedelta(seconds=1))
    judge(farm, shadowed, {"h": 15})
    judge(farm, shadowed, {"i": 15})
    assert (found(database)["judged"], found(database)["running"]) == (0, False)


def test_nothing_is_judged_by_a_draft_while_something_waits(
    farm: Farm, shadowed: WorkerContext, database: Engine, draft: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(RULE.replace("> 10", "> 20"))
    shadow = shadowed.shadow
    assert shadow is not None
    shadow.judge(ME, lambda: True)
    # A message that nobody has taken yet.
    monkeypatch.setattr("tasks.drain.queue_depths", lambda _app, queues: dict.fromkeys(queues, 1))
    judge(farm, shadowed, {"a": 15})
    assert found(database)["judged"] == 0
    monkeypatch.setattr("tasks.drain.queue_depths", lambda _app, queues: dict.fromkeys(queues, 0))
    judge(farm, shadowed, {"b": 15})
    assert found(database)["judged"] == 2
    # Whatever comes while drafts judge ends it, after the job at hand; the rest is judged later.
    monkeypatch.setattr("tasks.drain.queue_depths", lambda _app, queues: dict.fromkeys(queues, 1))
    judge(farm, shadowed, {"e": 15, "f": 15, "g": 15})
    shadow.judge(ME, iter([True, False]).__next__)
    assert found(database)["judged"] == 3
    shadow.judge(ME, lambda: True)
    assert found(database)["judged"] == 5
    monkeypatch.setattr("tasks.drain.queue_depths", lambda _app, queues: dict.fromkeys(queues, 0))
    # A group that was full: more may be due.
    context = replace(shadowed, settings=replace(shadowed.settings, group_size=1))
    monkeypatch.setattr("tasks.drain.SLICE_S", -1)
    judged = found(database)["judged"]
    with farm.ledger.engine.begin() as connection:  # type: ignore[union-attr]
        for key in "cd":
            farm.submit("shop", order(15), key=key, connection=connection)
    assert drain(context, "shop", ME, bulk=False) == 1
    assert found(database)["judged"] == judged
    # What waits for its draft is bounded, by number and by size.
    [verdict] = [row for row in rows(database, verdicts) if row.subject == "a"]
    shadow._noted.clear()
    shadow._characters = 0
    taken = [farm.submit("shop", {"Order": {"id": "x" * 200}}, key=str(n)) for n in range(3)]
    for job in taken * 40:
        kwargs = job_message(job, wire.canonical({"Order": {"id": "x" * 200}})).kwargs
        from_message = shadowing.JobMessage.from_kwargs(kwargs)
        shadow.note(from_message, verdict)
    assert len(shadow._noted) == 50
    monkeypatch.setattr(shadowing, "_MOST_CHARACTERS", 1000)
    shadow.note(from_message, verdict)
    assert len(shadow._noted) == 4


def test_whatever_a_draft_does_harms_nothing(
    farm: Farm, shadowed: WorkerContext, database: Engine, draft: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loop(*_: Any) -> None:
        raise SoftTimeLimitExceeded

    def away(*_: Any) -> None:
        raise DatabaseUnreachable("database-unreachable", "away")

    loops = "rule A { when Order.total < 99999 then Order.total = Order.total + 1; }\n"
    faults: dict[str, tuple[Callable[[], str], tuple[int, int, str | None]]] = {
        "it runs in a circle": (lambda: draft(loops), (1, 0, None)),
        "it can't be compiled": (lambda: draft("rule A {"), (0, 1, "ruleset-unusable")),
        "its schema is of a later release": (
            lambda: draft("", files={"domain.toml": b"[later]\n"}),
            (0, 1, "ruleset-unusable"),
        ),
        "it is on no record": (lambda: start_nobody(database), (0, 1, "ruleset-unusable")),
        "it takes too long": (lambda: patched("judge_job", loop), (0, 1, "time-limit")),
        "it errs": (lambda: patched("judge_job", away), (0, 1, "database-unreachable")),
        "what it finds can't be kept": (lambda: patched("record_findings", away), (0, 0, None)),
        "which run can't be read": (lambda: patched("running_shadows", away), (0, 0, None)),
    }

    def patched(name: str, by: Callable[..., None]) -> str:
        monkeypatch.setattr(shadowing, name, by)
        return draft(RULE)

    kept = {name: getattr(shadowing, name) for name in ("judge_job", "record_findings", "running_shadows")}
    for number, (name, (begin, expected)) in enumerate(faults.items()):
        begin()
        shadowed.shadow.judge(ME, lambda: True)  # type: ignore[union-attr]
        judge(farm, shadowed, {f"k{number}": 15})
        one = found(database)
        assert (one["judged"], one["failed"], one["code"]) == expected, name
        for name, whole in kept.items():
            monkeypatch.setattr(shadowing, name, whole)
    assert {row.state for row in rows(database, jobs)} == {"done"}
    assert {row.outcome for row in rows(database, verdicts)} == {"reject"}
    assert len(rows(database, verdicts)) == len(faults)
    with database.connect() as connection:
        assert connection.execute(text("select count(*) from dead_letters")).scalar_one() == 0
    # What can't be judged by is not tried again and again.
    draft("rule A {")
    for number in range(3):
        judge(farm, shadowed, {f"again{number}": 15})
    assert found(database)["failed"] == 1


def start_nobody(database: Engine) -> str:
    start_shadow(database, Shadow("shop", "f" * 64, 1.0))
    return "f" * 64


def test_the_share_is_of_ids_alone_and_a_smaller_one_is_part_of_a_larger() -> None:
    ids = [uuid.uuid5(uuid.NAMESPACE_DNS, str(n)) for n in range(4000)]
    tenth = {job_id for job_id in ids if is_in_share(job_id, 0.1)}
    assert 300 < len(tenth) < 500
    assert tenth < {job_id for job_id in ids if is_in_share(job_id, 0.3)}
    assert all(is_in_share(job_id, 1.0) for job_id in ids)
    assert not any(is_in_share(job_id, 0.0) for job_id in ids)
