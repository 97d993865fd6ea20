"""The console as people see it, in a real browser: narrow and wide, by day and by night, with a keyboard, on paper.

What no page may do is watched on all of them: ask another host, break its own policy, complain, scroll sideways, or be
of no use to somebody who can't see it (axe-core says so)."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from sqlalchemy import Engine

from bench.console_pages import linked_pages
from bench.http_load import page
from gateway.console.rendering import NAVIGATION
from rulefarm.settings import Settings
from tests.browser import axe, browser_program, open_browser
from tests.gateway.client import Client
from tests.gateway.console.lived_in import MARKUP, live_in
from tests.processes import until

#: Pages that the navigation does not name: links lead to them.
DETAILS = {
    *("/verdicts/{id}", "/batches/{id}", "/rules/{domain}", "/rules/{domain}/rule", "/rules/{domain}/history"),
    *("/rules/{domain}/versions/{digest}", "/rules/{domain}/diff", "/rules/{domain}/judge", "/dead-letters/{id}"),
}
#: What keeps somebody from using a page; the rest is taste.
_SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter(found => ["serious", "critical"].includes(found.impact))
    .map(found => `${found.id}: ` + found.nodes.slice(0, 3).map(one => `${one.html} ${one.failureSummary}`).join(" | "))
"""
#: What sticks out of the window, but for what scrolls within itself.
_TOO_WIDE = """() => document.documentElement.scrollWidth <= document.documentElement.clientWidth ? []
    : [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
        .filter(one => !one.parentElement.closest(".scroll, pre")).slice(0, 3).map(one => one.outerHTML.slice(0, 99))"""
