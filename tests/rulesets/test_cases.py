"""Cases as data: what a case may say, and what is said about one that fails or is malformed."""

from pathlib import Path

import pytest

from rulesets.cases import CasesRejected, run_cases
from rulesets.loader import load_domain

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text", required = true }
total = { kind = "number" }
band = { kind = "text", derived = true }
[facts.Line]
list = true
[facts.Line.fields]
qty = { kind = "number" }
"""
RULES = """
rule "Large" { when Order.total > 100 then Review("large"); Order.band = "high"; }
rule "Bulk" { when exists(Line.qty > 9) then Review("bulk"); }
"""
BASE = """
as_of = 2026-03-02T12:00:00Z
[base.Order]
id = "1"
total = 150
[[base.Line]]
qty = 10
"""


def results(root: Path, cases: str) -> list[tuple[str, ...]]:
    folder = root / "orders"
    folder.mkdir()
    (folder / "domain.toml").write_text(SCHEMA)
    (folder / "rules.grl").write_text(RULES)
    (folder / "cases.toml").write_text(cases)
    return [result.differences for result in run_cases(load_domain(root, "orders"))]


def test_a_case_that_holds_passes(tmp_path: Path) -> None:
    case = '[[case]]\nname="a"\noutcome="review"\nfired=["Large","Bulk"]\nchanges={"Order.band"="high"}\n'
    assert results(tmp_path, BASE + case) == [()]


def test_facts_are_laid_over_the_base_and_lists_replace_it(tmp_path: Path) -> None:
    case = (
        '[[case]]\nname="a"\nfacts.Order.total=5\noutcome="review"\nfired=["Bulk"]\n'
        '[[case]]\nname="b"\nfacts.Line=[]\noutcome="review"\nfired=["Large"]\n'
        '[[case]]\nname="c"\nwithout=["Order.total","Line"]\noutcome="accept"\nfired=[]\nchanges={}\n'
    )
    assert results(tmp_path, BASE + case) == [(), (), ()]


def test_every_difference_is_named(tmp_path: Path) -> None:
    case = '[[case]]\nname="a"\noutcome="reject"\nfired=["Bulk","Large"]\nchanges={}\n'
    assert results(tmp_path, BASE + case) == [
        (
            "the outcome is review, not reject",
            "fired: Large, Bulk; expected: Bulk, Large",
            "changes: {'Order.band': 'high'}; expected: {}",
        )
    ]


def test_facts_that_break_the_schema_say_why(tmp_path: Path) -> None:
    case = '[[case]]\nname="a"\nfacts.Order.total="many"\noutcome="accept"\nfired=[]\n'
    (differences,) = results(tmp_path, BASE + case)
    assert differences[0] == "the outcome is error, not accept"
    assert differences[-1].startswith("error facts-rejected: ")
    assert "total" in differences[-1]


def test_an_expected_error_is_a_case_too(tmp_path: Path) -> None:
    assert results(tmp_path, BASE + '[[case]]\nname="a"\nwithout=["Order.id"]\noutcome="error"\nfired=[]\n') == [()]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("case = 5", "'base' has to be a table and 'case' a list of tables"),
        ('[[case]]\noutcome="accept"\nfired=[]', "case 1: 'name' has to be a text"),
        ('[[case]]\nname="a"\nfired=[]', "case 1 \\(a\\): 'outcome' has to be a text"),
        ('[[case]]\nname="a"\noutcome="accept"', "case 1 \\(a\\): 'fired' has to be a list"),
        ('[[case]]\nname="a"\noutcome="accept"\nfired=[]\nfire=[]', "case 1: a case has no 'fire'"),
        ('[[case]]\nname="a"\nwithout=["Order.gone"]\noutcome="accept"\nfired=[]', "no 'Order.gone' to leave out"),
        ('[[case]]\nname="a"\nas_of=2026-03-02\noutcome="accept"\nfired=[]', "no moment to judge it at"),
        ('[[case]]\nname="a"\nas_of=9999-12-31T23:00:00-12:00\noutcome="accept"\nfired=[]', "years 1 to 9999"),
        ('[[case]]\nname="a"\nas_of=0001-01-01T00:00:00+14:00\noutcome="accept"\nfired=[]', "years 1 to 9999"),
        ("[[case", "can't read .*cases.toml"),
        ("x = " + "[" * 3_000 + "]" * 3_000, "can't read .*cases.toml"),
        ("x = " + "9" * 5_000, "can't read .*cases.toml"),
    ],
)
def test_a_malformed_case_is_named(tmp_path: Path, cases: str, message: str) -> None:
    with pytest.raises(CasesRejected, match=message):
        results(tmp_path, BASE + cases if cases.startswith("[[case]]") else cases)


def test_a_domain_without_cases_has_no_results(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "domain.toml").write_text(SCHEMA)
    (folder / "rules.grl").write_text(RULES)
    assert run_cases(load_domain(tmp_path, "orders")) == []
