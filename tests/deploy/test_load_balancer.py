"""The load balancer that is deployed sends each request to a node that serves its domain, and past one that is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from examples.balancer import balancer_conf
from rulefarm.settings import Settings
from tests.gateway.client import Client, running_gateway
from tests.gateway.conftest import publish_all
from tests.servers import free_ports, program, running

ORDER = {"facts": {"Order": {"order_id": "1", "total": 5}}}


@contextmanager
def balancer(nodes: Mapping[str, Sequence[Client]], folder: Path) -> Iterator[tuple[Client, Client]]:
    """The real nginx before gateways, and before a Flower that is away, for as long as a block lasts."""
    port, flower = free_ports(2)
    addresses = {domain: [f"127.0.0.1:{node.port}" for node in its] for domain, its in nodes.items()}
    folder.chmod(0o755)
    conf = balancer_conf(addresses, folder, ports=(port, flower), metrics="127.0.0.1:1", flower="127.0.0.1:1")
    (folder / "nginx.conf").write_text(conf)
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with running(command, port, folder=folder):
        yield Client(port), Client(flower)


def test_a_request_goes_to_a_node_of_its_domain_and_past_one_that_is_gone(
    settings: Settings, database: Engine, tmp_path: Path
) -> None:
    program("nginx")
    publish_all(database)
    with ExitStack() as others, ExitStack() as lost:
        pricing = others.enter_context(running_gateway(settings, "pricing"))
        payment = others.enter_context(running_gateway(settings, "payment"))
        second = lost.enter_context(running_gateway(settings, "payment"))
        nodes = {"pricing": [pricing], "payment": [payment, second]}
        front, flower = others.enter_context(balancer(nodes, tmp_path))

        def asked(domain: str) -> tuple[int, set[int]]:
            answers = [front.post(f"/v1/{domain}/evaluate?durable=false", ORDER) for _ in range(8)]
            ports = {int(each.headers["x-served-by"].rpartition(":")[2]) for each in answers}
            [status] = {each.status for each in answers}
            return status, ports

        assert asked("payment") == (200, {payment.port, second.port})
        assert asked("pricing")[1] == {pricing.port}
        assert front.get("/livez").status == 200
        lost.close()
        # One of each two would be refused: the other node takes it.
        status, ports = asked("payment")
        assert (status, payment.port in ports) == (200, True)
        # Nobody serves promotions here; the others are as they were.
        assert front.post("/v1/promotion/evaluate", ORDER).status == 502
        assert front.get("/metrics").status == 401
        # What Flower shows without a password it shows to nobody from here.
        for path in ("/metrics", "/healthcheck", "//metrics", "/%6detrics", "/healthcheck?x=1"):
            assert flower.get(path).status == 404, path
        assert flower.get("/workers").status == 502


@pytest.mark.usefixtures("real_services")
def test_the_picture_runs_as_it_is_drawn(tmp_path: Path) -> None:
    nginx = Path(program("nginx")).parent
    environ = os.environ | {"PATH": f"{os.environ['PATH']}:{nginx}", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "examples", "picture"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=400, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for domain in ("pricing", "promotion", "payment"):
        assert f"POST /v1/{domain}/evaluate  ->  gateway-{domain}: " in answer.stdout
        assert f"farm.evaluate('{domain}')  ->  {domain}@" in answer.stdout
    assert "gateway-payment, started again" in answer.stdout
    # All of it has ended.
    assert not list(tmp_path.glob("rulefarm-picture-*"))
