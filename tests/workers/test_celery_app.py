"""Beat can send everything that its schedule holds, and a worker takes what the release before sends."""

from dataclasses import replace

import pytest
from celery.beat import Scheduler

from rulefarm.errors import SettingsError
from rulefarm.messaging import create_app, queue_depths
from rulefarm.settings import Settings
from workers.celery_app import create_beat_app, create_worker_app


def test_every_entry_of_the_schedule_reaches_its_queue(settings: Settings) -> None:
    known = replace(settings, nightly_source="products.parquet", nightly_domain="unheard-of")
    scheduler = Scheduler(create_beat_app(known), lazy=True)
    scheduler.setup_schedule()
    assert set(scheduler.schedule) == {"reconcile", "nightly"}
    queues = [entry.options["queue"] for entry in scheduler.schedule.values()]
    assert sorted(queues) == ["rules.control", "rules.unheard-of.bulk"]
    app = create_app(known)
    before = queue_depths(app, queues)
    for entry in scheduler.schedule.values():
        scheduler.apply_async(entry, advance=False)
    assert queue_depths(app, queues) == {name: depth + 1 for name, depth in before.items()}


def test_a_worker_takes_a_probe_by_its_new_name_and_by_that_of_the_release_before(settings: Settings) -> None:
    assert {"rules.probe", "rules.canary"} <= set(create_worker_app(settings).tasks)


def test_without_a_source_there_is_no_nightly_batch(settings: Settings) -> None:
    assert set(create_beat_app(settings).conf.beat_schedule) == {"reconcile"}


@pytest.mark.parametrize("cron", ["every night", "* * * *", "61 2 * * *"])
def test_a_cron_that_is_none_is_refused_at_the_start(settings: Settings, cron: str) -> None:
    with pytest.raises(SettingsError, match="RULEFARM_NIGHTLY_CRON"):
        create_beat_app(replace(settings, nightly_source="x", nightly_cron=cron))
