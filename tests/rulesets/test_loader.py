"""The loader: what it finds, what it refuses, and what it says then."""

import os
import pickle
import re
import shutil
from pathlib import Path

import pytest

from engine import RulesetRejected, SchemaRejected
from rulefarm.errors import JobRejected, NotFound, RulefarmError
from rulefarm.routing import checked_domain
from rulesets.cases import CasesRejected, read_cases
from rulesets.folders import RulesetUnreadable, unread_files
from rulesets.loader import (
    SHIPPED,
    DomainsCollide,
    available_domains,
    load_all,
    load_domain,
    problems_without_schema,
)

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text", required = true }
total = { kind = "number" }
flag = { kind = "text", derived = true }
note = { kind = "text", derived = true }
"""
RULE = 'rule "Large" { when Order.total > 100 then Review("large"); }'


def domain(root: Path, name: str, rules: str = RULE, schema: str = SCHEMA) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(schema)
    (folder / "base.grl").write_text(rules)
    return folder


def test_domains_are_the_folders_with_a_schema(tmp_path: Path) -> None:
    domain(tmp_path, "orders")
    domain(tmp_path, "fraud")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "domain.toml").write_text("")
    assert available_domains(tmp_path) == ("fraud", "orders")


def test_a_domain_loads_from_rules_and_tables(tmp_path: Path) -> None:
    folder = domain(tmp_path / "rules", "orders")
    (folder / "bands.csv").write_text("U,when Order.total,then Review\nhuge,> 1000,huge\n")
    (folder / "cases.toml").write_text("")
    (folder / "notes.txt").write_text("not a rule")
    loaded = load_domain(tmp_path / "rules", "orders")
    assert [rule.name for rule in loaded.program.rules] == ["bands#huge", "Large"]
    assert sorted(loaded.sources) == [
        "rules/orders/bands.csv",
        "rules/orders/base.grl",
        "rules/orders/domain.toml",
    ]
    assert loaded.digest == loaded.program.digest
    assert loaded.schema.subject == "Order"


def test_an_unknown_domain_names_the_known_ones(tmp_path: Path) -> None:
    domain(tmp_path, "orders")
    domain(tmp_path, "fraud")
    with pytest.raises(NotFound) as raised:
        load_domain(tmp_path, "order")
    assert str(raised.value) == "there is no domain 'order' (did you mean 'orders'? there are: fraud, orders)"
    assert raised.value.code == "unknown-domain"


@pytest.mark.parametrize("name", ["../orders", "", ".", "orders/base.grl"])
def test_a_path_is_not_a_domain(tmp_path: Path, name: str) -> None:
    domain(tmp_path, "orders")
    with pytest.raises(NotFound):
        load_domain(tmp_path, name)


def test_a_folder_without_domains_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no domain at all"):
        load_domain(tmp_path, "orders")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesetUnreadable, match=f"can't read {tmp_path / 'gone'}: No such file or directory"):
        load_all(tmp_path / "gone")


def test_a_rule_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    folder = domain(tmp_path, "orders")
    (folder / "more.grl").symlink_to(tmp_path / "gone.grl")
    with pytest.raises(RulesetUnreadable, match=r"can't read .*orders/more\.grl: No such file or directory"):
        load_domain(tmp_path, "orders")


def test_what_an_editor_leaves_behind_is_not_read(tmp_path: Path) -> None:
    folder = domain(tmp_path, "orders")
    (folder / ".#base.grl").symlink_to("somebody@somewhere")
    assert len(load_domain(tmp_path, "orders").program.rules) == 1


@pytest.mark.parametrize(
    "name", ["~$base.csv", ".base.csv", "._base.grl", ".~lock.base.xlsx#", "~$bands.xlsx", ".DS_Store"]
)
def test_a_lock_is_neither_read_nor_named(tmp_path: Path, name: str) -> None:
    folder = domain(tmp_path, "orders")
    (folder / name).write_bytes(b"lock")
    assert len(load_domain(tmp_path, "orders").program.rules) == 1
    assert unread_files(folder) == []


def test_a_folder_that_programs_leave_behind_is_no_domain(tmp_path: Path) -> None:
    domain(tmp_path, ".orders")
    domain(tmp_path, "orders")
    assert available_domains(tmp_path) == ("orders",)


@pytest.mark.parametrize("name", ["base.grl", "more.csv", "more.xlsx", "domain.toml"])
def test_a_pipe_is_never_waited_for(tmp_path: Path, name: str) -> None:
    folder = domain(tmp_path, "orders")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises((RulesetUnreadable, NotFound)):
        load_domain(tmp_path, "orders")


def test_a_device_is_not_read_and_a_folder_is_not_a_file(tmp_path: Path) -> None:
    folder = domain(tmp_path, "orders")
    (folder / "more.csv").symlink_to("/dev/zero")
    with pytest.raises(RulesetUnreadable, match=r"more\.csv is not a file and is not read"):
        load_domain(tmp_path, "orders")
    (folder / "more.csv").unlink()
    (folder / "more.csv").mkdir()
    with pytest.raises(RulesetUnreadable, match="is not a file and is not read"):
        load_domain(tmp_path, "orders")


def test_cases_are_not_read_from_a_pipe(tmp_path: Path) -> None:
    folder = domain(tmp_path, "orders")
    os.mkfifo(folder / "cases.toml")
    with pytest.raises(RulesetUnreadable, match=r"cases\.toml is not a file and is not read"):
        read_cases(load_domain(tmp_path, "orders"))


@pytest.mark.parametrize("name", ["Orders", "my.shop", "my shop", "1st", "größe", "x" * 64])
def test_a_domain_that_no_job_can_be_sent_to_is_refused(tmp_path: Path, name: str) -> None:
    domain(tmp_path, name)
    with pytest.raises(RulesetUnreadable, match="no job can be sent to a domain") as refused:
        load_all(tmp_path)
    assert (refused.value.code, bool(refused.value.hint)) == ("domain-name", True)
    with pytest.raises(JobRejected):
        checked_domain(name)


def test_what_is_not_read_is_known_by_name(tmp_path: Path) -> None:
    folder = domain(tmp_path, "orders")
    for name in ("rules.json", "x.dmn", "bands.xls", "bands.tsv", "base.grl~", "cases.toml", "README.md"):
        (folder / name).write_text("")
    (folder / "old").mkdir()
    os.mkfifo(folder / "pipe")
    names = [entry.name for entry in unread_files(folder)]
    assert names == ["README.md", "bands.tsv", "bands.xls", "base.grl~", "old", "pipe", "rules.json", "x.dmn"]


def test_a_domain_without_rules_is_refused(tmp_path: Path) -> None:
    (domain(tmp_path, "orders") / "base.grl").unlink()
    with pytest.raises(RulesetUnreadable, match="domain 'orders' has no rules in"):
        load_domain(tmp_path, "orders")


@pytest.mark.parametrize(
    ("standing", "given", "shown"),
    [
        (".", "rulesets", "rulesets/orders"),
        (".", "{absolute}", "rulesets/orders"),
        ("rulesets", ".", "orders"),
        ("rulesets", "{absolute}", "orders"),
        ("rulesets/orders", "..", "../orders"),
        ("elsewhere", "../rulesets", "../rulesets/orders"),
        ("elsewhere", "{absolute}", "{absolute}/orders"),
    ],
)
def test_a_problem_shows_its_place_as_it_can_be_opened_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standing: str, given: str, shown: str
) -> None:
    root = tmp_path / "rulesets"
    folder = domain(root, "orders", 'rule "Large" {\n    when Order.totl > 100\n    then Review("large");\n}\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / standing)
    given, shown = given.format(absolute=root), shown.format(absolute=root)
    with pytest.raises(RulesetRejected, match=rf"^{re.escape(shown)}/base\.grl:2:\d+: .*totl"):
        load_domain(given, "orders")
    (folder / "base.grl").unlink()
    with pytest.raises(RulesetUnreadable, match=f"has no rules in {re.escape(shown)} "):
        load_domain(given, "orders")
    (folder / "base.grl").write_text(RULE)
    (folder / "cases.toml").write_text("[[case]]")
    with pytest.raises(CasesRejected, match=f"^{re.escape(shown)}/cases.toml, case 1: "):
        read_cases(load_domain(given, "orders"))
    (folder / "domain.toml").write_text("subject = 1")
    with pytest.raises(SchemaRejected, match=f"^{re.escape(shown)}/domain.toml:1:"):
        load_domain(given, "orders")


def test_a_schema_with_an_error_shows_its_place(tmp_path: Path) -> None:
    domain(tmp_path / "rulesets", "orders", schema='subject = "Order"\nkey = "id"\n')
    with pytest.raises(SchemaRejected, match=r"rulesets/orders/domain\.toml"):
        load_domain(tmp_path / "rulesets", "orders")


def test_a_relative_folder_gives_the_same_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain(tmp_path / "rulesets", "orders")
    monkeypatch.chdir(tmp_path / "rulesets")
    assert load_domain(".", "orders").sources.keys() == load_domain(tmp_path / "rulesets", "orders").sources.keys()


def test_the_digest_depends_on_rules_and_not_on_file_layout(tmp_path: Path) -> None:
    domain(tmp_path / "one", "orders")
    domain(tmp_path / "two", "orders", "// a comment\n" + RULE.replace(" then", "\n  then"))
    domain(tmp_path / "three", "orders", RULE.replace("100", "101"))
    one, two, three = (load_domain(tmp_path / root, "orders").digest for root in ("one", "two", "three"))
    assert one == two != three


def test_the_digest_does_not_depend_on_where_the_files_stand_nor_on_who_looks_at_them_from_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A table of one hit is a group, which has its name; and so have the sheets of a workbook.
    shutil.copytree(SHIPPED / "payment", tmp_path / "elsewhere" / "payment")
    one = load_domain(SHIPPED, "payment")
    assert any(rule.activation_group for rule in one.program.rules)
    for place in (tmp_path, tmp_path / "elsewhere", tmp_path / "elsewhere" / "payment", Path("/")):
        monkeypatch.chdir(place)
        assert load_domain(tmp_path / "elsewhere", "payment").digest == one.digest
        assert load_domain(SHIPPED, "payment").digest == one.digest


def test_domains_that_feed_each_other_are_refused(tmp_path: Path) -> None:
    domain(tmp_path, "orders", 'rule "Flag" { when Order.total > 100 then Order.flag = "large"; }')
    domain(tmp_path, "fraud", 'rule "Flagged" { when Order.flag == "large" then Reject("flagged"); }')
    with pytest.raises(DomainsCollide) as raised:
        load_all(tmp_path)
    assert raised.value.message == "domain 'fraud' reads Order.flag, which domain 'orders' writes"
    assert isinstance(raised.value, RulefarmError)
    assert pickle.loads(pickle.dumps(raised.value)).message == raised.value.message


def test_each_of_two_colliding_domains_loads_alone(tmp_path: Path) -> None:
    domain(tmp_path, "orders", 'rule "Flag" { when Order.total > 100 then Order.flag = "large"; }')
    domain(tmp_path, "fraud", 'rule "Flagged" { when Order.flag == "large" then Reject("flagged"); }')
    assert list(load_all(tmp_path, ["fraud"])) == ["fraud"]
    assert list(load_all(tmp_path, ["orders"])) == ["orders"]


def test_domains_that_write_without_reading_may_share_a_field(tmp_path: Path) -> None:
    for name in ("orders", "fraud"):
        domain(tmp_path, name, 'rule "Note" { when Order.total > 100 then Order.note = "large"; }')
    assert list(load_all(tmp_path)) == ["fraud", "orders"]


def test_rules_without_a_readable_schema_are_still_looked_at(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "domain.toml").write_text("kind = [")
    (tmp_path / "shop" / "a.grl").write_text("rule a { when A.b = 1 then Foo(); }")
    (tmp_path / "shop" / "b.csv").write_text("when A.b,then Review\n<> 5,x\n")
    found = problems_without_schema(tmp_path, "shop")
    assert [one.code for one in found] == ["grl-assignment", "grl-action", "table-cell"]
