"""The shipped fraud rules on real payments: the farm says what the replay says, whoever judges and whoever dies."""

import io
import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from examples.payments import Payments, build_payments
from examples.waves import judge_in_waves, waves
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from rulesets.loader import SHIPPED
from tasks.replay import DocumentFacts, Replayed, replay
from tasks.replay_rows import rows_of_lines
from tests.commands import rulefarm
from tests.processes import until
from tests.shipped import shipped
from workers.monitoring import worker_states

#: A domain of its own: other tests have a small one of the name `fraud`.
DOMAIN = "cards"
KEY = ("Payment", "card")


@pytest.fixture(scope="module")
def built() -> Payments:
    return build_payments()


@pytest.fixture(scope="module")
def documents(built: Payments) -> list[dict[str, Any]]:
    """Some hundred payments: of the households that pay most often, and of those that make the largest ones."""
    payments: list[dict[str, Any]] = [{"Payment": row["Payment"]} for row in built.payments.to_dicts()]
    chosen = {card for card, _ in Counter(each["Payment"]["card"] for each in payments).most_common(3)}
    largest = sorted(payments, key=lambda each: each["Payment"]["amount"])[-25:]
    chosen |= {each["Payment"]["card"] for each in largest}
    return [each for each in payments if each["Payment"]["card"] in chosen]


@pytest.fixture(scope="module")
def cards(sharing_farm: Settings, built: Payments, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The fraud rules under another name, and the households that they look up."""
    home = tmp_path_factory.mktemp("cards")
    shutil.copytree(SHIPPED / "fraud", home / "rulesets" / DOMAIN)
    settings = replace(sharing_farm, home=home, rulesets=home / "rulesets")
    with Farm(settings) as farm:
        farm.facts.put_many("Household", ((row["household_id"], row) for row in built.households.to_dicts()))
    return settings


@pytest.fixture(scope="module")
def replayed(built: Payments, documents: list[dict[str, Any]]) -> list[Replayed]:
    known = DocumentFacts({"Household": {row["household_id"]: row for row in built.households.to_dicts()}})
    lines = io.StringIO("".join(json.dumps(document) + "\n" for document in documents))
    fraud = shipped()["fraud"]
    return list(replay(fraud, rows_of_lines(lines, fraud), reference=known, as_of=None, clock=lambda: 1.8e9))


@pytest.fixture
def two_workers(cards: Settings) -> Iterator[Farm]:
    with ExitStack() as stack:
        for name in ("one", "two"):
            stack.enter_context(rulefarm(cards, "worker", "--domains", DOMAIN, "--name", name, "--autoscale", "2,2"))
        farm = stack.enter_context(Farm(cards))
        until(lambda: len(_serving(cards)) == 2, 180)
        yield farm


def _serving(settings: Settings) -> list[str]:
    return [state.name for state in worker_states(settings) if f"rules.{DOMAIN}" in state.queues]


def test_waves_part_the_payments_of_a_card(documents: list[dict[str, Any]]) -> None:
    seen: dict[str, int] = {}
    places = []
    for number, wave in enumerate(waves(documents, KEY)):
        for place in wave:
            card = documents[place]["Payment"]["card"]
            assert seen.get(card, -1) == number - 1
            seen[card] = number
        places += wave
    assert sorted(places) == list(range(len(documents)))


def test_the_farm_says_what_the_replay_says(
    two_workers: Farm, documents: list[dict[str, Any]], replayed: list[Replayed]
) -> None:
    verdicts = judge_in_waves(
        two_workers, documents, KEY, lambda wave: [two_workers.submit(DOMAIN, each) for each in wave], timeout=120
    )
    found = [(verdict.outcome, verdict.fired, verdict.reasons) for verdict in verdicts]
    assert found == [
        (one.evaluation.outcome, one.evaluation.fired, [reason.to_json() for reason in one.evaluation.reasons])
        for one in replayed
    ]
    assert len(found) >= 300
    assert len({verdict.worker for verdict in verdicts}) == 2
    assert sum(outcome != "accept" for outcome, _, _ in found) >= 10
    assert "error" not in {outcome for outcome, _, _ in found}


def test_two_workers_that_die_between_payments_see_one_window(cards: Settings, documents: list[dict[str, Any]]) -> None:
    # Of a card that no other test pays with, all within a day.
    sent = [
        {"Payment": {**each["Payment"], "card": "mortal", "at": f"2017-12-01T12:{n:02}:00Z"}}
        for n, each in enumerate(documents[:8])
    ]
    judged_by: set[str | None] = set()
    with Farm(cards) as farm:
        for first in range(0, len(sent), 4):
            with ExitStack() as stack:
                workers = [
                    stack.enter_context(rulefarm(cards, "worker", "--domains", DOMAIN, "--name", f"{name}{first}"))
                    for name in ("one", "two")
                ]
                until(lambda first=first: sum(str(first) in name for name in _serving(cards)) == 2, 180)  # type: ignore[misc]
                for n in range(first, first + 4):
                    verdict = farm.evaluate(DOMAIN, sent[n], timeout=120)
                    judged_by.add(verdict.worker)
                    window = [event["payment_id"] for event in (verdict.shared_facts or {})["day"]]
                    assert window == [each["Payment"]["payment_id"] for each in sent[: n + 1]]
                for worker in workers:
                    worker.send_signal(signal.SIGKILL)
    assert len(judged_by) >= 2
