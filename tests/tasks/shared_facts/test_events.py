"""Jobs of one key are judged with each other, and again alike."""

import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from engine import compile_ruleset, parse_schema
from engine.schema import Stream
from rulefarm import wire
from rulefarm.batch import SUBJECT_COLUMN, encode
from rulefarm.messaging import JobMessage
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset, load_domain
from store.event_windows import RedisWindows
from store.fact_cache import CachedFacts
from tasks.judge import judge_chunk, judge_job
from tasks.shared_facts import CompleteFacts, SharedFacts, with_own_events
from tests.commands import SHARING
from tests.rows import key

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def fraud() -> LoadedRuleset:
    return load_domain(SHARING, "fraud")


@pytest.fixture
def shared(facts: ReferenceFacts) -> SharedFacts:
    return SharedFacts(CachedFacts(facts, ttl_s=5.0, size=10), RedisWindows(facts))


@pytest.fixture(scope="module")
def timed(fraud: LoadedRuleset) -> LoadedRuleset:
    """The same rules, where a payment may say when it happened."""
    text = (SHARING / "fraud" / "domain.toml").read_text(encoding="utf-8")
    text = text.replace("note = {", 'at = { kind = "date" }\nnote = {').replace(
        "window =", 'time = "Payment.at"\nwindow ='
    )
    schema, sources = (
        parse_schema(text),
        {"fraud.grl": (SHARING / "fraud" / "fraud.grl").read_text(encoding="utf-8")},
    )
    # No other test may see its windows.
    return replace(fraud, domain=f"timed-{key()}", schema=schema, program=compile_ruleset(sources, schema))


def judge(fraud: LoadedRuleset, shared: SharedFacts, seconds: float, **payment: Any) -> Verdict:
    """Judge one payment; its id says which it is."""
    text = wire.canonical({"Payment": payment})
    message = JobMessage(
        job_id=uuid.uuid5(wire.NAMESPACE, text + str(seconds)),
        domain="fraud",
        subject="x",
        facts=text,
        as_of=START + timedelta(seconds=seconds),
        enqueued_at=START,
        on_record=True,
    )
    return judge_job(fraud, message, "here", shared)


def test_a_stream_is_a_list_fact_with_the_fields_that_are_sent(fraud: LoadedRuleset) -> None:
    assert fraud.schema.streams == (Stream("payments", ("Payment", "card"), 600, 5, 1200),)
    declared = fraud.schema.facts["payments"]
    assert declared.is_list
    assert list(declared.fields) == ["payment_id", "card", "amount", "country", "note"]
    assert not any(field.required or field.minimum for field in declared.fields.values())


