"""The load balancer of the picture, on this machine.  deploy/nginx.conf, nodes -> [balancer] -> what nginx reads

What is run here is what is deployed: the same file, with other addresses in it. Starts nothing."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rulefarm.errors import RulefarmError

_DEPLOYED = Path(__file__).parents[1] / "deploy" / "nginx.conf"
#: Where `make` lays Debian's packages.
_PACKAGES = Path(sys.prefix) / "debian" / "usr" / "sbin"


class NoBalancer(RulefarmError):
    """There is no nginx here."""


def nginx() -> str:
    """The path of nginx.

    Raises:
        NoBalancer: it is not installed, and was not laid into the environment.
    """
    found = shutil.which("nginx", path=str(_PACKAGES)) or shutil.which("nginx")
    if found is None:
        raise NoBalancer("no-nginx", "there is no nginx here", "install it, or make the environment where Debian's is")
    return found


def balancer_conf(
    nodes: Mapping[str, Sequence[str]], folder: Path, *, ports: tuple[int, int], metrics: str, flower: str
) -> str:
    """The configuration of deploy/nginx.conf for other nodes.

    Args:
        nodes: domain to the addresses, `host:port`, of the gateways that serve it.
        folder: where nginx may write.
        ports: where it listens, on loopback: for requests, and for Flower.
        metrics: address of the exporter.
        flower: address of Flower.
    """
    conf = _DEPLOYED.read_text(encoding="utf-8")
    for domain in re.findall(r"upstream (\w+) {", conf):
        if domain != "any":
            servers = "".join(f"\n        {_server(address)}" for address in nodes.get(domain, ()))
            conf = conf.replace(
                f"\n        {_server(f'{domain}:8080')}", servers or "\n        server 127.0.0.1:1 down;"
            )
    addresses = {
        "listen 8000;": f"listen 127.0.0.1:{ports[0]};",
        "http://metrics:9540": f"http://{metrics}",
        "http://flower:5555": f"http://{flower}",
        "listen 5555;": f"listen 127.0.0.1:{ports[1]};",
        "/tmp/nginx": f"{folder}/nginx",
        "/etc/nginx/rulefarm.htpasswd": f"{folder}/htpasswd",
    }
    for deployed, here in addresses.items():
        conf = conf.replace(deployed, here)
    return conf


def _server(address: str) -> str:
    return f"server {address} max_fails=2 fail_timeout=10s;"
