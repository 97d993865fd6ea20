"""Every page answers, asks no other host for anything, and has the headers that hold a browser to that."""

import re

import pytest

from gateway.console.console import PAGES
from gateway.console.rendering import ASSETS, NAVIGATION
from tests.gateway.client import Client
from tests.gateway.console.browser import page

SERVED = [path for path, method, _, _ in PAGES if method == "GET" and "{" not in path]


def test_every_page_is_whole_and_asks_no_other_host(client: Client) -> None:
    for path in SERVED:
        found = page(client.get(f"/console{path}"))
        assert [link for link in found.links if not link.startswith(("/console/", "#", "data:image/"))] == [], path


def test_the_navigation_leads_to_pages_that_are_there(client: Client) -> None:
    assert {f"/{begins}" for title, begins in NAVIGATION if title in ("Overview", "Health")} <= set(SERVED)
    for path in ("/console", "/console/"):
        answer = client.get(path)
        assert (answer.status, answer.headers.get("location")) in ((303, "/console/"), (200, None))
    assert client.get("/console/").text.count('aria-current="page"') == 1


def test_assets_are_kept_and_named_by_what_they_hold(client: Client) -> None:
    links = [link for link in page(client.get("/console/")).links if "/assets/" in link]
    assert {re.sub(r"\?.*", "", link) for link in links} == {f"/console/assets/{name}" for name in ASSETS}
    for link in links:
        answer = client.get(link)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/console/assets/..%2Fconsole.py").status == 404
    assert client.get("/console/assets/nothing.css").status == 404


@pytest.mark.parametrize("path", ["/nowhere", "/verdicts/x/y/z", "/%2e%2e/v1/rulesets", "/figures/", "/sign-out"])
def test_what_is_no_page_is_a_page_that_says_so(client: Client, path: str) -> None:
    assert "no-such-path" in page(client.get(f"/console{path}"), 404).texts


def test_a_parameter_that_a_page_does_not_have_is_refused(client: Client) -> None:
    for path in SERVED:
        found = page(client.get(f"/console{path}?nosuch=1"), 400)
        assert "no parameter 'nosuch'" in found.text, path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/batches?domain=a%00", 400),
        ("/dead-letters?code=%00", 400),
        ("/dead-letters?code=a&code=b", 400),
        ("/rules/payment?version=%00", 400),
        ("/rules/%00/versions/237cb", 400),
        ("/rules/payment/versions/%00", 400),
        ("/rules/payment/versions/%25", 404),
        ("/rules/payment/impact?draft=no-digest", 404),
        ("/rules/payment?filter=a&filter=b", 400),
    ],
)
def test_a_text_that_nothing_on_record_has_is_no_error_of_ours(client: Client, path: str, status: int) -> None:
    page(client.get(f"/console{path}"), status)