def test_rules_read_the_window(fraud: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    first = judge(fraud, shared, 0, card=card, amount=400, country="FR")
    assert first.outcome == "accept"
    assert first.shared_facts == {"payments": [{"card": card, "amount": 400, "country": "FR"}]}
    assert first.facts_digest == wire.digest(
        wire.canonical({"Payment": {"card": card, "amount": 400, "country": "FR"}, **(first.shared_facts or {})})
    )
    second = judge(fraud, shared, 1, card=card, amount=600.01, country="US")
    assert [reason["text"] for reason in second.reasons] == ["paid 1000.01", "2 countries"]
    third = judge(fraud, shared, 600, card=card, amount=1, country="US")
    assert third.outcome == "accept"
    assert len((third.shared_facts or {})["payments"]) == 2


def test_a_job_judged_again_sees_the_same(fraud: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    verdicts = [judge(fraud, shared, n, card=card, amount=300) for n in range(5)]
    again = [judge(fraud, shared, n, card=card, amount=300) for n in range(5)]
    for one, other in zip(verdicts, again, strict=True):
        assert (one.outcome, one.fired, one.shared_facts, one.facts_digest) == (
            other.outcome,
            other.fired,
            other.shared_facts,
            other.facts_digest,
        )


def test_what_cannot_be_judged_is_no_event(fraud: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    for bad in ({"amount": -1}, {"amount": "much"}, {}, {"amount": 1, "note": 5.5}, {"amount": 1, "risk": 3}):
        assert judge(fraud, shared, 0, card=card, **bad).outcome == "error"
    large = judge(fraud, shared, 0, card=card, amount=1, note="x" * 4_000)
    assert (large.outcome, large.reasons[0]["code"]) == ("error", "event-too-large")
    after = judge(fraud, shared, 1, card=card, amount=1)
    assert after.shared_facts == {"payments": [{"card": card, "amount": 1}]}


def test_without_a_key_a_job_has_no_window_but_its_own_event(fraud: LoadedRuleset, shared: SharedFacts) -> None:
    for n in range(4):
        assert judge(fraud, shared, n, amount=900).shared_facts == {"payments": [{"amount": 900}]}


def test_a_window_that_the_producer_sent_wins_and_nothing_is_recorded(
    fraud: LoadedRuleset, shared: SharedFacts
) -> None:
    card = key()
    text = wire.canonical({"Payment": {"card": card, "amount": 1}, "payments": [{"amount": 600}, {"amount": 600}]})
    values = {"domain": "fraud", "subject": "x", "as_of": START, "enqueued_at": START, "on_record": True}
    message = JobMessage(job_id=uuid.uuid4(), facts=text, **values)  # type: ignore[arg-type]
    assert judge_job(fraud, message, "here", shared).fired == ["Much"]
    assert judge(fraud, shared, 1, card=card, amount=1).shared_facts == {"payments": [{"card": card, "amount": 1}]}


def test_what_somebody_else_wrote_there_is_an_error_with_a_name(fraud: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    judge(fraud, shared, 0, card=card, amount=1)
    place = f"rulefarm:stream:{{fraud:payments:{card}}}:events"
    client = shared.windows._facts.redis
    client.hset(place, client.hkeys(place)[0], "{")
    assert judge(fraud, shared, 1, card=card, amount=1).reasons[0]["code"] == "fact-unreadable"


def encoded(frame: pl.DataFrame) -> bytes:
    [(_, content)] = encode(frame, len(frame))
    return content


def said(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_a_window_reaches_back_from_when_its_own_event_happened(timed: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    for n, seconds in enumerate((-600, -599, 0, -300)):
        # All judged as of the same instant, and an hour after the last of them happened.
        verdict = judge(timed, shared, 3_600, card=card, amount=n, at=said(seconds))
        assert verdict.as_of == START + timedelta(hours=1)
    assert [event["amount"] for event in (verdict.shared_facts or {})["payments"]] == [0, 1, 3]
    assert (verdict.shared_facts or {})["payments"][-1]["at"] == said(-300)
    again = judge(timed, shared, 3_600, card=card, amount=2, at=said(0))
    assert [event["amount"] for event in (again.shared_facts or {})["payments"]] == [1, 3, 2]
    assert judge(timed, shared, 3_600, card=card, amount=2, at=said(0)).shared_facts == again.shared_facts


def test_the_same_instant_is_the_same_however_it_is_written(timed: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    for written in ("2026-03-01", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00", "2026-02-28 23:59:59.999999"):
        verdict = judge(timed, shared, 0, card=card, amount=1, at=written)
    assert [event["at"] for event in (verdict.shared_facts or {})["payments"]] == ["2026-02-28 23:59:59.999999"]
    verdict = judge(timed, shared, 0, card=card, amount=1, at="2026-03-01")
    assert len((verdict.shared_facts or {})["payments"]) == 4


def test_an_event_that_does_not_say_when_happened_when_it_is_judged(timed: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    judge(timed, shared, 0, card=card, amount=1, at=said(-1))
    verdict = judge(timed, shared, 0, card=card, amount=2, at=None)
    assert [(event["amount"], event["at"]) for event in (verdict.shared_facts or {})["payments"]] == [
        (1, said(-1)),
        (2, said(0)),
    ]
    assert judge(timed, shared, 0, amount=3).shared_facts == {"payments": [{"amount": 3, "at": said(0)}]}


@pytest.mark.parametrize("at", ["yesterday", "", "9999-12-31T23:59:59-01:00"])
def test_a_time_that_is_none_is_an_error_and_no_event(timed: LoadedRuleset, shared: SharedFacts, at: str) -> None:
    card = key()
    verdict = judge(timed, shared, 0, card=card, amount=1, at=at)
    assert (verdict.outcome, [reason["code"] for reason in verdict.reasons]) == ("error", ["event-time"])
    assert judge(timed, shared, 0, card=card, amount=1, at=7).reasons[0]["code"] == "facts-rejected"
    assert len((judge(timed, shared, 0, card=card, amount=1).shared_facts or {})["payments"]) == 1


def test_an_event_that_is_sent_late_is_seen_as_long_as_events_are_kept(
    timed: LoadedRuleset, shared: SharedFacts
) -> None:
    card = key()
    judge(timed, shared, 0, card=card, amount=1, at=said(0))
    judge(timed, shared, 0, card=card, amount=2, at=said(1_799))
    assert len((judge(timed, shared, 0, card=card, amount=3, at=said(1)).shared_facts or {})["payments"]) == 2
    judge(timed, shared, 0, card=card, amount=4, at=said(1_801))
    assert len((judge(timed, shared, 0, card=card, amount=5, at=said(2)).shared_facts or {})["payments"]) == 1


def test_an_event_from_the_future_pushes_out_none_of_today(timed: LoadedRuleset, shared: SharedFacts) -> None:
    card, today = key(), datetime.now(UTC)
    judge(timed, shared, 0, card=card, amount=1, at=today.isoformat())
    judge(timed, shared, 0, card=card, amount=2, at=(today + timedelta(days=40_000)).isoformat())
    verdict = judge(timed, shared, 0, card=card, amount=3, at=(today + timedelta(seconds=1)).isoformat())
    assert [event["amount"] for event in (verdict.shared_facts or {})["payments"]] == [1, 3]


def test_the_rows_of_a_chunk_have_each_their_own_time(timed: LoadedRuleset, shared: SharedFacts) -> None:
    card = key()
    rows = [{"payment_id": f"p{n}", "card": card, "amount": n, "at": said(300 * n)} for n in range(20)]
    random.Random(1).shuffle(rows)
    frame = pl.DataFrame({SUBJECT_COLUMN: [row["payment_id"] for row in rows], "at": [row["at"] for row in rows]})
    frame = frame.with_columns(card=pl.lit(card), amount=pl.Series([row["amount"] for row in rows]))
    chunk = {
        "facts": encoded(frame),
        "form": "columns",
        "batch": uuid.uuid4(),
        "as_of": START,
        "enqueued_at": START,
        "domain": timed.domain,
    }
    for _ in range(2):
        for verdict in judge_chunk(timed, chunk, "here", shared):
            n = int(verdict.subject[1:])
            assert [event["amount"] for event in (verdict.shared_facts or {})["payments"]] == [n - 1, n][n == 0 :]
    dates = frame.with_columns(pl.col("at").str.to_datetime(time_zone="UTC"), card=pl.lit(key()))
    [first, *_] = judge_chunk(timed, {**chunk, "facts": encoded(dates), "batch": uuid.uuid4()}, "here", shared)
    assert len((first.shared_facts or {})["payments"]) == 2 - (first.subject == "p0")


def test_without_a_farm_a_window_holds_the_event_itself(fraud: LoadedRuleset) -> None:
    seen = with_own_events(
        fraud.schema, CompleteFacts({"Payment": {"card": "c", "amount": 7, "risk": 1, "other": 2}}, {}), START
    )
    assert seen.document["payments"] == [{"card": "c", "amount": 7}]
    assert with_own_events(fraud.schema, CompleteFacts({}, {}), START).document["payments"] == []
    own = {"Payment": {"amount": 1}, "payments": [{"amount": 3}]}
    assert with_own_events(fraud.schema, CompleteFacts(own, {}), START).document == own
