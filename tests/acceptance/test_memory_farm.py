"""What a producer sees of the farm in memory is what it sees of the real one: the same cases on both."""

import inspect
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rulefarm import Farm, JobDead, JobRejected, NotFound, QueueFull, RulefarmError, SettingsError, VerdictPending
from rulefarm.testing import MemoryFarm
from tests.commands import RULESETS, SHARING
from tests.shared_farm import SharedFarm

PRODUCT = {"Product": {"sku": "a"}}
BIG, SMALL = {"Order": {"total": 20_000}}, {"Order": {"total": 1}}
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
# The fixture below asks for the farm by its name, which nobody sees beforehand.
SharedFarm.files.add(Path(__file__))
#: What only services have.
OF_SERVICES = {"from_env", "submit_batch", "send_batch", "free_slots", "require_ledger"}


# What starts services for its sake is one of theirs, which a fixture that is asked for by name does not tell.
@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.services), "memory"])
def any_farm(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "real":
        yield request.getfixturevalue("farm")
    else:
        with MemoryFarm(RULESETS) as farm:
            yield farm


def answer(verdict: Any) -> tuple[Any, ...]:
    return verdict.outcome, verdict.fired, verdict.reasons, verdict.changes, verdict.warnings, verdict.subject


def test_jobs_and_verdicts_are_the_same(any_farm: Any) -> None:
    key = uuid.uuid4().hex
    job = any_farm.submit("pricing", {"Product": {"sku": "a", "price": 1, "cost": 2, "cots": 3}}, key=key, as_of=AS_OF)
    assert (job.domain, job.subject, job.as_of, job.on_record, job.sent) == ("pricing", key, AS_OF, True, True)
    reason = {"rule": "UnderCost", "outcome": "reject", "text": "price is under cost", "code": None}
    warning = "Product has no field 'cots' (did you mean 'cost'?)"
    verdict = job.wait(60)
    assert answer(verdict) == ("reject", ["UnderCost"], [reason], {}, [warning], key)
    assert any_farm.verdict(job.id) == any_farm.verdict(str(job.id)) == any_farm.wait(job) == verdict
    broken = any_farm.evaluate("pricing", {"Product": {"sku": "a"}}, timeout=60)
    assert (broken.outcome, broken.reasons[0]["code"]) == ("error", "facts-rejected")
    assert broken.subject == str(broken.id)


@pytest.mark.parametrize("timeout", [float("nan"), "30"], ids=["nan", "text"])
def test_a_wait_that_is_no_number_is_refused_before_anything_is_taken(any_farm: Any, timeout: Any) -> None:
    key, product = uuid.uuid4().hex, {"Product": {"sku": "a", "price": 1}}
    calls: dict[str, Callable[[], Any]] = {
        "wait_for_room": lambda: any_farm.submit("pricing", product, key=key, wait_for_room=timeout),
        "wait_for_room of many": lambda: any_farm.submit_many("pricing", [(key, product)], wait_for_room=timeout),
        "timeout": lambda: any_farm.evaluate("pricing", product, key=key, timeout=timeout),
    }
    for name, call in calls.items():
        with pytest.raises(SettingsError, match=f"{name.split()[0]} is a number of seconds") as caught:
            call()
        assert caught.value.code == "bad-timeout"
    job = any_farm.submit("pricing", product, key=key)
    for wait in (lambda: job.wait(timeout), lambda: any_farm.wait(job, timeout)):
        with pytest.raises(SettingsError, match="timeout is a number of seconds"):
            wait()
    assert any_farm.wait(job, 60).outcome == any_farm.wait(job, None).outcome


def test_a_key_is_one_job(any_farm: Any) -> None:
    key, product = uuid.uuid4().hex, {"Product": {"sku": "a", "price": 1}}
    first, again = (any_farm.submit("pricing", product, key=key) for _ in range(2))
    assert (again.id, again.as_of, again.enqueued_at) == (first.id, first.as_of, first.enqueued_at)
    assert first.wait(60) == again.wait(60)
    other = any_farm.submit("pricing", {"Product": {"sku": "a", "price": 2}}, key=key)
    later = any_farm.submit("pricing", product, key=key, as_of=AS_OF)
    pinned = any_farm.submit("pricing", product, key=key, digest=first.wait(60).ruleset_digest)
    assert len({first.id, other.id, later.id, pinned.id}) == 4
    assert pinned.wait(60).ruleset_digest == first.wait(60).ruleset_digest
    assert later.as_of == AS_OF
    one, two = any_farm.submit_many("pricing", [(key, product), product])
    assert one.id == first.id != two.id


@pytest.mark.parametrize(
    ("domain", "facts", "options", "code"),
    [
        ("pricng", PRODUCT, {}, "unknown-domain"),
        ("Not A Name", PRODUCT, {}, "unknown-domain"),
        ("pricing", [1], {}, "bad-facts"),
        ("pricing", {}, {}, "bad-facts"),
        ("pricing", {"Product": {"price": float("nan")}}, {}, "bad-number"),
        ("pricing", {"Product": {"price": object()}}, {}, "bad-facts"),
        ("pricing", PRODUCT, {"key": ""}, "bad-key"),
        ("pricing", PRODUCT, {"key": "x" * 10_000}, "bad-key"),
        ("pricing", PRODUCT, {"as_of": "2026-03-01"}, "bad-as-of"),
        ("pricing", PRODUCT, {"as_of": datetime(2026, 3, 1)}, "bad-as-of"),
        ("pricing", PRODUCT, {"digest": "5afe"}, "bad-digest"),
        ("pricing", PRODUCT, {"digest": "0" * 64}, "unknown-ruleset"),
    ],
)
def test_what_is_refused_is_refused_by_the_same_code(
    any_farm: Any, domain: str, facts: Any, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(JobRejected) as caught:
        any_farm.submit(domain, facts, **options)
    assert caught.value.code == code
    of_all = {name: value for name, value in options.items() if name != "key"}
    with pytest.raises(RulefarmError) as caught_of_many:
        any_farm.submit_many(domain, [{"Product": {"sku": "a"}}, (options.get("key"), facts)], **of_all)
    assert caught_of_many.value.code == code


def test_what_is_not_there_is_not_found(any_farm: Any) -> None:
    for ask, code in [
        (lambda: any_farm.verdict(uuid.uuid4()), "no-such-job"),
        (lambda: any_farm.verdict("x"), "no-such-id"),
        (lambda: any_farm.batch(uuid.uuid4()), "no-such-batch"),
        (lambda: any_farm.batch("x"), "no-such-id"),
    ]:
        with pytest.raises(NotFound) as caught:
            ask()
        assert caught.value.code == code
    assert any_farm.submit_many("pricing", []) == []


def test_the_face_is_the_same() -> None:
    def parameters(method: Any) -> list[tuple[str, Any, Any]]:
        return [(each.name, each.kind, each.default) for each in inspect.signature(method).parameters.values()]

    public = {name for name, each in vars(Farm).items() if not name.startswith("_") and callable(each)}
    for name in public - OF_SERVICES - {"facts"}:
        assert parameters(getattr(MemoryFarm, name)) == parameters(getattr(Farm, name)), name


def test_facts_are_looked_up_and_events_remembered() -> None:
    with MemoryFarm(SHARING) as farm:
        farm.facts.put("Customer", "h1", {"limit": 10})
        farm.facts.put_many("Store", [(7, {"region": "N"})])
        order = {"Order": {"order_id": "o", "household_id": "h1", "store": 7, "total": 11}}
        verdict = farm.evaluate("credit", order)
        assert (verdict.outcome, verdict.fired) == ("reject", ["OverLimit"])
        assert verdict.shared_facts is not None
        assert verdict.shared_facts["Customer"] == {"limit": 10}
        assert (farm.facts.get("Customer", "h1"), list(farm.facts.list("Customer"))) == ({"limit": 10}, ["h1"])
        assert (farm.facts.delete("Customer", "h1", "h2"), farm.facts.get("Customer", "h1")) == (1, None)
        assert farm.evaluate("credit", order).outcome == "error"
        paid = {"Payment": {"payment_id": "p", "card": "a", "amount": 600, "country": "FR"}}
        assert [farm.evaluate("fraud", paid).fired for _ in range(2)] == [[], ["Much"]]


def test_canned_answers_need_no_engine() -> None:
    def by_total(key: str, facts: dict[str, Any]) -> Any:
        if facts["Order"]["total"] < 0:
            raise JobDead("job-dead", f"{key} is dead")
        return {"outcome": "review", "fired": ["Large"]} if facts["Order"]["total"] > 100 else "accept"

    with MemoryFarm(answers={"payment": by_total, "fraud": None, "pricing": "reject"}) as farm:
        assert farm.evaluate("payment", SMALL).outcome == "accept"
        assert farm.evaluate("payment", BIG).fired == ["Large"]
        assert farm.evaluate("pricing", PRODUCT).outcome == "reject"
        dead = farm.submit("payment", {"Order": {"total": -1}}, key="k")
        with pytest.raises(JobDead, match="k is dead"):
            dead.wait()
        late = farm.submit("fraud", PRODUCT)
        assert farm.verdict(late.id) is None
        with pytest.raises(VerdictPending):
            late.wait()
        farm.answers["fraud"] = "accept"
        assert late.wait().outcome == "accept"
        farm.fail(QueueFull("queue-full", "full"))
        with pytest.raises(QueueFull):
            farm.submit("payment", SMALL)
        assert len(farm.jobs) == 5
        assert farm.submit("payment", SMALL, connection=object()).sent is False
        with pytest.raises(JobRejected, match="no domain 'promotion'"):
            farm.submit("promotion", PRODUCT)


def test_without_the_engine_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rulesets.loader", None)
    with pytest.raises(SettingsError) as caught:
        MemoryFarm()
    assert caught.value.code == "no-engine"


def test_the_example_of_the_page_does_what_it_says() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "docs/testing.md", "exec"), names)
    ran = [each() for name, each in names.items() if name.startswith("test_")]
    assert len(ran) >= 3
