"""The line between two regions that a drill cuts: what becomes of who uses it."""

import socket
from contextlib import suppress

from workers.drill.link import linked


def test_a_line_that_ends_hangs_up_on_who_connected_a_moment_ago() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as far:
        # Each round meets another step of taking a connection.
        for count in range(40):
            with linked() as line:
                port = line.port_to("127.0.0.1", far.getsockname()[1])
                made = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(count)]
            for each in made:
                with each, suppress(ConnectionResetError):
                    assert each.recv(1) == b""
