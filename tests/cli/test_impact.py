"""What a draft would do is told before it is published: on facts on record, of a batch, and of a file."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.cli.conftest import OnFarm

DOMAIN = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", min = 0 }
country = { kind = "text" }
"""
BEFORE = 'rule Big { when Order.total > 1000 then Review("a large order"); }\n'
AFTER = """
rule Big { when Order.total > 1200 then Review("a large order"); }
rule Huge { when Order.total > 5000 && Order.country != "FR" then Reject("too <b>large</b>"); }
"""
ORDERS = [
    ("a", 1100, "FR"),
    ("b", 1150.5, "US"),
    ("c", 1500, "US"),
    ("d", 6000, "US"),
    ("e", 6000, "FR"),
    ("f", 5, "US"),
]
#: Of those: a and b are accepted, d is rejected.
MATRIX = {("review", "accept"): 2, ("review", "reject"): 1, ("review", "review"): 2, ("accept", "accept"): 1}

#: Tags of plots.
PLOT = ("svg", "rect", "text")


@pytest.fixture
def say(on: Callable[[Settings], OnFarm], settings: Settings, database: Engine, tmp_path: Path) -> OnFarm:
    """Run `rulefarm rules …` on a fresh database where `shop` is published, and its draft lies in `draft/shop`."""
    for folder, rules in ((tmp_path / "shop", BEFORE), (tmp_path / "draft" / "shop", AFTER)):
        folder.mkdir(parents=True)
        (folder / "domain.toml").write_text(DOMAIN)
        (folder / "a.grl").write_text(rules)
    run = on(settings)

    def call(*arguments: object, **more: Any) -> str:
        return run("rules", *arguments, **more)

    call("publish", "shop")
    return call


@pytest.fixture
def recorded(say: OnFarm, settings: Settings, tmp_path: Path) -> str:
    """All orders twice: as jobs, and as a batch of two chunks, whose id this is."""
    source = tmp_path / "orders.csv"
    source.write_text("id,total,country\n" + "".join(f"{id_},{total},{country}\n" for id_, total, country in ORDERS))
    with Farm(replace(settings, broker_url="redis://127.0.0.1:1/0", chunk_rows=4)) as farm:
        for id_, total, country in ORDERS:
            farm.submit("shop", {"Order": {"id": id_, "total": total, "country": country}})
        return str(farm.submit_batch("shop", source).id)


def impact(say: OnFarm, *more: object, code: int = 0) -> dict[str, Any]:
    """What the command says of the draft, as JSON."""
    found: dict[str, Any] = json.loads(say("impact", "shop", "--draft", "draft", *more, "--json", code=code))
    return found


def matrix(found: dict[str, Any]) -> dict[tuple[str, str], int]:
    """The pairs that there are."""
    return {(was, now): n for was, row in found["matrix"].items() for now, n in row.items() if n}


def test_a_draft_is_tried_on_jobs_on_a_batch_and_on_a_file_with_the_same_result(say: OnFarm, recorded: str) -> None:
    of_batch = impact(say, "--batch", recorded, "--sum", "Order.total")
    of_file = impact(say, "--file", "orders.csv", "--sum", "Order.total")
    of_both = impact(say, "--last", "7d", "--sum", "Order.total")
    assert matrix(of_batch) == matrix(of_file) == MATRIX
    assert matrix(of_both) == {pair: 2 * count for pair, count in MATRIX.items()}
    assert of_file["flips"] == 3
    assert of_file["sum"] == {"field": "Order.total", "total": 8250.5, "without": 0}
    assert of_both["sum"]["total"] == 2 * 8250.5
    assert of_file["rules"] == [
        {"rule": "Big", "no_longer": 2, "now": 0},
        {"rule": "Huge", "no_longer": 0, "now": 1},
    ]
    cause = of_batch["causes"][0]
    assert (cause["before"], cause["after"], cause["count"], cause["no_longer"]) == ("review", "accept", 2, ["Big"])
    assert cause["example"]["subject"] == "a"
    assert cause["example"]["why"] == ["Big does not fire any more: not Order.total > 1200 (Order.total is 1100)"]
    assert impact(say, "--sample", 3)["facts"] < 12
    assert impact(say, "--file", "orders.csv", "--sample", 2)["facts"] == 2


