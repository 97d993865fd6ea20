"""Nowhere that people see facts on record do they see a private value, unless they ask for it."""

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from rulefarm.farm import Farm
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from store.dead_letters import Failure, record_message
from tests.cli.conftest import OnFarm
from tests.inline_worker import take_what_is_due, working

SCHEMA = """
subject = "Order"
key = "id"
[facts.Order.fields]
id = { kind = "text" }
total = { kind = "number" }
buyer = { kind = "text" }
email = { kind = "text", private = true }
score = { kind = "number", derived = true, private = true }
[facts.Customer.fields]
limit = { kind = "number", private = true }
[lookup.Customer]
by = "Order.buyer"
"""
RULES = """
rule Over {
    when Order.total > Customer.limit && Order.email endsWith ".example"
    then Order.score += Customer.limit; Reject("over the limit");
}
"""
LIMIT, EMAIL = 731.25, "zoe@shop.example"
SECRETS = ("731.25", "zoe@shop")


@pytest.fixture
def say(settings: Settings, database: Engine, on: Callable[[Settings], OnFarm], tmp_path: Path) -> Iterator[OnFarm]:
    """Run `rulefarm` where an order was judged, one waits, a row of a batch was judged, and a message was refused."""
    mine = replace(settings, queue_prefix="private")
    folder = tmp_path / "secretive"
    folder.mkdir()
    (folder / "a.grl").write_text(RULES)
    # What was open when it was judged is private now.
    say = on(mine)
    for schema in (SCHEMA.replace(", private = true", ""), SCHEMA):
        (folder / "domain.toml").write_text(schema)
        say("rules", "publish", folder)
        if schema is not SCHEMA:
            source = tmp_path / "rows.csv"
            source.write_text(f"id,total,buyer,email\nrow,999,zoe,{EMAIL}\n")
            facts = ReferenceFacts(settings.require_facts())
            facts.put("Customer", "zoe", {"limit": LIMIT})
            with Farm(mine) as farm, working(mine, database) as worker:
                order = {"id": "judged", "total": 1000, "buyer": "zoe", "email": EMAIL}
                farm.submit("secretive", {"Order": order}, key="judged")
                farm.submit_batch("secretive", source)
                take_what_is_due(worker)
                farm.submit("secretive", {"Order": order | {"id": "open"}}, key="open")
            facts.delete("Customer", "zoe")
            facts.put("Customer", "yan", {"limit": LIMIT})
            facts.close()
    refused = Failure("bad-message", "it names no job")
    (tmp_path / "judged.json").write_text(json.dumps({"Order": order}))
    record_message(database, refused, content=json.dumps({"facts": {"Order": order}}), worker="w")
    return say


SHOWN = (
    "explain judged --all",
    "explain row --json",
    "jobs show judged",
    "jobs show open --json",
    "jobs show row --json",
    "verdicts --json --facts",
    "verdicts --csv",
    "dead-letters list --json",
    "rules test --record judged",
    "submit secretive judged.json --key judged --wait --json",
    "facts get Customer yan",
)


def test_private_values_are_shown_to_who_asks_for_them_alone(say: OnFarm, database: Engine) -> None:
    hidden = {command: say(*shlex.split(command)) for command in SHOWN}
    assert [command for command, shown in hidden.items() if any(one in shown for one in SECRETS)] == []
    shown = {command: say(*shlex.split(command), "--show-private") for command in SHOWN}
    assert [command for command, output in shown.items() if not any(one in output for one in SECRETS)] == []
    assert "Order.total is 1000" in hidden["explain judged --all"]
    assert "total = 1000" in hidden["rules test --record judged"]
    assert '"total": 1000' in hidden["jobs show open --json"]
    # A sum over one row would be the value of that row.
    told = say("rules", "impact", "secretive", "--draft", "secretive", "--sum", "Customer.limit", code=1)
    assert "Customer.limit is private: the sum of one row is its value (choose another) [private-field]" in told
    with database.begin() as connection:
        connection.execute(text("update verdicts set changes = jsonb_set(changes, '{Order.score}', '8')"))
    found = say("verify", "--sample", "100%", code=1)
    assert "no bulk worker of secretive answers: judged again in this process" in found
    assert "changes: {'Order.score': '(private)'} on record" in found
    assert "731.25" in say("verify", "--sample", "100%", "--show-private", code=1)
