"""Flower on a real farm: what it shows, to whom, and what it refuses."""

import base64
import json
import os
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from subprocess import Popen

import psutil
import pytest

from rulefarm.errors import SettingsError
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tests.processes import python, until
from workers.local import environ_of
from workers.monitoring.flower import check_flower

FLOWER = "from cli.main import cli; cli(['flower'], prog_name='rulefarm')"
PASSWORD = "farmer:a-long-secret"
ORDER = {"Order": {"order_id": "o-1", "total": 20, "country": "DE"}, "Line": [{"quantity": 1}]}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def flower(settings: Settings) -> Iterator[Popen[str]]:
    with python(FLOWER, environ=environ_of(settings, os.environ)) as process:
        yield process


def listening(pid: int) -> set[str]:
    """The addresses a process listens on."""
    connections = psutil.Process(pid).net_connections("tcp")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def get(port: int, path: str, *, password: str | None = None, method: str = "GET") -> tuple[int, str]:
    """Status and text; status 0 when nobody answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    if password is not None:
        request.add_header("Authorization", f"Basic {base64.b64encode(password.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return 0, ""


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_password(address: str) -> None:
    check_flower(Settings(flower_address=address))


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.7", "192.168.1.4", "farm.example", ""])
def test_any_other_address_needs_one(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_flower(Settings(flower_address=address))
    assert caught.value.code == "flower-needs-password"
    check_flower(Settings(flower_address=address, flower_password=PASSWORD))


@pytest.mark.parametrize("password", ["hunter2", "anna:", ":hunter2", "anna:pässword"])
def test_a_password_that_is_none(password: str) -> None:
    with pytest.raises(SettingsError, match="RULEFARM_FLOWER_PASSWORD") as caught:
        check_flower(Settings(flower_password=password))
    assert password not in str(caught.value)


def test_an_open_flower_is_not_started(farm_settings: Settings) -> None:
    with flower(replace(farm_settings, flower_address="0.0.0.0")) as process:
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert re.fullmatch(r"rulefarm: Flower would be open .* \[flower-needs-password\]\n", process.stderr.read())


def test_it_shows_workers_tasks_and_queues_and_changes_nothing(running_farm: Settings, farm: Farm, port: int) -> None:
    def workers() -> list[str]:
        _, text = get(port, "/workers?json=1&refresh=1")
        return [worker["hostname"] for worker in json.loads(text or '{"data": []}')["data"] if worker["status"]]

    with flower(replace(running_farm, flower_port=port)) as process:
        # Each look asks every worker eight questions: on a busy machine that takes seconds.
        until(lambda: len(workers()) == 2, 120)
        assert listening(process.pid) == {"127.0.0.1"}
        queues = {f"rules.{name}" for name in ("payment", "pricing", "payment.bulk", "pricing.bulk", "control")}
        until(lambda: queues <= set(re.findall(r"<td>(rules\.[a-z.]+)</td>", get(port, "/broker")[1])))
        job = farm.submit("payment", ORDER)
        job.wait(30)
        shown = until(lambda: page if (page := get(port, f"/task/{job.id}")[1]).count("SUCCESS") else "")
        assert "rules.evaluate" in shown
        # Without a password it only shows.
        assert get(port, f"/api/worker/shutdown/{workers()[0]}", method="POST")[0] == 401
        assert "Shut Down" not in get(port, f"/worker/{workers()[0]}")[1]
        assert str(running_farm.broker_url).split("@")[0].rpartition(":")[2] not in get(port, "/broker")[1]
        process.terminate()
        # What it asks workers at this moment it asks to the end.
        assert process.wait(90) == 0


def test_a_password_is_asked_for(running_farm: Settings, port: int) -> None:
    with flower(replace(running_farm, flower_port=port, flower_address="0.0.0.0", flower_password=PASSWORD)):
        until(lambda: get(port, "/workers", password=PASSWORD)[0] == 200, 60)
        for path in ("/", "/workers", "/tasks", "/broker", "/api/workers"):
            assert get(port, path)[0] == 401
            assert get(port, path, password="farmer:wrong")[0] == 401
        # What docs/operations.md warns of.
        assert [get(port, path)[0] for path in ("/metrics", "/healthcheck")] == [200, 200]


def test_a_taken_port_is_waited_for(running_farm: Settings, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        settings = replace(running_farm, flower_port=port)
        with flower(settings) as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "is taken" in line)
            assert f"127.0.0.1:{port} is taken by another program" in line
            other.close()
            until(lambda: get(port, "/healthcheck")[0] == 200)