def test_a_person_reads_the_matrix_the_rules_and_the_smallest_explanation(say: OnFarm, recorded: str) -> None:
    told = say("impact", "shop", "--draft", "draft/shop", "--batch", recorded, "--sum", "Order.total")
    lines = told.splitlines()
    assert lines[0].endswith(f"over 6 orders of batch {recorded}")
    assert "review\t2\t2\t1\t0" in lines
    assert "3 orders flip (50.00%), 8,250.50 in total" in lines
    assert "  Huge now, as in d" in lines
    assert (
        '    Huge is new: Order.total > 5000 (Order.total is 6000) and Order.country != "FR" (Order.country is "US")'
        in lines
    )
    assert "    Order.total is 6000; 5000 or less is for review only" in lines


class Page(HTMLParser):
    """The tags of a page, its text, and that of its plots."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str] = {}
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append(tag)
        self.attributes |= {name: value or "" for name, value in attrs}

    def handle_data(self, data: str) -> None:
        """Keep it."""
        self.text += data


def test_a_report_is_one_page_that_needs_nothing_and_in_which_all_text_is_text(say: OnFarm, tmp_path: Path) -> None:
    (tmp_path / "draft" / "shop" / "b.grl").write_text(
        'rule "</text><script>alert(1)</script>" "<i>" { when Order.total >= 6000 && Order.country != "<b>" '
        'then Reject("<img src=x onerror=alert(1)>"); }\n'
    )
    orders = [*ORDERS, ("<u onclick=x>\u202e", 7000, "&amp;")]
    lines = [json.dumps({"id": id_, "total": total, "country": country}) for id_, total, country in orders]
    (tmp_path / "orders.jsonl").write_text("\n".join(lines))
    found = impact(
        say, "--file", "orders.jsonl", "--html", "page.html", "--sum", "Order.total", "--budget", "flips<1", code=1
    )
    page = (tmp_path / "page.html").read_text("utf-8")
    read = Page(page)
    assert set(read.tags) <= {
        *[
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "h1",
            "h2",
            "p",
            "strong",
            "ul",
            "li",
            "table",
            "tr",
            "th",
            "td",
            "br",
        ],
        *PLOT,
    }
    assert not [name for name in read.attributes if name.startswith("on") or name in ("src", "href")]
    assert "\u202e" not in page
    assert "url(" not in page
    # Twice: beside a bar, and as a cause.
    assert read.text.count("</text><script>alert(1)</script>") >= 2
    assert f"{found['flips']} orders flip" in read.text
    assert "over budget: flips<1" in read.text
    for plot in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert len(ElementTree.fromstring(plot)) > 3


def test_a_budget_is_kept_or_the_exit_code_is_1(say: OnFarm, recorded: str) -> None:
    found = impact(say, "--batch", recorded, "--budget", "flips<=50%,errors_new=0")
    assert found["budget"] == {"limits": "flips<=50%,errors_new=0", "broken": []}
    told = say("impact", "shop", "--draft", "draft", "--budget", "flips<1%,reject_new<2,accept_new<9", code=1)
    assert "over budget: flips<1%: flips is 6 (50%)" in told
    assert "over budget: reject_new<2: reject_new is 2" in told
    assert "accept_new<9:" not in told


def test_what_is_over_budget_is_not_published(say: OnFarm, recorded: str) -> None:
    history = say("history")
    assert "[over-budget]" in say("publish", "draft/shop", "--budget", "flips<1%", "--last", "1d", code=1)
    assert say("history") == history
    # What a worker would be asked to judge is on record by then, maybe; it is the active one of nothing.
    say("publish", "draft/shop", "--budget", "flips<51%,errors_new=0")
    assert say("history") != history
    # Now both are the same.
    assert impact(say)["flips"] == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--budget", "flops<1"), "bad-budget"),
        (("--sum", "Order.totl"), "did you mean 'Order.total'?"),
        (("--sum", "Order.country"), "no-number"),
        (("--batch", "00000000-0000-0000-0000-000000000000"), "no-such-batch"),
        (("--last", "7d"), "no-such-facts"),
        (("--last", "7d", "--file", "orders.csv"), "choose one"),
        (("--as-of", "2026-01-01"), "are for a --file"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(say: OnFarm, arguments: tuple[str, ...], code: str) -> None:
    refused = 2 if "are for" in code or "choose" in code else 1
    assert code in say("impact", "shop", "--draft", "draft", *arguments, code=refused)
