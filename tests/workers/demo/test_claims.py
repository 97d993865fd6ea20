"""What the demo says of what it measured: ratios, claims, and what limits them."""

from dataclasses import replace

import pytest

from tests.workers.demo.reports import REPORT


def test_every_comparison_is_a_ratio_beside_the_claim() -> None:
    found = [(row.what, pytest.approx(row.ratio), row.claimed) for row in REPORT.rows()]
    assert found == [
        ("price check, engine", 2.0, 20.0),
        ("price check, answer", 1.1, 20.0),
        ("nightly, 2 processes", 1.6, None),
        ("nightly, 4 processes", 1.25, None),
        ("nightly, 3 nodes, a part of the rules each", 0.8, 3.0),
        ("CPU for it, 3 nodes", 2.0, 1.1),
    ]


def test_the_limits_are_said_with_what_was_measured() -> None:
    said = "\n".join(REPORT.limits())
    for words in ("6.1 times as many took 2.0 times", "1.0% of an answer", "0.40 ms", "There are 2 here", "60,000"):
        assert words.lower() in said.lower(), words
    assert "says reject and not accept, for payment LinesMissing" in said


def test_a_node_that_no_rule_of_another_domain_disturbs_is_not_accused() -> None:
    alike = replace(REPORT, shop=replace(REPORT.shop, outcome="accept", fired=("pricing SoldAtLoss",)))
    assert not any("Meaning" in sentence for sentence in alike.limits())