#: Where the keyboard is: its text, its address, whether it can be seen that it is there.
_FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const isVisible = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.left >= 0;
    return [one.innerText ?? "", one.getAttribute("href") ?? one.getAttribute("name") ?? one.id, isVisible];
}"""
#: Where in each row of a list the name of what it is about ends, and where what became of it does.
_ENDS = """rows => rows.flatMap(row => ["th[scope=row] a", "td .badge, td code"]
    .map(which => row.querySelector(which)?.getBoundingClientRect().right ?? Infinity))"""
#: How large the letters of a chart are that is shown so wide.
_LETTERS = """width => {
    document.querySelector("div").style.width = `${width}px`;
    return [...document.querySelectorAll("svg text")]
        .filter(one => one.textContent.trim() && one.getClientRects().length)
        .map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a);
}"""
#: A rule of payment that fires.
FIRED = "Big"

Visits = Callable[..., AbstractContextManager["Visit"]]


class Visit:
    """One window; and what was wrong in it."""

    def __init__(self, page: Any, port: int) -> None:
        self.page = page
        self.faults: list[str] = []
        self._host = f"127.0.0.1:{port}"
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: self.faults.append(f"{page.url} asks: {dialog.message}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def open(self, address: str) -> None:
        """Go there."""
        self.page.goto(address)
        if self.page.locator("main h1").count() != 1:
            self.faults.append(f"{address}: not one heading of the whole")
        if self.page.title() == "taken":
            self.faults.append(f"{address} ran what is a key")

    def measure(self, width: int, scheme: str) -> None:
        """Look at the page in a window so wide, by day or by night."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)
        self._find(_TOO_WIDE, f"{width} wide: sticks out")

    def ask_axe(self) -> None:
        """Whether somebody who can't see, or has no mouse, can use the page."""
        self.page.evaluate(axe())
        self._find(_SERIOUS, "axe")

    def focus(self) -> tuple[str, str, bool]:
        """Where the keyboard is."""
        text, name, is_visible = self.page.evaluate(_FOCUS)
        return text, name, is_visible

    def tab_to(self, wanted: Callable[[str, str], bool]) -> None:
        """Press Tab until what is wanted, by text and address, has the keyboard; what has it on the way shows it."""
        for _ in range(150):
            self.page.keyboard.press("Tab")
            text, name, is_visible = self.focus()
            assert is_visible, (self.page.url, text, name)
            if wanted(text, name):
                return
        raise AssertionError(f"{self.page.url}: not found by Tab")

    def enter(self) -> None:
        """Press Enter, which leads to another page."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _find(self, script: str, what: str) -> None:
        self.faults += [f"{self.page.url}: {what}: {found}" for found in self.page.evaluate(script)]

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{self.page.url} complains: {message.text}")

    def _asked(self, request: Any) -> None:
        asked = urlsplit(request.url)
        if asked.scheme != "data" and asked.netloc != self._host:
            self.faults.append(f"{self.page.url} asks {request.url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{self.page.url}: {response.url} is {response.status}")


@pytest.fixture(scope="module")
def pages(
    client: Client, gateway_settings: Settings, gateway_database: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """The address of each page of a console in whose farm something has happened."""
    browser_program()
    live_in(gateway_settings, gateway_database, tmp_path_factory.mktemp("lived"))
    return linked_pages(partial(page, client.port))


@pytest.fixture(scope="module")
def browser(pages: Mapping[str, str]) -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def visit(browser: Any, client: Client) -> Iterator[Visits]:
    """Opens a window; in the end nothing may have been wrong in any."""
    visits: list[Visit] = []

    @contextmanager
    def opened(**more: Any) -> Iterator[Visit]:
        context = browser.new_context(base_url=f"http://127.0.0.1:{client.port}", **more)
        visits.append(Visit(context.new_page(), client.port))
        yield visits[-1]
        context.close()

    yield opened
    faults = [fault for visit in visits for fault in visit.faults]
    assert not faults, "\n".join(faults)


def test_every_page_fits_and_can_be_used_by_everybody(visit: Visits, pages: Mapping[str, str]) -> None:
    assert {f"/{begins}" for _, begins in NAVIGATION} | DETAILS <= pages.keys()
    with visit() as seen:
        for address in pages.values():
            seen.open(address)
            for width, scheme in ((1600, "light"), (360, "light"), (1600, "dark"), (360, "dark")):
                seen.measure(width, scheme)
                # There are two sets of colours, and each width may show something else: two looks see all of it.
                if (width, scheme) in ((360, "light"), (1600, "dark")):
                    seen.ask_axe()


@pytest.mark.parametrize("listed", ["verdicts", "batches", "dead-letters"])
def test_on_a_phone_a_list_says_at_once_of_what_it_is_and_what_became_of_it(
    visit: Visits, pages: Mapping[str, str], listed: str
) -> None:
    with visit(viewport={"width": 360, "height": 640}) as seen:
        seen.open(pages[f"/{listed}"])
        ends = seen.page.locator("tbody").first.locator("tr").evaluate_all(_ENDS)
        assert ends
        assert max(ends) <= 360
        # What it is searched by leaves room for the first of them.
        assert seen.page.locator("tbody tr").first.bounding_box()["y"] < 640


def test_letters_in_charts_can_be_read_on_a_phone_and_are_no_larger_than_the_page_s(
    visit: Visits, pages: Mapping[str, str]
) -> None:
    with visit() as seen, visit() as aside:
        for address in (
            pages["/"],
            pages["/batches/{id}"],
            f"/console/rules/payment/rule?{urlencode({'name': FIRED})}",
        ):

            def has_picture(at: str = address) -> bool:
                # How often rules fired is counted beside the pages.
                seen.open(at)
                return bool(seen.page.locator(".picture img").count())

            until(has_picture, 30)
            for width, least in ((360, 10), (1600, 14)):
                seen.page.set_viewport_size({"width": width, "height": 900})
                pictures = seen.page.locator(".picture img").evaluate_all("all => all.map(one => [one.src, one.width])")
                for source, shown in pictures:
                    # What an image is made of no page may look into: it is laid out once more, as wide.
                    aside.page.set_content(f"<div>{b64decode(source.partition(',')[2]).decode()}</div>")
                    sizes = aside.page.evaluate(_LETTERS, shown)
                    assert sizes
                    assert least <= min(sizes) <= max(sizes) <= 17, (address, width)


def test_a_keyboard_is_enough(visit: Visits, pages: Mapping[str, str]) -> None:
    with visit(viewport={"width": 360, "height": 640}) as seen:
        seen.open(pages["/"])
        seen.tab_to(lambda _, name: name == "#content")
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("document.activeElement.id") == "content"
        seen.open(pages["/"])
        seen.tab_to(lambda text, _: text == "Verdicts")
        seen.enter()
        seen.tab_to(lambda _, name: name == "subject")
        seen.page.keyboard.insert_text(MARKUP)
        seen.enter()
        assert seen.page.locator("tbody tr").count() == 2
        assert MARKUP in seen.page.locator("tbody").inner_text()
        seen.tab_to(lambda _, name: name.startswith("/console/verdicts/"))
        seen.enter()
        assert MARKUP in seen.page.locator("main").inner_text()


def test_every_page_can_be_read_without_a_script(visit: Visits, pages: Mapping[str, str]) -> None:
    with visit(java_script_enabled=False) as plain, visit() as seen:
        for address in pages.values():
            plain.page.goto(address)
            seen.page.goto(address)
            assert plain.page.locator("h1").inner_text() == seen.page.locator("h1").inner_text()
            # Not one part of it is a blank that a script would fill.
            assert (
                plain.page.locator("main").inner_text().count("\n") >= seen.page.locator("main h2, main table").count()
            )


def test_a_page_is_printed_without_what_is_for_the_screen(visit: Visits, pages: Mapping[str, str]) -> None:
    with visit(viewport={"width": 700, "height": 900}, color_scheme="dark") as seen:
        for address in pages.values():
            seen.open(address)
            seen.page.emulate_media(media="print")
            assert not seen.page.locator("header").is_visible()
            assert not seen.page.locator("form:visible").count()
            assert seen.page.locator("h1").is_visible()
            # On white paper, whatever the screen was.
            assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert seen.page.pdf().startswith(b"%PDF-")
