"""Servers of other people's, run beside a test: PgBouncer, Redis with TLS, sentinels; and a proxy that counts.

Debian's packages of them are laid into the environment by `make`, without being installed."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import until
from tests.relay import relay

#: Where `make` lays the packages.
_PACKAGES = Path(sys.prefix) / "debian" / "usr"


def program(name: str) -> str:
    """The path of a program out of Debian's packages; the test is skipped where it can't be had."""
    for folder in (_PACKAGES / "sbin", _PACKAGES / "bin"):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed, and Debian's package of it can't be had here")
    return found


@contextmanager
def running(command: list[str], port: int, *, folder: Path, user: str | None = None) -> Iterator[None]:
    """Run a server for as long as a block lasts, which begins when it takes connections.

    Args:
        command: what to run.
        port: where it is to listen on loopback.
        folder: where it runs, and logs.
        user: who runs it. Default: whoever runs the test.
    """
    libraries = next((str(path) for path in (_PACKAGES / "lib").glob("*-linux-gnu")), "")
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            user=user,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
    try:
        until(lambda: process.poll() is not None or _listens(port), 20)
        assert process.poll() is None, (folder / f"{port}.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def pgbouncer(target: str, port: int, *more: str) -> Iterator[None]:
    """Run PgBouncer in transaction mode before a Postgres.

    Args:
        target: what it is told of the server: `host=… port=… user=… password=…`.
        port: where it listens.
        more: lines of its configuration.
    """
    # Root may not run it, and whoever does has to reach its configuration.
    user = "nobody" if os.geteuid() == 0 else None
    bouncer = program("pgbouncer")
    with tempfile.TemporaryDirectory(prefix="rulefarm-pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        lines = (
            *("[databases]", f"* = {target}", "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}"),
            # Several sessions behind it, and the next transaction is given whichever is free.
            *("unix_socket_dir =", "auth_type = any", "pool_mode = transaction", "default_pool_size = 3"),
            *("server_round_robin = 1", "min_pool_size = 3", *more),
        )
        configuration = folder / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        configuration.chmod(0o644)
        # In the environment of the root user, which may be out of reach for others.
        shutil.copy(bouncer, folder / "pgbouncer")
        (folder / "pgbouncer").chmod(0o755)
        libraries = folder / "lib"
        libraries.mkdir()
        for library in (_PACKAGES / "lib").glob("*-linux-gnu/*.so*"):
            shutil.copy(library, libraries / library.name)
        yield from _bouncing(folder, port, user)


def _bouncing(folder: Path, port: int, user: str | None) -> Iterator[None]:
    command = ["env", f"LD_LIBRARY_PATH={folder / 'lib'}", str(folder / "pgbouncer"), str(folder / "pgbouncer.ini")]
    with running(command, port, folder=folder, user=user):
        yield


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in taken]
    for each in taken:
        each.close()
    return ports


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate authority, and a certificate of it for localhost.

    Returns:
        The authority's certificate, the server's, and the server's key.
    """
    tool = program("openssl")
    authority, key, request, own = (folder / name for name in ("ca.crt", "own.key", "own.csr", "own.crt"))
    _openssl(tool, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests",
             "-keyout", str(folder / "ca.key"), "-out", str(authority))  # fmt: skip
    _openssl(tool, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", str(key),
             "-out", str(request))  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost\n", encoding="utf-8")
    _openssl(tool, "x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(folder / "ca.key"),
             "-CAcreateserial", "-days", "2", "-extfile", str(folder / "names"), "-out", str(own))  # fmt: skip
    return authority, own, key


def _openssl(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def metered(host: str, port: int) -> Iterator[tuple[int, list[bytes]]]:
    """A proxy before a server, which notes what is sent to it: whoever waits for each answer sends once a round trip.

    Args:
        host: of the server.
        port: of the server.

    Yields:
        The port of the proxy, and what went through it so far.
    """
    sent: list[bytes] = []

    def note(data: bytes) -> bytes:
        sent.append(data)
        return data

    with relay(host, port, sent=note) as through:
        yield through, sent
