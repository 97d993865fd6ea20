"""What docs/gateway.md tells a reader to type works, in the order in which it is told, with the rules that ship."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import application, batch_paths, connection, job_paths, request_bodies, verdict_paths
from rulefarm.database import connect
from rulefarm.settings import Settings
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tests.gateway.client import Client, running_gateway
from tests.shipped import shipped

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
    if not line.startswith("rulefarm gateway")
]


@pytest.fixture(scope="module")
def shop(gateway_settings: Settings) -> Iterator[Client]:
    """A gateway for payment and pricing as they ship."""
    engine = connect(gateway_settings)
    publish(engine, [RulesetSnapshot.of(shipped()[domain]) for domain in ("payment", "pricing")])
    engine.dispose()
    with running_gateway(gateway_settings, "payment", "pricing") as client:
        yield client


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_every_command_of_the_page_works(shop: Client) -> None:
    assert len(COMMANDS) >= 5
    # In one shell, as they are typed: what one names the next ones use.
    script = "\n".join(COMMANDS).replace("127.0.0.1:8080", f"127.0.0.1:{shop.port}")
    done = subprocess.run(
        ["sh", "-evc", script], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_the_page_has_the_limits() -> None:
    limits = PAGE.partition("## Limits")[2]
    for limit in (request_bodies.MAX_BODY_BYTES, connection.MAX_HEAD_BYTES, application.MAX_REQUESTS):
        assert f"{limit:,}" in limits
    assert f"{connection.HEAD_S:g} s" in limits
    assert f"{application.REQUEST_S:g} s" in limits
    for limit in (
        request_bodies.MAX_SUBJECTS,
        job_paths.MAX_WAIT_S,
        verdict_paths.MAX_PAGE,
        batch_paths.MAX_FILE_BYTES,
    ):
        assert f"{limit:,}" in PAGE
