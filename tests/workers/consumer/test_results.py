"""A result that can't be kept costs nobody a verdict."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
import redis

from rulefarm.routing import EVALUATE_JOB
from rulefarm.settings import Settings
from workers.celery_app import create_worker_app
from workers.consumer.results import OptionalResults, OptionalSentinelResults


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://127.0.0.1:6379/0", OptionalResults),
        ("rediss://127.0.0.1:6379/0", OptionalResults),
        ("sentinel://127.0.0.1:26379/0?master_name=shop", OptionalSentinelResults),
    ],
    ids=["redis", "tls", "sentinels"],
)
def test_a_worker_keeps_results_as_something_that_need_not_be_kept(settings: Settings, url: str, kind: type) -> None:
    app = create_worker_app(replace(settings, result_url=url))
    assert type(app.tasks[EVALUATE_JOB].backend) is kind


# How Celery writes them is redis-py's concern, not ours.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_a_server_that_takes_no_writes_is_logged_and_no_error(
    settings: Settings,
    valkey: Callable[[int], AbstractContextManager[None]],
    free_port: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = create_worker_app(replace(settings, result_url=f"redis://127.0.0.1:{free_port}/0"))
    backend = app.tasks[EVALUATE_JOB].backend
    with valkey(free_port), redis.Redis(port=free_port) as server:
        backend.store_result("kept", {"outcome": "accept"}, "SUCCESS")
        assert backend.get_result("kept") == {"outcome": "accept"}
        server.replicaof("127.0.0.1", "1")
        with caplog.at_level(logging.WARNING):
            backend.store_result("replica", {"outcome": "accept"}, "SUCCESS")
            backend.mark_as_failure("replica", ValueError("judging it took too long"))
        server.replicaof("NO", "ONE")
        server.config_set("maxmemory", "1")
        with caplog.at_level(logging.WARNING):
            backend.store_result("full", {"outcome": "accept"}, "SUCCESS")
        assert [
            ("is not kept" in record.getMessage(), "Redis" in record.getMessage()) for record in caplog.records
        ] == [(True, True)] * 3
    app.close()
