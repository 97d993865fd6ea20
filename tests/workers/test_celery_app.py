"""Beat can send everything that its schedule holds, a worker takes what the release before sends, and no setting that
Celery would take quietly turns off what the farm stands on."""

import subprocess
import sys
from dataclasses import replace

import pytest
from celery.beat import Scheduler

from rulefarm.errors import SettingsError
from rulefarm.messaging import create_app, queue_depths
from rulefarm.routing import EVALUATE_CHUNK, EVALUATE_JOB
from rulefarm.settings import Settings
from workers.beat import create_beat_app
from workers.celery_app import create_worker_app


def test_beat_sends_the_reconciler_and_nothing_that_depends_on_its_clock(settings: Settings) -> None:
    known = replace(settings, nightly_source="products.parquet", nightly_domain="unheard-of")
    scheduler = Scheduler(create_beat_app(known), lazy=True)
    scheduler.setup_schedule()
    [entry] = scheduler.schedule.values()
    headers = entry.options.pop("headers")
    assert (entry.task, entry.options) == ("rules.reconcile", {"queue": "rules.control", "ignore_result": True})
    # Which beat it is, for the doctor.
    assert headers.keys() == {"beat"}
    entry.options["headers"] = headers
    app = create_app(known)
    before = queue_depths(app, ["rules.control"])["rules.control"]
    scheduler.apply_async(entry, advance=False)
    assert queue_depths(app, ["rules.control"]) == {"rules.control": before + 1}


def test_a_worker_takes_a_probe_by_its_new_name_and_by_that_of_the_release_before(settings: Settings) -> None:
    assert {"rules.probe", "rules.canary"} <= set(create_worker_app(settings).tasks)


@pytest.mark.parametrize("cron", ["every night", "* * * *", "61 2 * * *", "0 0 30 2 *"])
def test_a_cron_that_is_none_is_refused_at_the_start(settings: Settings, cron: str) -> None:
    for create in (create_worker_app, create_beat_app):
        with pytest.raises(SettingsError, match="RULEFARM_NIGHTLY_CRON"):
            create(replace(settings, nightly_source="x", nightly_cron=cron))


def test_messages_are_sent_many_in_one_round_trip(settings: Settings) -> None:
    # Kombu gives that up in silence for an option that it can't keep in a pipeline, such as one of its retries.
    for app in (create_app(settings), create_worker_app(settings)):
        with app.connection_for_write() as connection:
            assert connection.default_channel.supports_batch_publish
        app.close()


def test_a_job_that_ran_out_of_time_is_acknowledged_and_circles_no_more(settings: Settings) -> None:
    conf = create_worker_app(settings).conf
    assert (conf.task_acks_late, conf.task_acks_on_failure_or_timeout, conf.task_reject_on_worker_lost) == (
        True,
        True,
        False,
    )


def test_what_passes_is_retried_without_a_limit(settings: Settings) -> None:
    tasks = create_worker_app(settings).tasks
    assert {tasks[name].max_retries for name in (EVALUATE_JOB, EVALUATE_CHUNK)} == {None}


#: A worker's main process before it forks its pool; polars' threads do not survive a fork, and a child would wait for
#: them for ever.
BEFORE_THE_FORK = r"""
import re
from pathlib import Path
from rulesets.loader import SHIPPED, available_domains, load_all
from rulefarm.routing import EVALUATE_CHUNK, EVALUATE_JOB
from rulefarm.settings import Settings
from workers.celery_app import create_worker_app
create_worker_app(Settings(broker_url="redis://127.0.0.1:1/0"))
load_all(SHIPPED, available_domains(SHIPPED))

def computing():
    # The threads of its pools; those that it has from its import on only tidy up.
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return [name for name in names if re.match(r"polars-\d|tokio|async-executor", name)]

assert not computing(), computing()
import polars
polars.DataFrame({"a": range(100_000)}).lazy().select(polars.col("a").sort()).collect()
print(bool(computing()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="names of threads are read from /proc")
def test_no_thread_of_polars_runs_when_the_pool_is_forked() -> None:
    done = subprocess.run([sys.executable, "-c", BEFORE_THE_FORK], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
