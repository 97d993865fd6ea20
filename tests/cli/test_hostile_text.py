"""Keys, reasons and file names that a terminal would obey: every command shows them escaped."""

import csv
import io
import json
import logging
import os
import uuid
from pathlib import Path

import pytest

from cli.display.log_records import VisibleRecord
from rulefarm.escaping import visible
from tests.cli.conftest import OnFarm, Run
from workers.local.output import Console

#: Clears a screen, forges a line, turns the text around, is markup of rich, and the C1 form of an escape sequence.
HOSTILE = "\x1b[2J[red]\r\naccept\u202e\x9b31m\u2066\u200f"
#: What stands in no line of any output, whatever goes in.
OBEYED = set("\x1b\x9b\r\u202e\u2066\u200f")
RULE = 'rule "Big" { when Order.total > 10 then Review("big " + Order.note); Log(Order.note); Order.tag = Order.note; }'
SCHEMA = """subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number", required = true }
note = { kind = "text" }
tag = { kind = "text" }
"""


@pytest.fixture
def rules(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "rules" / "shop"
    folder.mkdir(parents=True)
    (folder / "domain.toml").write_text(SCHEMA)
    (folder / "shop.grl").write_text(RULE)
    return {"RULEFARM_RULESETS": str(folder.parent)}


def document(**others: object) -> str:
    return json.dumps({"Order": {"id": HOSTILE, "total": 12, "note": HOSTILE, **others}})


@pytest.mark.parametrize("arguments", ["", "--explain", "--explain --all"])
def test_eval_shows_reasons_changes_and_logs_escaped(run: Run, rules: dict[str, str], arguments: str) -> None:
    done = run("eval", "shop", "-", *arguments.split(), stdin=document(), **rules)
    assert done.returncode == 0
    assert OBEYED & set(done.stdout + done.stderr) == set()
    assert f"Big: big {visible(HOSTILE)}" in done.stdout
    assert "\naccept" not in done.stdout


def test_a_replay_shows_subjects_escaped(run: Run, rules: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text(document() + "\n" + document(total=HOSTILE) + "\n{" + HOSTILE[:5])
    done = run("eval", "shop", "o.jsonl", **rules)
    assert done.returncode == 1
    assert OBEYED & set(done.stdout + done.stderr) == set()
    assert visible(HOSTILE) in done.stdout
    assert len(done.stdout.splitlines()) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        ["eval", HOSTILE, "-"],
        ["eval", "shop", HOSTILE],
        ["eval", "shop", "-", "--as-of", HOSTILE],
        ["eval", "shop", "-", f"--{HOSTILE}"],
        ["rules", "check", HOSTILE],
        ["rules", "list", "--rulesets", HOSTILE],
        ["rules", HOSTILE],
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["jobs", "list", "--state", HOSTILE],
    ],
)
def test_errors_repeat_arguments_escaped(run: Run, rules: dict[str, str], arguments: list[str]) -> None:
    done = run(*arguments, stdin="{}", **rules)
    assert done.returncode in (1, 2)
    assert OBEYED & set(done.stdout + done.stderr) == set()
    assert r"\x1b[2J[red]" in done.stderr


def test_files_of_hostile_names_are_named_escaped(run: Run, rules: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "rules" / "shop" / f"{HOSTILE}.grl").write_text('rule "X" { when Order.totl > 1 then Accept(""); }')
    (tmp_path / "rules" / "shop" / f"{HOSTILE}.txt").write_text("")
    for command in ("check", "list", "test", "format"):
        done = run("rules", command, **rules)
        assert OBEYED & set(done.stdout + done.stderr) == set(), command
    assert r"\x1b[2J" in run("rules", "check", **rules).stdout


def test_what_the_farm_has_on_record_is_shown_escaped(on_farm: OnFarm, tmp_path: Path) -> None:
    key = f"{HOSTILE}{uuid.uuid4().hex}"
    facts = json.dumps({"Order": {"total": 2000, "country": HOSTILE}})
    printed = [on_farm("submit", "payment", "-", "--key", key, "--wait", stdin=facts)]
    printed += [on_farm(*words) for words in (("jobs", "show", key), ("explain", key), ("verdicts", "--subject", key))]
    printed.append(on_farm("jobs", "list", "--state", "done", "--limit", 1_000_000))
    (tmp_path / f"{HOSTILE}.csv").write_text(f'sku,price,cost\n"=1+{key}",1,5\n')
    printed.append(on_farm("batch", "pricing", f"{HOSTILE}.csv"))
    printed.append(on_farm("batch", "list"))
    for text in printed:
        assert OBEYED & set(text) == set()
        assert r"\x1b[2J[red]" in text
    [_, row] = csv.reader(io.StringIO(on_farm("verdicts", "--subject", f"=1+{key}", "--csv"), newline=""))
    assert f"'=1+{visible(key, keep=chr(10))}".replace(r"\r", "") in [cell.replace("\r", "") for cell in row]
    assert json.loads(on_farm("verdicts", "--subject", key, "--json"))[0]["subject"] == key


