"""A replay says of every line what a farm would say, with windows in memory that are those of Redis."""

import io
import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.schema import Stream
from rulefarm.reference_facts import ReferenceFacts
from rulesets.loader import LoadedRuleset, load_domain
from store.event_windows import Event, Windows
from tasks.replay import KnownFacts, Replayed, replay
from tasks.shared_facts import MemoryWindows
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.commands import SHARING

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
#: Ten minutes, at most five events, kept for twenty minutes more.
STREAM = Stream("payments", ("Payment", "card"), 600, 5, 1200)


@pytest.fixture
def domain(facts: ReferenceFacts) -> Iterator[str]:
    name = f"d{uuid.uuid4().hex}"
    yield name
    for place in facts.redis.scan_iter(match=f"rulefarm:stream:{{{name}:*", count=1000):
        facts.redis.delete(place)


def sequence(seed: int) -> list[list[Event]]:
    """Events as they arrive, one or a chunk at a time: mostly later than the one before, some late, again, or from the
    future, several at one instant."""
    pick = random.Random(seed)
    made: list[Event] = []
    arrivals, now = [], 0.0
    for _ in range(300):
        now += pick.choice((0, 0, 1, 30, 200, 599.999999, 600, 1_800, 4_000))
        arrived = []
        for _ in range(pick.choice((1, 1, 1, 1, 3, 12))):
            if made and pick.random() < 0.1:
                arrived.append(pick.choice(made[-20:]))
                continue
            # Later than `late`, what is left is anybody's guess.
            seconds = now - pick.choice((0, 0, 0, 1, 600, 1_199)) + pick.choice((0,) * 20 + (10_000_000,))
            name = f"job{pick.randrange(10**6):06}"
            arrived.append(Event(name, pick.choice("abc"), START + timedelta(seconds=seconds), json.dumps({"n": name})))
            made.append(arrived[-1])
        # One job is one event.
        arrivals.append(list({event.job_id: event for event in arrived}.values()))
    return arrivals


@pytest.mark.parametrize("seed", range(8))
def test_windows_in_memory_are_those_of_redis(facts: ReferenceFacts, domain: str, seed: int) -> None:
    arrivals = sequence(seed)
    last = max(event.at for events in arrivals for event in events if event.at < START + timedelta(days=100))
    kept, held = Windows(facts, clock=last.timestamp), MemoryWindows(last.timestamp)
    for events in arrivals:
        assert held.record(domain, STREAM, events) == kept.record(domain, STREAM, events)


def test_old_keys_are_forgotten(facts: ReferenceFacts) -> None:
    windows = MemoryWindows((START + timedelta(days=400)).timestamp)
    most = 0
    for n in range(30_000):
        # One in a thousand claims to be of next year.
        at = START + timedelta(seconds=n) + timedelta(days=365 if n % 1_000 == 500 else 0)
        windows.record("d", STREAM, [Event(f"{n:012}", f"card{n % 7_919}-{n // 7_919}", at, "{}")])
        if n % 20 == 0:
            most = max(most, windows.held())
    # As many as come in the half hour of the window, while the sweep is due, and those from the future.
    assert most <= 1_800 + 2 * 1_000 + 30
    one = MemoryWindows((START + timedelta(days=400)).timestamp)
    for n in range(5_000):
        one.record("d", STREAM, [Event(f"{n:012}", "card", START + timedelta(seconds=n / 100), "{}")])
        assert n % 20 or one.held() <= 2 * STREAM.max_events


@pytest.fixture(scope="module")
def fraud() -> LoadedRuleset:
    return load_domain(SHARING, "fraud")


def replayed(fraud: LoadedRuleset, *lines: object, **more: Any) -> list[Replayed]:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    arguments = {"known": KnownFacts({}), "as_of": None, "clock": START.timestamp} | more
    return list(replay(fraud, io.StringIO(text), **arguments))


def paid(card: str | None, amount: object, country: str = "FR") -> dict[str, Any]:
    return {"Payment": {"payment_id": "p", "card": card, "amount": amount, "country": country}}


def test_a_line_is_judged_with_the_lines_before_it(fraud: LoadedRuleset) -> None:
    lines = replayed(fraud, paid("a", 400), paid("b", 700), paid("a", 400, "US"), paid("a", 400))
    assert [line.evaluation.fired for line in lines] == [[], [], ["Roaming"], ["Often", "Much", "Roaming"]]
    assert [(line.number, line.subject) for line in lines] == [(n, "p") for n in (1, 2, 3, 4)]


