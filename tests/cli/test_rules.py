"""`rulefarm rules check`: every problem of every domain, for people and for editors."""

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Run

SCHEMA = 'subject = "O"\nkey = "id"\n[facts.O.fields]\nid = { kind = "text" }\nn = { kind = "number" }\n'
GOOD = "rule r { when O.n > 5 then Reject(); }\n"


def folder(root: Path, **domains: tuple[str, str]) -> Path:
    for name, (schema, rules) in domains.items():
        (root / name).mkdir(parents=True)
        (root / name / "domain.toml").write_text(schema)
        (root / name / "a.grl").write_text(rules)
    return root


def test_one_broken_domain_hides_no_other(run: Run, tmp_path: Path) -> None:
    bad = "rule r { when O.m > 5 and O.n then Accept(); }\nrule s { when O.n = 5 then Foo(); }\n"
    root = folder(tmp_path / "shops", a=("kind = [", GOOD.replace(">", "=>")), b=(SCHEMA, bad), c=(SCHEMA, GOOD))
    (root / "d").mkdir()
    (root / "d" / "domain.toml").write_text(SCHEMA)
    done = run("rules", "check", "--rulesets", root, "--json")
    assert done.returncode == 1
    documents = {one["domain"]: one for one in json.loads(done.stdout)}
    assert {name: [found["code"] for found in one["diagnostics"]] for name, one in documents.items()} == {
        "a": ["schema-syntax", "grl-operator"],
        "b": ["unknown-field", "grl-operator", "not-a-condition", "grl-assignment", "grl-action"],
        "c": [],
        "d": ["ruleset-empty"],
    }
    found = documents["b"]["diagnostics"][1]
    assert (found["source"], found["line"], found["column"], found["length"]) == ("shops/b/a.grl", 1, 23, 3)
    assert (found["severity"], found["hint"]) == ("error", "did you mean '&&'?")
    told = run("rules", "check", "--rulesets", root)
    assert told.returncode == 1
    assert "shops/b/a.grl:1:23: 'and' is not an operator [grl-operator]" in told.stdout


def test_warnings_show_their_line_and_are_no_failure(run: Run, tmp_path: Path) -> None:
    root = folder(tmp_path / "shops", a=(SCHEMA, GOOD.replace("O.n > 5", "O.n > 5 && O.n < 3")))
    (root / "a" / "domain.toml").write_text(SCHEMA + 'spare = { kind = "text" }\n')
    done = run("rules", "check", "--rulesets", root)
    assert done.returncode == 0
    assert "rule 'r' never fires: its conditions contradict each other [rule-never] (warning)" in done.stdout
    assert '  6 | spare = { kind = "text" }\n    | ^^^^^' in done.stdout


def test_what_is_not_read_is_named(run: Run, tmp_path: Path) -> None:
    root = folder(tmp_path / "shops", a=(SCHEMA, GOOD), b=(SCHEMA, GOOD), Shop=(SCHEMA, GOOD))
    for name in ("a/rules.json", "a/x.dmn", "a/~$a.xlsx", "b/a.json"):
        (root / name).write_text("{}")
    (root / "b" / "a.grl").unlink()
    done = run("rules", "check", "--rulesets", root, "--json")
    assert done.returncode == 1
    documents = {one["domain"]: one for one in json.loads(done.stdout)}
    assert {name: [found["code"] for found in one["diagnostics"]] for name, one in documents.items()} == {
        "Shop": ["domain-name"],
        "a": ["file-unread", "file-unread"],
        "b": ["file-unread", "ruleset-empty"],
    }
    told = run("rules", "check", "--rulesets", root, "a")
    assert told.returncode == 0
    assert "shops/a/x.dmn is not read [file-unread] (warning)" in told.stdout


def test_a_pipe_beside_a_broken_schema_hides_no_other_domain(run: Run, tmp_path: Path) -> None:
    root = folder(tmp_path / "shops", a=("kind = [", GOOD), b=(SCHEMA, GOOD))
    os.mkfifo(root / "a" / "b.csv")
    done = run("rules", "check", "--rulesets", root, "--json")
    documents = {one["domain"]: one for one in json.loads(done.stdout)}
    codes = {name: [found["code"] for found in one["diagnostics"]] for name, one in documents.items()}
    assert codes == {"a": ["schema-syntax", "ruleset-unreadable"], "b": []}


@pytest.mark.parametrize("command", ["check", "test", "list", "format"])
def test_a_folder_without_a_domain_fails_and_says_where_one_is(run: Run, tmp_path: Path, command: str) -> None:
    root = folder(tmp_path / "shops", a=(SCHEMA, GOOD))
    (tmp_path / "empty").mkdir()
    for given, said in [
        (root / "a", "it is a domain itself: name the folder above it, shops"),
        (tmp_path, "there is one in shops"),
        (tmp_path / "empty", "a domain is a folder in it that has a domain.toml"),
        (tmp_path / "nowhere", "can't read"),
    ]:
        done = run("rules", command, "--rulesets", given)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stdout == ""


def test_results_of_cases_for_people_programs_and_ci(run: Run, tmp_path: Path) -> None:
    root = folder(tmp_path / "shops", a=(SCHEMA, GOOD), b=(SCHEMA, GOOD))
    case = '[[case]]\nname = "{}"\nfacts.O = {{ n = {} }}\noutcome = "reject"\nfired = ["r"]\n'
    cases = case.format("many", 6) + case.format("few \\u001b[31m", 1)
    (root / "a" / "cases.toml").write_text(f"as_of = 2026-01-01T00:00:00Z\n{cases}")
    told = run("rules", "test", "--rulesets", root, "--junit", "results.xml")
    assert told.returncode == 1
    assert "a: 2 cases, 1 failed" in told.stdout
    without = "b: no case says what its rules have to do; 'rulefarm rules test' runs those in shops/b/cases.toml\n"
    assert told.stdout.endswith(without)
    checked = run("rules", "check", "--rulesets", root)
    assert (checked.returncode, checked.stdout.endswith(without), "a: no case" in checked.stdout) == (0, True, False)
    suites = ElementTree.parse(tmp_path / "results.xml").getroot()
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("a", "2", "1"),
        ("b", "0", "0"),
    ]
    assert [(one.get("name"), len(one)) for one in suites[0]] == [("many", 0), (r"few \x1b[31m", 1)]
    done = run("rules", "test", "--rulesets", root, "--json")
    assert done.returncode == 1
    results = json.loads(done.stdout)
    assert [(one["domain"], one["case"], one["passed"]) for one in results] == [
        ("a", "many", True),
        ("a", "few \x1b[31m", False),
    ]
    assert results[0]["evaluation"]["outcome"] == "reject"
    assert results[1]["differences"]
    refused = run("rules", "test", "--rulesets", root, "--junit", "nowhere/results.xml")
    assert (refused.returncode, "[unwritable-file]" in refused.stderr) == (1, True)


def test_what_no_case_fires_is_named_rows_of_tables_as_a_number(run: Run) -> None:
    shown = run("rules", "test", "--coverage", "promotion")
    assert shown.returncode == 0
    assert re.search(r"promotion: \d+ of \d+ rules fired, \d+ of \d+ rows fired", shown.stdout)
    document = json.loads(run("rules", "test", "--coverage", "promotion", "--json").stdout)
    assert len(document["cases"]) > 10
    fired = {one["rule"]: one["fired"] for one in document["coverage"]}
    assert {name for case in document["cases"] for name in case["evaluation"]["fired"]} == {
        name for name, times in fired.items() if times
    }
