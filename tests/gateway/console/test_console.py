"""Every page answers, asks no other host for anything, and has the headers that hold a browser to that."""

import re
from html.parser import HTMLParser

import pytest

from gateway.console.console import PAGES
from gateway.console.rendering import ASSETS, NAVIGATION
from tests.gateway.client import Answer, Client

#: Elements that have no end.
_VOID = {"meta", "link", "input", "img", "br", "hr"}


class Page(HTMLParser):
    """A page as a tree: every element is closed, every link is known."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inputs: dict[str, str] = {}
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not [name for name in given if name.startswith("on") or name == "style"], tag
        self.links += [str(given[name]) for name in ("href", "src", "action", "data-live") if name in given]
        if tag == "input":
            self.inputs[str(given["name"])] = given.get("value") or ""
        if tag not in _VOID and self.get_starttag_text()[-2:] != "/>":  # type: ignore[index]
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(answer: Answer, status: int = 200) -> Page:
    """The page that an answer is."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return Page(answer.text)


def test_every_page_is_whole_and_asks_no_other_host(client: Client) -> None:
    for path, method, _, _ in PAGES:
        if method == "GET" and "{" not in path:
            found = page(client.get(f"/console{path}"))
            assert [link for link in found.links if not link.startswith(("/console/", "#", "data:image/"))] == []


def test_the_navigation_leads_to_pages_that_are_there(client: Client) -> None:
    served = {path for path, method, _, _ in PAGES if method == "GET"}
    assert {f"/{begins}" for title, begins in NAVIGATION if title in ("Overview", "Health")} <= served
    assert client.get("/console").headers["location"] == "/console/"
    assert client.get("/console/").text.count('aria-current="page"') == 1


def test_assets_are_kept_and_named_by_what_they_hold(client: Client) -> None:
    links = page(client.get("/console/")).links
    assert {re.sub(r"\?.*", "", link) for link in links if "/assets/" in link} == {
        f"/console/assets/{name}" for name in ASSETS
    }
    for link in links:
        if "/assets/" in link:
            answer = client.get(link)
            assert answer.status == 200
            assert "immutable" in answer.headers["cache-control"]
    assert client.get("/console/assets/..%2Fconsole.py").status == 404
    assert client.get("/console/assets/nothing.css").status == 404


@pytest.mark.parametrize("path", ["/nowhere", "/verdicts/x/y/z", "/%2e%2e/v1/rulesets", "/figures/", "/sign-out"])
def test_what_is_no_page_is_a_page_that_says_so(client: Client, path: str) -> None:
    answer = client.get(f"/console{path}")
    assert "no-such-path" in page(answer, 404).texts
