"""A line between two regions: it delays, is cut, and heals.  whoever connects -> [link] -> a server

In asyncio, in a thread of its own. What is under way when the line is cut arrives when it heals, as TCP has it; whoever
connects meanwhile is not refused and hears nothing, as behind a router that drops what it is sent."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from rulefarm.settings import Settings


class Link:
    """One line, with as many servers at its far end as are asked for."""

    def __init__(self, delay_s: float) -> None:
        #: Seconds that everything takes, each way.
        self.delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._up = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        #: Connections that were made over it so far.
        self.connections = 0
        self._is_closed = False
        self._servers: list[asyncio.Server] = []
        self.heal()

    def cut(self) -> None:
        """From now on nothing arrives."""
        self._do(self._turn(up=False))

    def heal(self) -> None:
        """From now on all arrives again."""
        self._do(self._turn(up=True))

    def port_to(self, host: str, port: int) -> int:
        """The near end of the line to a server.

        Args:
            host: of the server.
            port: of the server.
        """
        server = self._do(
            asyncio.start_server(lambda near, out: self._carry(near, out, host, port), "127.0.0.1", 0, backlog=512)
        )
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def to(self, settings: Settings) -> dict[str, str]:
        """The URLs of a farm, through the line.

        Args:
            settings: of the farm.
        """
        database, broker = make_url(settings.require_database()), urlsplit(settings.require_broker())
        near = self.port_to(str(database.host), int(database.port or 0))
        url = database.set(host="127.0.0.1", port=near, query={"sslmode": "disable"})
        near = self.port_to(str(broker.hostname), int(broker.port or 0))
        return {
            "database_url": url.render_as_string(hide_password=False),
            "broker_url": broker._replace(netloc=f":{broker.password}@127.0.0.1:{near}").geturl(),
        }

    def close(self) -> None:
        """End every connection."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _turn(self, *, up: bool) -> None:
        (self._up.set if up else self._up.clear)()

    async def _end(self) -> None:
        self._is_closed = True
        # Those taken a moment ago, too. Their servers are closed after them, for asyncio (Python 3.11) forgets
        # a connection that it took before its server was closed and has made no transport of; and a task that was
        # cancelled before it began would not close its own, so it begins, and sees that it is too late.
        for server in self._servers:
            for listener in server.sockets:
                self._loop.remove_reader(listener)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others)
        for server in self._servers:
            server.close()

    async def _carry(self, near: asyncio.StreamReader, out: asyncio.StreamWriter, host: str, port: int) -> None:
        # One way as the other: the start of a connection takes a round trip, too.
        task = asyncio.current_task()
        assert task is not None
        if self._is_closed:
            out.transport.abort()
            return
        self._tasks.add(task)
        self.connections += 1
        writers = [out]
        try:
            await asyncio.sleep(2 * self.delay_s)
            await self._up.wait()
            far, into = await asyncio.open_connection(host, port)
            writers.append(into)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(near, into))
                group.create_task(self._pump(far, out))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass
        finally:
            self._tasks.discard(task)
            for writer in writers:
                writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def receive() -> None:
            data = b"?"
            while data:
                with suppress(OSError):
                    data = b""
                    data = await source.read(1 << 16)
                under_way.put_nowait((self._loop.time() + self.delay_s, data))

        receiving = asyncio.create_task(receive())
        try:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._up.wait()
                if not data:
                    # Whoever hung up: the other end learns of it as late as of everything else.
                    raise ConnectionResetError
                sink.write(data)
                await sink.drain()
        finally:
            receiving.cancel()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@contextmanager
def linked(delay_s: float = 0.0) -> Iterator[Link]:
    """A line, for as long as a block lasts.

    Args:
        delay_s: seconds that everything takes, each way.
    """
    link = Link(delay_s)
    try:
        yield link
    finally:
        link.close()
