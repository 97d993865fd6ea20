"""What became of which outcome is counted exactly, and blamed on the rules that decide otherwise."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rulesets.budget import BudgetRejected, broken, parse_budget
from rulesets.differences import names_after
from rulesets.flips import MAX_CAUSES, Cause, Example, Impact, compare_answers
from tests.rulesets.test_differences import HEAD, ROWS, program, rules

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BIG = 'rule Big { when Order.total > 1000 then Review("big"); }\n'
HUGE = 'rule Huge { when Order.total > 5000 then Reject("huge"); }\n'
FLAG = 'rule Flag { when Order.total > 10 then Order.country = "XX"; }\n'
WRITES = {"a.grl": FLAG}
#: Files before, files after, facts, and what is said of them: a cause, True for another answer, or False.
CASES: dict[str, tuple[dict[str, str], dict[str, str], dict[str, Any], Cause | bool]] = {
    "nothing": (rules(BIG), rules(BIG), {"total": 2000}, False),
    "another name": (rules(BIG), rules(BIG.replace("Big", "Large")), {"total": 2000}, True),
    "a new rule": (rules(BIG), rules(BIG, HUGE), {"total": 6000}, Cause("review", "reject", (), ("Huge",))),
    "a rule is gone": (rules(BIG, HUGE), rules(BIG), {"total": 6000}, Cause("reject", "review", ("Huge",), ())),
    "its condition": (
        rules(BIG),
        rules(BIG.replace("> 1", "> 2")),
        {"total": 1500},
        Cause("review", "accept", ("Big",)),
    ),
    "what it asks for": (
        rules(BIG),
        rules(BIG.replace("Review", "Reject")),
        {"total": 1500},
        Cause("review", "reject", ("Big",), ("Big",)),
    ),
    "its words alone": (rules(BIG), rules(BIG.replace('"big"', '"large"')), {"total": 1500}, True),
    "what it writes": (rules(FLAG), rules(FLAG.replace("XX", "YY")), {"total": 15}, True),
    "another rule takes its place": (
        rules(HUGE),
        rules(HUGE.replace("Huge", "Vast").replace("Reject", "Review")),
        {"total": 6000},
        Cause("reject", "review", ("Huge",), ("Vast",)),
    ),
    "facts that break the schema": (rules(BIG), rules(HUGE), {"total": -1}, False),
    "a row above": (
        {"t.csv": HEAD + "".join(ROWS[1:])},
        {"t.csv": HEAD + "".join(ROWS)},
        {"country": "C3", "total": 5},
        False,
    ),
    "a row above that counts": (
        {"t.csv": HEAD + "".join(ROWS[1:])},
        {"t.csv": HEAD + '-,"C3",> 4,"early"\n'.replace("-", "") + "".join(ROWS)},
        {"country": "C3", "total": 5},
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_whose_doing_it_is(name: str) -> None:
    before, after, order, wanted = CASES[name]
    one, other = program(before), program(after)
    facts = {"Order": order}
    answers = [[each.evaluate(facts, as_of=NOW).to_json()] for each in (one, other)]
    impact, flipped = compare_answers(*answers, names_after(one, other))
    outcomes = [answer["outcome"] for [answer] in answers]
    assert impact.matrix == {tuple(outcomes): 1}
    assert impact.rows == 1
    assert flipped.get(0, bool(impact.otherwise)) == wanted


def counted(n: int, *, value: str | None = "1.10") -> Impact:
    """One flip of its own cause, and one row that stays."""
    impact = Impact(2, 0, 1, {("accept", "reject"): 1, ("review", "review"): 1})
    example = Example(f"s{n}", {"Order": {"total": n}}, NOW)
    impact.count(Cause("accept", "reject", (), (f"R{n}",)), None if value is None else Decimal(value), example)
    return impact


def test_parts_add_up_whichever_way_they_came() -> None:
    parts = [counted(n, value=None if n == 7 else "0.10") for n in range(10)]
    whole, sent = Impact(), Impact()
    for part in parts:
        whole.add(part)
    for part in reversed(parts):
        sent.add(Impact.from_json(json.loads(json.dumps(part.to_json()))))
    assert whole.rows == sent.rows == 20
    assert whole.flips == 10
    assert whole.otherwise == 10
    assert whole.became("reject") == 10
    assert whole.sum_of() == sent.sum_of() == (Decimal("0.90"), 1)
    assert whole.sum_of("review") == (0, 0)
    assert whole.blamed() == sent.blamed()
    assert whole.blamed()["R3"] == (0, 1)
    assert {cause: one.example for cause, one in whole.causes.items()} == {
        cause: one.example for cause, one in sent.causes.items()
    }


def test_of_very_many_causes_the_rest_is_counted_together() -> None:
    whole = Impact()
    for n in range(MAX_CAUSES + 30):
        whole.add(counted(n))
    assert len(whole.causes) == MAX_CAUSES + 1
    assert whole.causes[Cause("accept", "reject")].count == 30
    assert whole.flips == sum(one.count for one in whole.causes.values()) == MAX_CAUSES + 30
    assert len(json.dumps(whole.to_json())) < 200_000


IMPACT = Impact(
    1000, 0, 0, {("accept", "reject"): 5, ("accept", "error"): 1, ("reject", "accept"): 2, ("review",) * 2: 992}
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("flips<0.8%", ["flips"]),
        ("flips<=0.8%", []),
        ("flips < 9, reject_new<5,errors_new=0", ["reject_new", "errors_new"]),
        ("error_new<=1,accept_new=2,review_new=0", []),
        ("accept_new=0%", ["accept_new"]),
    ],
)
def test_a_budget_names_what_breaks_it(text: str, names: list[str]) -> None:
    limits = parse_budget(text)
    found = broken(limits, IMPACT)
    assert [one.split(": ")[1].split(" ")[0] for one in found] == names
    assert broken(limits, Impact()) == [] or "=2" in text


@pytest.mark.parametrize("text", ["", "flips", "flips>3", "flips<-1", "flips<1e3", "flops<1", "flips<1%%", "flips<1,,"])
def test_what_is_no_budget_is_refused_by_name(text: str) -> None:
    with pytest.raises(BudgetRejected) as refused:
        parse_budget(text)
    assert refused.value.code == "bad-budget"
