"""No decision compares the clocks of two hosts; the doctor tells which are off, and who judges by other rules."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from rulefarm.database import reconciler
from rulefarm.settings import Settings
from tests.commands import RULESETS, rulefarm
from tests.processes import until
from workers.monitoring import HealthCheck, examine, worker_states
from workers.monitoring.descriptions import WorkerDescription
from workers.monitoring.worker_checks import check_clocks, check_rulesets, check_settings

MOVED = "tests.workers.monitoring.clock_moved"
A, B = "a" * 64, "b" * 64


def found(checks: list[HealthCheck]) -> list[tuple[str, str, str]]:
    return [(check.status, check.subject, check.message) for check in checks]


@pytest.mark.parametrize("seconds", [15, -40, 3_600_000])
def test_a_worker_whose_clock_is_wrong_reconciles_is_well_and_is_named(
    settings: Settings, database: Engine, seconds: int
) -> None:
    mine = replace(settings, rulesets=RULESETS, reconcile_interval_s=0.5)
    command = (str(seconds), "worker", "--domains", "payment", "--autoscale", "1,1", "--name", "moved")
    with rulefarm(mine, *command, module=MOVED), rulefarm(mine, "beat"):

        def runs(before: object) -> object:
            with database.connect() as connection:
                ran_at = connection.execute(select(reconciler.c.ran_at)).scalar()
            return ran_at if ran_at != before else None

        first = until(lambda: runs(None), 60)
        until(lambda: runs(first), 30)
        findings = examine(mine, timeout_s=10)
        [worker] = worker_states(mine)
    [clocks] = [check for check in findings if check.check == "clocks"]
    assert (clocks.status, clocks.subject) == ("warn", worker.name)
    said, direction = clocks.message.removeprefix("its clock is ").split(" s ")
    assert abs(float(said) - abs(seconds)) < 10
    assert direction == f"{'ahead of' if seconds > 0 else 'behind'} Postgres's"
    probed = {check.subject: check.status for check in findings if check.check == "probe"}
    assert probed == {"rules.payment": "ok"}
    assert [check.status for check in findings if check.check in ("rulesets", "reconciler", "settings")] == ["ok"] * 3


def test_a_clock_that_may_only_seem_to_be_off_is_not_named() -> None:
    ahead = {"this host": (0.1, 0.001), "late@a": (3.4, 1.5), "near@b": (-2.0, 0.0), "off@c": (-2.6, 0.5)}
    assert found(check_clocks(ahead)) == [("warn", "off@c", "its clock is 2.6 s behind Postgres's")]
    del ahead["off@c"]
    assert found(check_clocks(ahead)) == [("ok", "", "3 show what Postgres's does, within 2 s")]


def test_workers_that_judge_by_other_rules_than_the_active_ones_are_named() -> None:
    def said(**digests: str) -> WorkerDescription:
        return WorkerDescription(0, 0, digests)

    described = {"p@a": said(payment=A, pricing=A), "q@b": said(payment=B), "r@c": said(payment=A)}
    one, other = check_rulesets(described, {"payment": B, "pricing": B})
    assert (one.status, one.subject, one.hint) == (
        "fail",
        "payment",
        "see the log of p@a, r@c, which says why, or restart it",
    )
    assert one.message == "judged by aaaaaaaaaaaa by p@a, r@c; bbbbbbbbbbbb by q@b; active is bbbbbbbbbbbb"
    assert (other.status, other.subject, other.hint) == (
        "fail",
        "pricing",
        "see the log of p@a, which says why, or restart it",
    )
    assert [check.status for check in check_rulesets(described, {"payment": B, "pricing": A})] == ["fail"]
    late, other = check_rulesets(described, {"payment": B, "pricing": B}, {"payment"})
    assert (late.status, late.hint) == ("warn", "it was published a moment ago; workers go over to it within 33 s")
    assert other.status == "fail"
    del described["q@b"]
    assert [check.status for check in check_rulesets(described, {"payment": A, "pricing": A})] == ["ok"]
    assert found(check_rulesets(described, {})) == [
        ("fail", domain, f"judged by aaaaaaaaaaaa by {who}; active is none")
        for domain, who in (("payment", "p@a, r@c"), ("pricing", "p@a"))
    ]


def test_a_worker_that_cannot_judge_by_what_is_published_is_named_with_its_reason_at_once() -> None:
    why = "a.grl:1:10: expected 'when', not 'unless' [grl-syntax]\n  1 | rule Big { unless"
    described = {
        "old@a": WorkerDescription(0, 0, {"payment": A}, {"payment": (B, why)}),
        "new@b": WorkerDescription(0, 0, {"payment": B}),
    }
    [check] = check_rulesets(described, {"payment": B}, {"payment"})
    assert (check.status, check.message) == (
        "fail",
        "judged by aaaaaaaaaaaa by old@a; bbbbbbbbbbbb by new@b; active is bbbbbbbbbbbb, and can't be judged by on"
        " old@a: a.grl:1:10: expected 'when', not 'unless' [grl-syntax]",
    )
    assert check.hint == "upgrade what can't, or take the ruleset back: 'rulefarm rules rollback'"
    # What it could not judge by once is nothing to it any more.
    assert [one.status for one in check_rulesets(described, {"payment": "c" * 64}, {"payment"})] == ["warn"]


def test_settings_that_lose_or_hold_up_jobs_are_named() -> None:
    good = {
        "acks_late": True,
        "prefetch": 1,
        "visibility_timeout_s": 600,
        "job_time_limit_s": 30,
        "chunk_time_limit_s": 60,
    }

    def said(**changed: object) -> WorkerDescription:
        return WorkerDescription(0, 0, {}, settings=good | changed)

    older = WorkerDescription(0, 0, {})
    assert [check.status for check in check_settings({"a": said(), "older": older})] == ["ok"]
    described = {
        "early@a": said(acks_late=False),
        "greedy@b": said(prefetch=4),
        "impatient@c": said(visibility_timeout_s=60),
        "rabbit@d": said(visibility_timeout_s=None),
    }
    assert [(check.status, check.subject) for check in check_settings(described)] == [
        ("fail", "early@a"),
        ("warn", "greedy@b"),
        ("warn", "impatient@c"),
    ]
