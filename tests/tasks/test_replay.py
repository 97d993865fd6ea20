"""A replay says of every line what a farm would say."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rulesets.loader import LoadedRuleset, load_domain
from tasks.replay import DocumentFacts, Replayed, replay
from tasks.replay_rows import rows_of_lines
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tests.commands import SHARING

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def fraud() -> LoadedRuleset:
    return load_domain(SHARING, "fraud")


def replayed(fraud: LoadedRuleset, *lines: object, **more: Any) -> list[Replayed]:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    arguments = {"reference": DocumentFacts({}), "as_of": None, "clock": START.timestamp} | more
    return list(replay(fraud, rows_of_lines(io.StringIO(text), fraud), **arguments))


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
    known = DocumentFacts({"Customer": {"7": {"limit": 10}, "8": 3}})
    orders = [{"Order": {"order_id": f"o{n}", "household_id": str(n), "store": 1, "total": 11}} for n in (7, 8, 9)]
    lines = replayed(credit, *orders, reference=known)
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
    rule = 'rule "Old" date-expires "2020-01-01T00:00:00Z" { when Payment.amount > 0 then Review("old"); }\n'
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
