"""The whole farm as it is drawn.  clients -> load balancer -> a specialised gateway and worker for each domain

Runs one of each on this machine, with Postgres and Valkey of its own, asks each domain through the load balancer, and
prints which node answered what; then kills a gateway, and prints who notices. Measures nothing."""

import json
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cli.up import migrate_tables
from examples.balancer import balancer_conf, nginx
from rulefarm.errors import RulefarmError
from rulefarm.farm import Farm
from rulefarm.settings import Settings
from workers.local import LocalFarm, running_farm

_HERE = Path(__file__).parent
#: Domain to the sample that it judges.
_SAMPLES = {"pricing": "product.json", "promotion": "order.json", "payment": "order.json"}
_PATIENCE_S = 60.0
_LOOK_S = 0.1


class PictureFailed(RulefarmError):
    """A node does not do what it is drawn for."""


def picture() -> None:
    """Run the farm, and print what each node did.

    Raises:
        NoBalancer: there is no nginx.
        PictureFailed: a request was not answered as drawn.
        ServiceError: the farm can't be started.
    """
    program = nginx()
    with tempfile.TemporaryDirectory(prefix="rulefarm-picture-") as name:
        folder = Path(name)
        # Its workers are nobody's, and may have to write here.
        folder.chmod(0o755)
        parts = [*_SAMPLES, "balancer", "flower"]
        ports = dict(zip(parts, _free_ports(len(parts)), strict=True))
        nodes = {domain: [f"127.0.0.1:{ports[domain]}"] for domain in _SAMPLES}
        nobody = "127.0.0.1:1"
        conf = balancer_conf(nodes, folder, ports=(ports["balancer"], ports["flower"]), metrics=nobody, flower=nobody)
        (folder / "nginx.conf").write_text(conf, encoding="utf-8")
        lines = [f"balancer: {program} -p {folder} -c {folder}/nginx.conf -g 'daemon off;'"]
        lines += [f"gateway-{domain}: rulefarm gateway --domains {domain} --port {ports[domain]}" for domain in nodes]
        lines += [f"worker-{domain}: rulefarm worker --domains {domain} --autoscale 1,1" for domain in nodes]
        (folder / "Procfile").write_text("\n".join([*lines, "beat: rulefarm beat", ""]), encoding="utf-8")
        environ = {key: text for key, text in os.environ.items() if not key.startswith("RULEFARM_")}
        settings = replace(Settings(), home=folder / "home")
        farm = running_farm(settings, migrate_tables, environ=environ, procfile=folder / "Procfile", keep=False)
        with farm as running:
            names = {address: f"gateway-{domain}" for domain, [address] in nodes.items()}
            _show(running, f"http://127.0.0.1:{ports['balancer']}", names)


def _show(running: LocalFarm, balancer: str, names: Mapping[str, str]) -> None:
    for domain, sample in _SAMPLES.items():
        facts = json.loads((_HERE / sample).read_text(encoding="utf-8"))
        node, answer = _evaluated(balancer, domain, facts, names)
        click.echo(f"POST /v1/{domain}/evaluate  ->  {node}: {answer['outcome']}, verdict {answer['id']}")
    with Farm(running.settings) as farm:
        for domain, sample in _SAMPLES.items():
            facts = json.loads((_HERE / sample).read_text(encoding="utf-8"))
            verdict = farm.evaluate(domain, facts, timeout=_PATIENCE_S)
            click.echo(f"farm.evaluate({domain!r})  ->  {verdict.worker}: {verdict.outcome}, verdict {verdict.id}")
    lost = running.pids["gateway-payment"]
    os.kill(lost, 9)
    facts = json.loads((_HERE / "order.json").read_text(encoding="utf-8"))
    status = _answer(balancer, "payment", facts)[0]
    click.echo(f"gateway-payment is killed: /v1/payment/ answers {status} until it is back")
    node, answer = _evaluated(balancer, "promotion", facts, names)
    click.echo(f"POST /v1/promotion/evaluate  ->  {node}: {answer['outcome']}, as before")
    node, answer = _evaluated(balancer, "payment", facts, names)
    click.echo(f"POST /v1/payment/evaluate  ->  {node}, started again: {answer['outcome']}")


def _evaluated(
    balancer: str, domain: str, facts: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[str, Mapping[str, Any]]:
    """The node that answered, and what: asked until it does."""
    deadline = time.monotonic() + _PATIENCE_S
    while (got := _answer(balancer, domain, facts))[0] != 200:
        if time.monotonic() > deadline:
            raise PictureFailed("no-answer", f"/v1/{domain}/evaluate answers {got[0]}: {got[2]}")
        time.sleep(_LOOK_S)
    node = names[got[1].rpartition(" ")[2]]
    if node != f"gateway-{domain}":
        raise PictureFailed("wrong-node", f"/v1/{domain}/evaluate was answered by {node}")
    return node, json.loads(got[2])


def _answer(balancer: str, domain: str, facts: Mapping[str, Any]) -> tuple[int, str, str]:
    """Status, the addresses that were asked, and the body."""
    body = json.dumps({"facts": facts}).encode()
    request = urllib.request.Request(
        f"{balancer}/v1/{domain}/evaluate", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return answer.status, answer.headers.get("X-Served-By", ""), answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.headers.get("X-Served-By", ""), problem.read().decode()
    except OSError as error:
        return 0, "", str(error)


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()
