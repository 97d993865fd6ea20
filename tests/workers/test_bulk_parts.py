"""Parts that no worker does are done by whoever asks, and each once."""

from collections.abc import Mapping
from typing import Any

import pytest

from rulefarm.messaging import create_app
from rulefarm.settings import Settings
from workers.bulk_parts import BulkParts


def here(place: int) -> dict[str, int]:
    """Does the part."""
    return {"place": place}


def test_parts_that_nobody_takes_are_done_here_each_once(settings: Settings, domain: str) -> None:
    bulk = BulkParts(create_app(settings), domain, "rules.nothing")
    assert bulk.processes() == 0
    for processes in (0, 1, 3):
        answers = list(bulk.run([{}] * 7, here, processes=processes, patience_s=0.0))
        assert sorted(answer.document["place"] for answer in answers) == list(range(7))
        assert not any(answer.by_worker for answer in answers)


def test_a_broker_that_is_away_keeps_nothing_from_being_done(settings: Settings, free_port: int) -> None:
    away = create_app(Settings(broker_url=f"redis://127.0.0.1:{free_port}/0"))
    bulk = BulkParts(away, "shop", "rules.nothing")
    assert bulk.processes() == 0
    assert [answer.place for answer in bulk.run([{}] * 3, here, processes=2, patience_s=60)] == [0, 1, 2]


class TakenOnce(BulkParts):
    """The broker takes one part, and then none for a while."""

    sent: str | None = None

    def _send(self, arguments: Mapping[str, Any]) -> str | None:
        if self.sent is None:
            self.sent = super()._send(arguments)
            return self.sent
        return None


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_a_part_that_was_sent_before_the_broker_went_away_is_heard_when_all_others_are_done(
    settings: Settings, domain: str
) -> None:
    app = create_app(settings)
    bulk = TakenOnce(app, domain, "rules.nothing")

    def meanwhile(place: int) -> dict[str, int]:
        if place == 2:
            app.backend.store_result(bulk.sent, {"place": 0}, "SUCCESS")
        return here(place)

    answers = list(bulk.run([{}] * 3, meanwhile, processes=2, patience_s=60))
    assert [(answer.document["place"], answer.by_worker) for answer in answers] == [(1, False), (2, False), (0, True)]
    # A result that nobody waits for is let go.
    assert app.backend.get_task_meta(bulk.sent)["status"] == "PENDING"
