"""Whatever is wrong, a user sees one clear message and a non-zero exit code, and nothing hangs."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rulesets.loader import SHIPPED, available_domains
from tests.cli.conftest import Run

#: Nothing listens there, and nothing will: a refused connection.
AWAY = {"RULEFARM_BROKER_URL": "redis://127.0.0.1:1/0", "RULEFARM_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}
#: A name that no file can have.
LONG = "n" * 300
UUID = "0b2c9c1e-7a8b-4c7e-9f53-5f0a5a0c1d2e"
SCHEMA = """subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", required = true }
"""
RULE = 'rule "Big" {\n    when Order.total > 10\n    then Review("big");\n}\n'
FILES = {
    "order.json": '{"Order": {"total": 12.5}}',
    "broken.json": '{"Order": {',
    "list.json": "[1]",
    "nan.json": '{"Order": {"total": NaN}}',
    "products.csv": "sku,price\na,1\n",
    "rules/payment/domain.toml": SCHEMA,
    "rules/payment/payment.grl": RULE,
    "flawed/payment/domain.toml": SCHEMA,
    "flawed/payment/payment.grl": RULE.replace("total >", "totl >>"),
    "schemaless/payment/domain.toml": "subject = \n",
    "schemaless/payment/payment.grl": RULE,
}
RULES = {"RULEFARM_RULESETS": "rules"}


@dataclass(frozen=True)
class Wrong:
    """One thing a user does wrong, or finds wrong."""

    what: str
    arguments: str
    said: str
    environ: dict[str, str] = field(default_factory=dict)
    code: int = 1


WRONG = [
    Wrong("unknown domain", "eval paymnet order.json", "did you mean 'payment'?", RULES),
    Wrong("malformed JSON", "eval payment broken.json", "broken.json: no JSON", RULES),
    Wrong("JSON that is no object", "eval payment list.json", "list.json: facts must be a JSON object", RULES),
    Wrong("NaN", "eval payment nan.json", "NaN", RULES),
    Wrong("no such file", "eval payment nowhere.json", "nowhere.json can't be read", RULES),
    Wrong("a name longer than files have", f"eval payment {LONG}.csv", "File name too long", RULES),
    Wrong("a folder for a file", "submit payment rules", "rules can't be read", {**RULES, **AWAY}),
    Wrong("a folder that is no source", "eval payment rules", "rules: payment is no file", RULES),
    Wrong("an option of a source for a document", "eval payment order.json --decimal ,", "of rows", RULES, 2),
    Wrong("a source without its subject", "eval payment products.csv", "no column 'id'", RULES),
    Wrong("a rule file with an error", "rules check", "payment.grl:2:10:", {"RULEFARM_RULESETS": "flawed"}),
    Wrong("the same on eval", "eval payment order.json", "payment.grl:2:10:", {"RULEFARM_RULESETS": "flawed"}),
    Wrong("the same to publish", "rules publish", "payment.grl:2:10:", {"RULEFARM_RULESETS": "flawed", **AWAY}),
    Wrong("no farm to publish to", "rules publish rules", "rulefarm up"),
    Wrong("no database to publish to", "rules publish rules/payment", "127.0.0.1:1", AWAY, 3),
    Wrong("a schema with an error", "rules check", "domain.toml", {"RULEFARM_RULESETS": "schemaless"}),
    Wrong("a folder without rules", "rules check", "nowhere", {"RULEFARM_RULESETS": "nowhere"}),
    Wrong("an unknown domain to check", "rules check paymnet", "did you mean 'payment'?", RULES),
    Wrong("no farm", "submit payment order.json", "rulefarm up"),
    Wrong("no farm to ask", "status", "rulefarm up"),
    Wrong("no farm for a batch", "batch pricing products.csv", "rulefarm up"),
    Wrong("no farm for verdicts", "verdicts", "rulefarm up"),
    Wrong("no farm for a worker", "worker --domains payment", "rulefarm up", RULES),
    Wrong("no farm for beat", "beat", "rulefarm up"),
    Wrong("no database on submit", "submit payment order.json", "127.0.0.1:1", AWAY, 3),
    Wrong("no database on submit, malformed", "submit payment broken.json", "broken.json: no JSON", AWAY),
    Wrong("no database on batch", "batch pricing products.csv", "127.0.0.1:1", AWAY, 3),
    Wrong("no database on verdicts", "verdicts", "127.0.0.1:1", AWAY, 3),
    Wrong("no database on status", "status", "127.0.0.1:1", AWAY, 3),
    Wrong("no database on migrate", "migrate", "127.0.0.1:1", AWAY, 3),
    Wrong("a setting that does not parse", "worker --domains payment", "RULEFARM_CHUNK_ROWS",
          {"RULEFARM_CHUNK_ROWS": "many"}),
    Wrong("no nightly source", "nightly run", "RULEFARM_NIGHTLY_SOURCE",
          {**AWAY, **RULES, "RULEFARM_NIGHTLY_DOMAIN": "payment"}),
    Wrong("a home that can't be made", "beat", "can't write to /dev/null/x", {**AWAY, "RULEFARM_HOME": "/dev/null/x"}),
    Wrong("a cron that is none", "beat", "RULEFARM_NIGHTLY_CRON",
          {**AWAY, "RULEFARM_NIGHTLY_SOURCE": "x", "RULEFARM_NIGHTLY_CRON": "every night"}),
    Wrong("autoscale upside down", "worker --autoscale 1,4", "--autoscale", AWAY, 2),
    Wrong("an instant that is none", "eval payment order.json --as-of yesterday", "--as-of", RULES, 2),
    *(Wrong(f"an instant that UTC has no year for, {n}", command, "years 1 to 9999", {**RULES, **AWAY}, 2)
      for n, command in enumerate((
          "eval payment order.json --as-of 9999-12-31T23:59:59-12:00",
          "submit payment order.json --as-of 0001-01-01T00:00:00+14:00",
          "rules publish rules/payment --at 9999-12-31T23:59:59-12:00",
          "verdicts --since 0001-01-01T00:00:00+14:00",
      ))),
    Wrong("seconds that never end", "submit payment order.json --wait --timeout nan", "no number of seconds", AWAY, 2),
    Wrong("more than can be counted", "jobs list --limit 9223372036854775808", "--limit", AWAY, 2),
    *(Wrong(f"a report that can't be written, {n}", command, "[unwritable-file]", {**RULES, **AWAY})
      for n, command in enumerate((
          "plan --save-calibration nowhere/costs.json",
          "plan --html nowhere/plan.html",
          "demo routing --svg nowhere/ratios.svg",
          "rules impact payment --draft rules/payment --html nowhere/impact.html",
          f"rules impact payment --draft rules/payment --html {LONG}/impact.html",
      ))),
    Wrong("a folder that can't be made", f"drill --home {LONG}", "[unwritable-folder]"),
    Wrong("two formats at once", "verdicts --json --csv", "not both", AWAY, 2),
    Wrong("an id that is none", "batch show 7", "'7' is no id", AWAY),
    Wrong("an id that is none to resume", "batch resume 7", "'7' is no id", AWAY),
    Wrong("no farm to examine", "doctor", "rulefarm up"),
    Wrong("nothing answers the doctor", "doctor", "the broker at redis://", AWAY),
    Wrong("no time for a probe", "doctor --timeout 0", "--timeout", AWAY, 2),
    Wrong("no farm for dead letters", "dead list", "rulefarm up"),
    Wrong("no database for dead letters", "dead list", "127.0.0.1:1", AWAY, 3),
    Wrong("no database to retry from", "dead retry --all", "127.0.0.1:1", AWAY, 3),
    Wrong("no dead letter named", "dead retry", "name dead letters by ID", AWAY, 2),
    Wrong("ids and a filter at once", f"dead drop {UUID} --all", "name dead letters by ID", AWAY, 2),
    Wrong("a dead letter's id that is none", "dead show 7", "not a valid UUID", AWAY, 2),
    Wrong("no farm for jobs", "jobs list", "rulefarm up"),
    Wrong("no database for jobs", "jobs list", "127.0.0.1:1", AWAY, 3),
    Wrong("no database for a job", "jobs show 4711", "127.0.0.1:1", AWAY, 3),
    Wrong("a state that is none", "jobs list --state lost", "--state", AWAY, 2),
    Wrong("no age to prune by", "prune", "--older-than", AWAY, 2),
    Wrong("an age that is none", "prune --older-than 3y", "like 90d or 12w", AWAY, 2),
    Wrong("an age of nothing", "prune --older-than 0d", "like 90d or 12w", AWAY, 2),
    Wrong("a trail younger than what it is of", "prune --older-than 90d --trails-older-than 89d", "stays on", AWAY, 2),
    Wrong("no database to prune", "prune --older-than 90d", "127.0.0.1:1", AWAY, 3),
]  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> None:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.what for wrong in WRONG])
def test_what_is_wrong_is_said_once_and_clearly(run: Run, wrong: Wrong) -> None:
    done = run(*wrong.arguments.split(), **wrong.environ)
    assert done.returncode == wrong.code, done.stdout + done.stderr
    said = done.stderr + done.stdout
    assert wrong.said in said
    assert "secret" not in said
    assert said.count(wrong.said) == 1


@pytest.mark.usefixtures("files")
def test_eval_needs_no_farm_and_judges(run: Run) -> None:
    done = run("eval", "payment", "order.json", **RULES)
    assert (done.returncode, done.stdout.split()[0]) == (0, "review")
    done = run("eval", "payment", "-", stdin='{"Order": {"total": 1}}', **RULES)
    assert (done.returncode, done.stdout.split()[0]) == (0, "accept")


@pytest.mark.usefixtures("files")
def test_facts_that_break_the_schema_are_an_error_that_names_the_field(run: Run) -> None:
    done = run("eval", "payment", "-", stdin='{"Order": {"total": "much"}}', **RULES)
    assert done.returncode == 1
    assert "Order.total" in done.stdout


@pytest.mark.usefixtures("files")
def test_rules_are_checked_and_listed_without_any_environment(run: Run) -> None:
    done = run("rules", "check")
    assert done.returncode == 0, done.stdout
    for domain in ("payment", "pricing", "promotion"):
        assert f"{domain}: " in done.stdout
    assert "margin.grl" in run("rules", "list", "pricing").stdout


@pytest.mark.usefixtures("files")
def test_the_shipped_cases_pass(run: Run) -> None:
    done = run("rules", "test")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" cases, 0 failed") == len(available_domains(SHIPPED))