def test_a_log_repeats_nothing_that_a_terminal_obeys() -> None:
    record = VisibleRecord("x", logging.ERROR, "x.py", 1, "job %s\nfailed after %d", (HOSTILE, 3), None)
    assert record.getMessage() == f"job {visible(HOSTILE)}\nfailed after 3"
    record = VisibleRecord("x", logging.ERROR, "x.py", 1, "Task %(id)s: %(exc)s", ({"id": HOSTILE, "exc": "e"},), None)
    assert record.getMessage() == f"Task {visible(HOSTILE)}: e"
    record = VisibleRecord("x", logging.ERROR, "x.py", 1, HOSTILE, (), None)
    assert record.getMessage() == visible(HOSTILE, keep="\n\t")


class Mute(Exception):
    """Can't say what it is."""

    def __str__(self) -> str:
        raise ValueError


def raised(*errors: BaseException) -> BaseException:
    """The last of them, each caused by the one before."""
    caught: BaseException | None = None
    for error in errors:
        try:
            raise error from caught
        except BaseException as again:
            caught = again
    assert caught is not None
    return caught


@pytest.mark.parametrize(
    "error",
    [
        raised(KeyError(HOSTILE)),
        raised(ValueError(f"no number: {HOSTILE}")),
        raised(ValueError(HOSTILE), RuntimeError("what came of it")),
        raised(ValueError(HOSTILE), Mute(HOSTILE)),
        raised(*(ValueError(f"{HOSTILE}{n}") for n in range(50))),
    ],
    ids=["key", "value", "cause", "mute", "many"],
)
def test_a_traceback_in_a_log_is_escaped_and_what_an_error_repeats_begins_no_line(error: BaseException) -> None:
    record = VisibleRecord("x", logging.ERROR, "x.py", 1, "could not", (), (type(error), error, None))
    shown = logging.Formatter("%(message)s").format(record)
    assert OBEYED & set(shown) == set()
    assert not any(line.startswith("accept") for line in shown.splitlines())
    assert r"\x1b[2J[red]\r\naccept" in shown or isinstance(error, KeyError)
    assert f"{type(error).__name__}: " in shown
    assert len(shown.splitlines()) < 100


def test_the_farm_in_the_foreground_passes_on_no_escape_sequence() -> None:
    shown = io.StringIO()
    console = Console(shown, ["postgres"])
    console.say(HOSTILE)
    console._print("postgres", f"{HOSTILE}\n".encode() + b"\xff")
    assert OBEYED & set(shown.getvalue()) == set()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("verdicts --subject", "bad-text"),
        ("verdicts --rule", "bad-text"),
        ("verdicts --digest", "bad-text"),
        ("explain", "bad-text"),
        ("jobs show", "bad-text"),
        ("rules show", "no-such-ruleset"),
        ("rules activate", "no-such-ruleset"),
        ("rules history", "bad-text"),
        ("dead-letters list --code", "bad-text"),
        ("batch list --domain", "bad-text"),
        ("tokens revoke", "bad-text"),
    ],
)
def test_an_argument_of_bytes_that_are_no_utf_8_is_refused_by_every_command(
    on_farm: OnFarm, command: str, said: str
) -> None:
    assert f"[{said}]" in on_farm(*command.split(), "\udcff\udcfe", code=1)


def test_a_file_whose_name_is_no_utf_8_is_judged(on_farm: OnFarm, tmp_path: Path) -> None:
    name = b"pr\xfc.csv"
    (tmp_path / os.fsdecode(name)).write_text("sku,price,cost\n1,2,1\n")
    shown = json.loads(on_farm("batch", "pricing", os.fsdecode(name), "--json"))
    assert (shown["state"], shown["source"]) == ("done", "pr?.csv")
