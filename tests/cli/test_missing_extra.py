"""Without durable-rules a domain with patterns is written and tested; who would judge by it says what to install."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.forked import run_forked
from tests.processes import python

DOMAIN = """
subject = "Payment"
key = "payment_id"
[facts.Payment.fields]
payment_id = { kind = "text" }
card = { kind = "text" }
amount = { kind = "number" }
[stream.payments]
key = "Payment.card"
window = "10m"
"""
RULES = """rule "Doubled" {
    when
        a: Payment from stream("payments") over window(10 min, sliding)
        && b: Payment from stream("payments") over window(10 min, sliding)
        && b.amount == a.amount * 2
    then Reject("twice as much");
}
"""
CASES = """
as_of = 2026-03-01T12:00:00Z
[[case]]
name = "twice as much"
facts.Payment = { payment_id = "2", amount = 2 }
facts.payments = [{ amount = 1 }, { amount = 2 }]
outcome = "reject"
fired = ["Doubled"]
"""
#: The C module of durable-rules.
MISSING = "durable_rules_engine"


@pytest.fixture
def rulesets(tmp_path: Path) -> Path:
    folder = tmp_path / "rulesets" / "doubles"
    folder.mkdir(parents=True)
    for name, text in (("domain.toml", DOMAIN), ("doubles.grl", RULES), ("cases.toml", CASES)):
        (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "payment.json").write_text('{"Payment": {"payment_id": "1", "amount": 1}}')
    (tmp_path / "payments.jsonl").write_text('{"Payment": {"payment_id": "1", "amount": 1}}')
    return folder.parent


def rulefarm(rulesets: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {"RULEFARM_RULESETS": str(rulesets), "PATH": ""}
    environ |= {"RULEFARM_BROKER_URL": "redis://127.0.0.1:1", "RULEFARM_DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    return run_forked(arguments, cwd=rulesets.parent, env=environ, stdin="", timeout_s=60, without=MISSING)


def test_every_command_is_imported_without_it() -> None:
    missing = f"sys.modules[{MISSING!r}] = sys.modules['simpy'] = None"
    with python(f"import sys; {missing}; import tests.cli.preloaded") as process:
        assert process.wait(60) == 0, process.communicate()


def test_whoever_would_plan_without_simpy_says_what_to_install(tmp_path: Path) -> None:
    done = run_forked(["plan"], cwd=tmp_path, env={"PATH": ""}, stdin="", timeout_s=60, without="simpy")
    assert done.returncode != 0
    assert "simpy is not installed" in done.stderr
    assert "install rulefarm-server with its extra: rulefarm-server[plan]" in done.stderr


@pytest.mark.parametrize("command", [("check", "doubles"), ("test", "doubles"), ("list",), ("format", "--check")])
def test_rules_are_checked_tested_listed_and_formatted_without_it(rulesets: Path, command: tuple[str, ...]) -> None:
    files = [str(rulesets / "doubles" / "doubles.grl")] if command[0] == "format" else []
    done = rulefarm(rulesets, "rules", *command, *files)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("eval", "doubles", "payment.json"),
        ("eval", "doubles", "payments.jsonl"),
    ],
)
def test_whoever_would_judge_says_what_to_install(rulesets: Path, command: tuple[str, ...]) -> None:
    done = rulefarm(rulesets, *command)
    assert done.returncode != 0
    assert "durable_rules_engine is not installed" in done.stderr
    assert "install rulefarm-server with its extra: rulefarm-server[patterns]" in done.stderr
    assert "Traceback" not in done.stderr
