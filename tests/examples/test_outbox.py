"""The outbox example does what it says: an order that is undone has no job, one that is placed gets its verdict."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine, text

from rulefarm.settings import Settings
from tests.commands import environment

ROOT = Path(__file__).parents[2]


def test_an_order_and_its_job_exist_together_or_not_at_all(running_farm: Settings, farm_database: Engine) -> None:
    command = [sys.executable, "-W", "error", "examples/outbox.py", "examples/order.json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(running_farm), capture_output=True, text=True, timeout=120, check=False
    )
    with farm_database.begin() as connection:
        connection.execute(text("drop table if exists shop_orders"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "undone: 0 orders, job known: False"
    assert done.stdout.splitlines()[1].startswith("placed: 1 order, ")
    assert "error" not in done.stdout
