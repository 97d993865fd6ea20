"""Clients of an HTTP server, for as long as a round lasts.  requests -> [http_load] -> times of the answers

Each client is a process with one connection, which sends its next request when it has the answer to the last one, and
does nothing else: a client that took as much time as the server would be what is measured."""

import http.client
import multiprocessing
import socket
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What some clients got together."""

    #: Answers in a second.
    rate: float
    #: Seconds of the answer that half, and 99 of 100, were not slower than.
    median_s: float
    p99_s: float
    #: Answers that were no success.
    failed: int
    #: Seconds of each answer, the quickest first.
    times: list[float]


def post(path: str, body: str) -> bytes:
    """A request as it goes over the line.

    Args:
        path: with its query.
        body: JSON.
    """
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {len(content)}"
    return head.encode() + b"\r\n\r\n" + content


def get(port: int, path: str) -> int:
    """The status of a page; 0: nobody listens.

    Args:
        port: of the server, on loopback.
        path: of the page.
    """
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
            return int(_answer(connection)[9:12])
    except ConnectionError:
        return 0


def page(port: int, path: str) -> str | None:
    """What is at an address; None: no page.

    Args:
        port: of the server, on loopback.
        path: with its query.
    """
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        # A download is not a page, however large it is.
        is_page = answer.status == 200 and answer.headers.get_content_type() == "text/html"
        return answer.read().decode() if is_page else None


def drive(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Send requests for a while.

    Args:
        port: of the server, on loopback.
        requests: what is sent, in turns.
        clients: how many send at once.
        seconds: how long; what is asked before the end is waited for, and each client asks at least once.
    """
    context = multiprocessing.get_context("fork")
    with context.Pool(clients) as pool:
        parts = pool.starmap(_client, [(port, [*requests[n:], *requests[:n]], seconds) for n in range(clients)])
        # Told to terminate, one of them may wait for ever for what another held.
        pool.close()
        pool.join()
    times = sorted(took for taken, _, _ in parts for took in taken)
    return Load(
        # What is asked before the end is answered after it: of an answer that takes long, that is much of the time.
        rate=sum(len(taken) / lasted for taken, _, lasted in parts),
        median_s=times[len(times) // 2],
        p99_s=times[len(times) * 99 // 100],
        failed=sum(failed for _, failed, _ in parts),
        times=times,
    )


def _client(port: int, requests: Sequence[bytes], seconds: float) -> tuple[list[float], int, float]:
    """Seconds of each answer, how many failed, and seconds until the last one."""
    times: list[float] = []
    failed = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = time.perf_counter()
        end = first + seconds
        while not times or time.perf_counter() < end:
            begun = time.perf_counter()
            connection.sendall(requests[len(times) % len(requests)])
            failed += not _answer(connection).startswith(b"HTTP/1.1 2")
            times.append(time.perf_counter() - begun)
    return times, failed, time.perf_counter() - first


def _answer(connection: socket.socket) -> bytes:
    """One answer, head and body."""
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        answer += _received(connection)
    head = answer[:end].lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(answer) < end + 4 + length:
        answer += _received(connection)
    return answer


def _received(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionError("the server hung up")
    return part
