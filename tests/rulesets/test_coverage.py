"""What no case fires, and by which branch no rule does, is named."""

from pathlib import Path

from rulesets.coverage import coverage
from rulesets.loader import load_domain

SCHEMA = (
    'subject = "Order"\nkey = "id"\n[facts.Order.fields]\nid = { kind = "text" }\n'
    'total = { kind = "number" }\ncountry = { kind = "text" }\nvip = { kind = "boolean" }\n'
)
RULES = """
rule Either { when Order.total > 100 || (Order.country == "FR" && (Order.vip || Order.total > 50)) then Review("a"); }
rule Twice { when Order.total > 10 && Order.total < 13 then Order.total = Order.total + 1; }
rule Never { when Order.total < 0 || Order.vip then Reject("b"); }
rule Plain { when Order.country == "FR" then Log("c"); }
"""
TABLE = 'F,when Order.total,then Reject\n,"> 1000","over"\n,"> 2000","far over"\n'


def folder(root: Path, cases: str) -> Path:
    """A domain with rules of every kind, and these cases."""
    domain = root / "shop"
    domain.mkdir()
    (domain / "domain.toml").write_text(SCHEMA)
    (domain / "a.grl").write_text(RULES)
    (domain / "limits.csv").write_text(TABLE)
    (domain / "cases.toml").write_text("as_of = 2026-03-02T12:00:00Z\n" + cases)
    return root


def case(facts: str) -> str:
    """A case with these fields of an order; what it asks for is no matter here."""
    return f'[[case]]\nname = "x"\noutcome = "accept"\nfired = []\nfacts = {{ Order = {{ id = "a", {facts} }} }}\n'


def test_each_rule_and_row_has_the_number_of_cases_that_fire_it_and_each_branch_that_of_its_own(tmp_path: Path) -> None:
    cases = case("total = 2500") + case('total = 60, country = "FR"') + case("total = 11")
    found = {one.rule.name: one for one in coverage(load_domain(folder(tmp_path, cases), "shop"))}
    assert {name: one.fired for name, one in found.items()} == {
        "Either": 2, "Twice": 1, "Never": 0, "Plain": 1, "limits#1": 1, "limits#2": 0
    }  # fmt: skip
    assert found["Either"].branches == {
        "Order.total > 100": 1,
        'Order.country == "FR" && (Order.vip || Order.total > 50)': 1,
        "Order.vip": 0,
        "Order.total > 50": 2,
    }
    assert found["Either"].missed == ("Order.vip",)
    assert (found["Twice"].branches, found["Never"].branches) == ({}, {})
    assert [one.table for one in found.values()] == ["", "", "", "", "limits", "limits"]


def test_a_domain_without_cases_has_nothing_covered(tmp_path: Path) -> None:
    root = folder(tmp_path, "")
    (root / "shop" / "cases.toml").unlink()
    assert {one.fired for one in coverage(load_domain(root, "shop"))} == {0}
