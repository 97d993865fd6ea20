"""A port before a server, at which a test listens, or cuts in.

Everything that it took is closed when it ends, and its threads have ended then: also what was taken in that moment."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


def _pass_on(data: bytes) -> bytes:
    return data


@contextmanager
def relay(host: str, port: int, sent: Callable[[bytes], bytes | None] = _pass_on,
          answered: Callable[[bytes], bytes | None] = _pass_on) -> Iterator[int]:  # fmt: skip
    """A port of this machine that leads to a server.

    Args:
        host: of the server.
        port: of the server.
        sent: asked of what is sent to the server; gives what is passed on of it, None to hang up.
        answered: the same of what the server answers.

    Yields:
        The port.
    """
    ends: list[socket.socket] = []
    carriers: list[threading.Thread] = []

    def carry(source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bytes | None]) -> None:
        with suppress(OSError):
            while (data := source.recv(1 << 20)) and (kept := passes(data)) is not None:
                sink.sendall(kept)
        hang_up(source, sink)

    def take() -> None:
        near, _ = listener.accept()
        ends.append(near)
        try:
            far = socket.create_connection((host, port))
        except OSError:
            hang_up(near)
            return
        ends.append(far)
        for one, other, passes in ((near, far, sent), (far, near, answered)):
            carriers.append(threading.Thread(target=carry, args=(one, other, passes)))
            carriers[-1].start()

    def serve() -> None:
        with suppress(OSError):
            while True:
                take()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            hang_up(listener)
            # From here on nothing is taken any more.
            server.join()
            hang_up(*ends)
            for carrier in carriers:
                carrier.join()
            for end in ends:
                end.close()


def hang_up(*ends: socket.socket) -> None:
    """Let nobody wait for these any more; they stay open."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
