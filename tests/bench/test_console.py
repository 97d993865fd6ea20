"""What is timed of the console are all its pages, beside rows as a farm leaves them. No time is judged."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, text

from bench.console_clicks import Clicks, clicking, open_each
from bench.console_command import ConsoleTurn, ConsoleTurns, rows_of
from bench.console_costs import CONSOLE, Cores, Counted, named
from bench.console_pages import linked_pages
from bench.farm.job_queue import Fleet, Stuck
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


def turns(looked_at: list[float], console_cores: float) -> ConsoleTurns:
    """A farm that gives 100, 200 and 100 verdicts a second while nobody looks."""
    clicks = Clicks({"/": [0.1] * 10}, renewed=["/figures"] * 5, seconds=5.0, cpu_s=[0.05] * 10)
    cores = Cores(console=console_cores, console_postgres=0.02, farm=1.2, farm_postgres=0.6)
    return ConsoleTurns(
        [ConsoleTurn(rate, Cores(farm=1.3, farm_postgres=0.6)) for rate in (100.0, 200.0, 100.0)],
        [ConsoleTurn(rate, cores) for rate in looked_at],
        [clicks],
    )


def test_a_page_counts_by_its_slowest_the_farm_by_its_turns_and_the_console_by_its_share_of_the_cores() -> None:
    times = {"/": [0.01] * 97 + [0.2] * 3, "/rules": [0.01] * 90 + [0.2] * 10}
    for looked_at, console_cores, told in (
        ([97.0, 196.0, 99.0], 0.03, [True, False, True, True]),
        ([90.0, 200.0, 96.0], 0.05, [True, False, False, False]),
    ):
        rows = rows_of(times, turns(looked_at, console_cores), 2)
        assert [row.met for row in rows if row.met is not None] == told


def test_the_table_says_what_those_who_click_take_and_at_what_pace_they_do() -> None:
    rows = rows_of({"/": [0.01]}, turns([97.0, 196.0, 99.0], 0.03), 2)
    found = {(row.section, row.name): row.sample.middle for row in rows}
    taken = "cores of 2 that are taken while 10 people click"
    assert found[taken, "those who click"] == pytest.approx(0.1)
    assert found[taken, "Postgres for the console"] == 0.02
    pace = "what 10 people ask for, a page every 5 s each"
    assert (found[pace, "pages"], found[pace, "renewed parts"]) == (2.0, 1.0)


#: Has Postgres count, again and again.
_COUNTING = """
import sys
from contextlib import closing
from bench.farm.work import connection
with closing(connection(sys.argv[1])) as database, database.cursor() as cursor:
    while True:
        cursor.execute("select count(*) from generate_series(1, 50000)")
"""


def test_what_postgres_does_for_the_console_is_told_from_what_it_does_for_the_farm(
    database: Engine, tmp_path: Path
) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    session = text(f"select pid from pg_stat_activity where application_name = '{CONSOLE}' and datname = :name")
    console = Fleet([[sys.executable, "-c", _COUNTING, named(url)]], {}, tmp_path / "log")

    def pid() -> int | None:
        with database.connect() as connected:
            return connected.execute(session, {"name": database.url.database}).scalar_one_or_none()

    try:
        until(lambda: pid() is not None, 60)
        served = psutil.Process(pid() or 0)
        with Counted(console, Fleet([], {}, tmp_path / "log"), url).counting() as cores:
            before = served.cpu_times().user
            until(lambda: served.cpu_times().user > before + 0.1, 60)
    finally:
        console.stop()
    assert cores.console_postgres > 0
    assert cores.farm == 0


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
    assert clicks.opened == sum(map(len, clicks.times.values())) >= 3
    assert set(clicks.renewed) == {"/figures?of=a&amp;b"}
    assert clicks.cores > 0


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