def test_a_bad_line_has_its_number_and_stops_nothing(fraud: LoadedRuleset) -> None:
    bad = ["{", "[1]", '{"Payment": {"amount": NaN}}', '{"Payment": {"note": "\udcff"}}', "x" * 13_000_000]
    lines = replayed(fraud, paid("a", 600), "", *bad, paid("a", "much"), paid("a", 600))
    codes = {line.number: [reason.code for reason in line.evaluation.reasons] for line in lines}
    assert codes == {
        1: [],
        3: ["bad-json"],
        4: ["bad-facts"],
        5: ["bad-number"],
        6: ["bad-text"],
        7: ["bad-json"],
        8: ["facts-rejected"],
        9: [None],
    }
    assert lines[-1].evaluation.fired == ["Much"]


def test_reference_facts_come_from_a_document() -> None:
    credit = load_domain(SHARING, "credit")
    known = KnownFacts({"Customer": {"7": {"limit": 10}, "8": 3}})
    orders = [{"Order": {"order_id": f"o{n}", "household_id": str(n), "store": 1, "total": 11}} for n in (7, 8, 9)]
    lines = replayed(credit, *orders, known=known)
    assert [line.evaluation.outcome for line in lines] == ["reject", "error", "error"]
    assert [line.evaluation.reasons[0].code for line in lines[1:]] == ["fact-unreadable", "fact-missing"]


def test_a_line_is_judged_as_of_its_own_time_unless_told(tmp_path: Path) -> None:
    folder = tmp_path / "timed"
    folder.mkdir()
    text = (SHARING / "fraud" / "domain.toml").read_text()
    text = text.replace("note = {", 'at = { kind = "date" }\nnote = {').replace(
        "window =", 'time = "Payment.at"\nwindow ='
    )
    (folder / "domain.toml").write_text(text)
    rule = 'rule "Old" date-expires "2020-01-01" { when Payment.amount > 0 then Review("old"); }\n'
    (folder / "rules.grl").write_text(rule + (SHARING / "fraud" / "fraud.grl").read_text())
    timed = load_domain(tmp_path, "timed")
    ats = ["2019-12-31T23:59:00Z", "2020-01-01T00:00:00Z", "2020-01-01T00:09:00Z", None, 7, "never"]
    lines = [{"Payment": {"card": "a", "amount": 600, "at": at}} for at in ats]
    fired = [line.evaluation.fired for line in replayed(timed, *lines)]
    assert fired == [["Old"], ["Much"], ["Much"], [], [], []]
    codes = [[reason.code for reason in line.evaluation.reasons] for line in replayed(timed, *lines)[4:]]
    assert codes == [["facts-rejected"], ["event-time"]]
    now = [line.evaluation.fired for line in replayed(timed, *lines, as_of=START)]
    assert now == [[], ["Much"], ["Much"], [], [], []]


def test_eval_replays_a_file(run: Run, tmp_path: Path) -> None:  # noqa: F811 - a fixture
    lines = [json.dumps(paid("a", 400)), json.dumps(paid("a", 601)), "{", json.dumps(paid("b", 1))]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(lines))
    environ = {"RULEFARM_RULESETS": str(SHARING)}
    done = run("eval", "fraud", str(file), **environ)
    assert done.returncode == 1
    first, second, summary = done.stdout.splitlines()
    assert first.split() == ["2", "p", "reject", "Much"]
    assert second.split()[:3] == ["3", "-", "error"]
    assert "no JSON" in second
    assert summary.startswith("4 lines in ")
    assert summary.endswith("accept 2 (50.00%), review 0 (0.00%), reject 1 (25.00%), error 1 (25.00%)")
    done = run("eval", "fraud", str(file), "--json", **environ)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents[0] == {
        "line": 2,
        "subject": "p",
        "outcome": "reject",
        "fired": ["Much"],
        "reasons": [{"rule": "Much", "outcome": "reject", "text": "paid 1001", "code": None}],
    }
    assert documents[-1]["outcomes"] == {"accept": 2, "review": 0, "reject": 1, "error": 1}
    assert run("eval", "fraud", str(file), "--explain", **environ).returncode == 2
    assert "can't be read" in run("eval", "fraud", "nowhere.jsonl", **environ).stderr
