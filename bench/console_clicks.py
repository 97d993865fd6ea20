"""People who look at the console: each opens a page, reads it for some seconds, opens the next.  -> [console_clicks]

A thread each, which mostly waits, with a connection that is kept, as a browser has. While a page is read, what
is live on it is asked for again, as its script does. Its style, script and pictures are not: a browser keeps them.
What those who click take of the cores is counted apart: people have computers of their own."""

import html
import http.client
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.farm.job_queue import Stuck

#: What a page has its script ask for again, and after how many seconds.
_LIVE = re.compile('data-live="([^"]+)" data-every="([0-9]+)"')


@dataclass(slots=True)
class Clicks:
    """What they were shown."""

    #: Seconds until a page was whole, by what it is called.
    times: dict[str, list[float]] = field(default_factory=dict)
    #: Answers that were no page.
    refused: list[str] = field(default_factory=list)
    #: Addresses of parts of pages that were asked for again.
    renewed: list[str] = field(default_factory=list)
    #: Seconds for which they clicked; and of CPU, of each who did.
    seconds: float = 0.0
    cpu_s: list[float] = field(default_factory=list)

    @property
    def cores(self) -> float:
        """Cores that those who clicked took."""
        return sum(self.cpu_s) / self.seconds

    @property
    def opened(self) -> int:
        """Pages that were opened."""
        return sum(map(len, self.times.values()))

    def checked(self) -> "Clicks":
        """Itself.

        Raises:
            Stuck: a page was refused: the time of a refusal means nothing.
        """
        if self.refused:
            raise Stuck(f"{len(self.refused)} pages were refused: {self.refused[0]}")
        return self


def open_each(port: int, pages: Mapping[str, str], times: int) -> Clicks:
    """Open each page so many times, one after the other, without a pause.

    Args:
        port: of the console, on loopback.
        pages: addresses, by what they are called.
        times: how often.
    """
    clicks = Clicks()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(times):
        for name, address in pages.items():
            _open(connection, name, address, clicks)
    connection.close()
    return clicks.checked()


@contextmanager
def clicking(port: int, pages: Mapping[str, str], people: int, pause_s: float) -> Iterator[Clicks]:
    """Some people click, for as long as a block lasts.

    Args:
        port: of the console, on loopback.
        pages: addresses, by what they are called.
        people: how many.
        pause_s: seconds between two pages of one of them; they begin evenly spread over it.
    """
    clicks, end = Clicks(), threading.Event()
    named = list(pages.items())

    def click(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        place, is_over = number, end.wait(pause_s * number / people)
        while not is_over:
            text = _open(connection, *named[place % len(named)], clicks)
            is_over = _read(connection, text, clicks, end, pause_s)
            place += 1
        connection.close()
        clicks.cpu_s.append(time.thread_time())

    threads, began = [threading.Thread(target=click, args=(number,)) for number in range(people)], time.perf_counter()
    for thread in threads:
        thread.start()
    try:
        yield clicks
    finally:
        end.set()
        for thread in threads:
            thread.join()
        clicks.seconds = time.perf_counter() - began
    clicks.checked()


def _open(connection: http.client.HTTPConnection, name: str, address: str, clicks: Clicks) -> str:
    begun = time.perf_counter()
    status, text = _answer(connection, address)
    clicks.times.setdefault(name, []).append(time.perf_counter() - begun)
    if status != 200:
        clicks.refused.append(f"{address}: {status}")
    return text


def _read(
    connection: http.client.HTTPConnection, text: str, clicks: Clicks, end: threading.Event, seconds: float
) -> bool:
    """Look at a page for some seconds; whether it was the last one."""
    until = time.monotonic() + seconds
    live = _LIVE.search(text)
    while live is not None and time.monotonic() + int(live[2]) < until:
        if end.wait(int(live[2])):
            return True
        _answer(connection, html.unescape(live[1]))
        clicks.renewed.append(live[1])
    return end.wait(max(0.0, until - time.monotonic()))


def _answer(connection: http.client.HTTPConnection, address: str) -> tuple[int, str]:
    connection.request("GET", address)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
