"""The clients in examples/ evaluate, submit, wait and read, as they stand there."""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from rulefarm.database import connect, jobs
from rulefarm.messaging import JobMessage
from rulefarm.settings import Settings
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from store.tokens import add_token
from store.verdicts import store_verdict
from tasks.judge import judge_job
from tests.gateway.client import Client, running_gateway
from tests.shipped import shipped

EXAMPLES = Path(__file__).parents[2] / "examples"


def judge_open(database: Engine) -> None:
    """Do what a worker does with the jobs that are open."""
    with database.connect() as connection:
        rows = connection.execute(select(jobs).where(jobs.c.state == "open")).all()
    for row in rows:
        store_verdict(database, judge_job(shipped()["payment"], JobMessage.of_row(row), "w@here"))


@pytest.fixture(scope="module")
def shop(gateway_settings: Settings) -> Iterator[tuple[Client, str]]:
    """A gateway for payments as they ship, with a token; what is submitted is judged."""
    database, stopped = connect(gateway_settings), threading.Event()
    publish(database, [RulesetSnapshot.of(shipped()["payment"])])
    token = add_token(database, "examples", [], ["payment"])

    def judge() -> None:
        while not stopped.wait(0.05):
            judge_open(database)

    worker = threading.Thread(target=judge)
    worker.start()
    with running_gateway(gateway_settings, "payment", asks_for_tokens=True) as client:
        yield client, token
    stopped.set()
    worker.join()
    database.dispose()


def run(program: str, script: str, shop: tuple[Client, str]) -> list[str]:
    """The lines that a client prints."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    command = [str(EXAMPLES / script)] if script.endswith(".sh") else [program, str(EXAMPLES / script)]
    client, token = shop
    environ = {**os.environ, "GATEWAY": f"http://127.0.0.1:{client.port}", "TOKEN": token}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_shell_evaluates_submits_waits_and_reads(shop: tuple[Client, str]) -> None:
    verdict, job, page = map(json.loads, run("curl", "gateway.sh", shop))
    assert (verdict["subject"], verdict["outcome"]) == ("shell-1", "review")
    assert (job["state"], job["verdict"]["outcome"]) == ("done", "review")
    assert [each["id"] for each in page["verdicts"]] == [job["id"]]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_readme_evaluates_submits_waits_and_reads(shop: tuple[Client, str], tmp_path: Path) -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    [told] = [block for block in re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE) if "curl" in block]
    client, token = shop
    # Curl finds there what the README's gateway, on loopback, does not ask for.
    (tmp_path / ".curlrc").write_text(f'header = "Authorization: Bearer {token}"\nwrite-out = "\\n"\n')
    script = told.replace("127.0.0.1:8080", f"127.0.0.1:{client.port}")
    environ = {**os.environ, "HOME": str(tmp_path)}
    command = ["sh", "-euc", script]
    done = subprocess.run(command, cwd=EXAMPLES.parent, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdict, job, page = map(json.loads, done.stdout.splitlines())
    assert (verdict["subject"], verdict["outcome"], job["state"]) == ("4711", "review", "done")
    assert job["verdict"]["id"] == verdict["id"] == page["verdicts"][0]["id"]


def test_node_evaluates_submits_waits_and_reads(shop: tuple[Client, str]) -> None:
    verdict, several, job, found = run("node", "gateway.mjs", shop)
    assert verdict.startswith("review QuickSecondOrder")
    assert (several, job, found) == ("review, review", "done review", "true")


def test_a_problem_ends_a_client_with_its_code(shop: tuple[Client, str]) -> None:
    client, _ = shop
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    environ = {**os.environ, "GATEWAY": f"http://127.0.0.1:{client.port}", "TOKEN": "nobody's"}
    done = subprocess.run([EXAMPLES / "gateway.sh"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert '"code": "no-token"' in done.stdout
