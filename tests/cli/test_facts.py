"""What `rulefarm facts` keeps."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from rulefarm.reference_facts import ReferenceFacts
from tests.cli.conftest import Run
from tests.commands import SHARING
from workers.embedded.services import Services

Command = Callable[..., str]


@pytest.fixture
def command(run: Run, services: Services) -> Command:
    """Run a command on the shared Redis; gives what it printed, of an error the line on stderr."""

    def call(*arguments: object, stdin: str = "", code: int = 0) -> str:
        done = run(*arguments, stdin=stdin, RULEFARM_BROKER_URL=services.broker_url, RULEFARM_RULESETS=str(SHARING))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    return call


def test_a_fact_is_put_shown_listed_and_deleted(command: Command, tmp_path: Path) -> None:
    fact = f"F{uuid.uuid4().hex}"
    (tmp_path / "gold.json").write_text('{"limit": 7.0}')
    assert command("facts", "put", fact, "a", "gold.json") == f"{fact} a is kept\n"
    command("facts", "put", fact, "b", "-", stdin='{"limit": 8}')
    assert json.loads(command("facts", "get", fact, "a")) == {"limit": 7}
    assert sorted(command("facts", "list", fact).split()) == ["a", "b"]
    assert len(json.loads(command("facts", "list", fact, "--limit", 1, "--json"))) == 1
    assert command("facts", "delete", fact, "a", "c") == f"1 fact {fact} deleted\n"
    assert "[no-such-fact]" in command("facts", "get", fact, "a", code=1)
    assert "[bad-fact-name]" in command("facts", "get", "no fact", "a", code=1)
    assert "[bad-json]" in command("facts", "put", fact, "a", "-", stdin="{", code=1)


ROWS = [
    {"household_id": "007", "limit": 100.5, "blocked": True, "note": "12"},
    {"household_id": "8", "limit": None, "blocked": False, "note": None},
]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_file_is_loaded_whatever_its_format(
    command: Command, facts: ReferenceFacts, tmp_path: Path, suffix: str
) -> None:
    frame = pl.DataFrame(ROWS)
    write = {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[suffix]
    write(tmp_path / f"customers.{suffix}")
    facts.delete("Customer", "007", "8")
    printed = command("facts", "load", "Customer", f"customers.{suffix}", "--key", "household_id", "--json")
    assert json.loads(printed) == {"fact": "Customer", "loaded": 2}
    assert facts.get("Customer", "007") == ROWS[0]
    assert facts.get("Customer", "8") == {"household_id": "8", "blocked": False}


def test_a_key_that_is_a_number_is_the_one_that_a_job_looks_up(
    command: Command, facts: ReferenceFacts, tmp_path: Path
) -> None:
    store = uuid.uuid4().int % 10**12
    pl.DataFrame({"region": ["N"], "store": [float(store)]}).write_parquet(tmp_path / "stores.parquet")
    command("facts", "load", "Store", "stores.parquet", "--key", "store")
    assert facts.get("Store", store) == {"region": "N", "store": store}


def test_what_cannot_be_loaded_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("household_id,limit\n1,5\n2,much\n")
    assert "row 2, '2'" in command("facts", "load", "Customer", "a.csv", code=1)
    assert "[unknown-fact]" in command("facts", "load", "Custmer", "a.csv", code=1)
    assert "[no-subject]" in command("facts", "load", "Customer", "a.csv", "--key", "id", code=1)
    assert "[unreadable-source]" in command("facts", "load", "Customer", "b.csv", code=1)
