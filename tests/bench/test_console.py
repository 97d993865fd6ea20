"""What is timed of the console are all its pages, beside rows as a farm leaves them. No time is judged."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import Engine, text

from bench.console_clicks import clicking, open_each
from bench.console_command import rows_of
from bench.console_pages import linked_pages
from bench.farm.job_queue import Stuck
from bench.growth_rows import lay_batches, lay_down, lay_open
from tests.processes import until

ASKED: list[str] = []


class Pages(BaseHTTPRequestHandler):
    """A console of two pages, one of which is live."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        ASKED.append(self.path)
        body = b'<div data-live="/figures?of=a&amp;b" data-every="1">' if self.path == "/live" else b"."
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    ASKED.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_a_page_counts_by_its_slowest_and_the_farm_by_its_turns() -> None:
    times = {"/": [0.01] * 97 + [0.2] * 3, "/rules": [0.01] * 90 + [0.2] * 10}
    for looked_at, told in (([97.0, 196.0, 99.0], [True, False, True]), ([90.0, 200.0, 96.0], [True, False, False])):
        rows = rows_of(times, [100.0, 200.0, 100.0], looked_at, [0.01, 0.02, 0.01])
        assert [row.met for row in rows if row.met is not None] == told


def test_every_page_is_found_that_a_link_leads_to_and_each_once() -> None:
    pages = {
        "/console/": '<a href="/console/health">x</a> <a class="y" href="//elsewhere.example/console/sign-in">z</a>',
        "/console/health": '<a href="sign-in?next=%2F&amp;a=b#c">x</a><a href="/console/health?again">y</a>',
        "/console/sign-in?next=%2F&a=b": '<a href="/console/nowhere">x</a>',
    }
    asked: list[str] = []

    def ask(address: str) -> str | None:
        asked.append(address)
        return pages.get(address)

    assert linked_pages(ask) == {
        "/": "/console/", "/health": "/console/health", "/sign-in": "/console/sign-in?next=%2F&a=b"
    }  # fmt: skip
    assert asked == list(pages)


def test_people_open_one_page_after_the_other_and_are_kept_up_to_date(port: int) -> None:
    with clicking(port, {"a": "/a", "live": "/live"}, people=2, pause_s=1.5) as clicks:
        until(lambda: "/figures?of=a&b" in ASKED and len(clicks.times.get("a", [])) >= 2, 60)
    assert clicks.times.keys() == {"a", "live"}


def test_a_page_that_is_refused_is_nothing_to_time(port: int) -> None:
    assert len(open_each(port, {"a": "/a"}, 3).times["a"]) == 3
    with pytest.raises(Stuck, match="/gone: 404"):
        open_each(port, {"a": "/a", "gone": "/gone"}, 1)


def test_what_is_laid_down_beside_the_jobs_is_what_a_farm_leaves(database: Engine) -> None:
    lay_down(database, "payment", 50)
    lay_batches(database, "payment", 3, 20)
    lay_open(database, "payment", [{"Order": {"total": n}} for n in range(4)], 9, name="open")
    counts = """
        select (select count(*) from batches b where rows = (select count(*) from verdicts where batch = b.id)),
               (select count(*) from dead_letters), (select count(*) from jobs where state = 'open'),
               (select count(distinct facts) from jobs where state = 'open')"""
    with database.connect() as connection:
        assert tuple(connection.execute(text(counts)).one()) == (3, 3, 9, 4)
