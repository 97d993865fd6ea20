"""The pages of the console, as links lead to them.  a console -> [console_pages] -> addresses by path

Begins at the overview and follows links, as people do, until nothing new comes: one address of each path of the
console's own table. What no link leads to is not found, and that is a fault of the page that should."""

import html
import re
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

from starlette.routing import compile_path

from gateway.console import links
from gateway.console.console import PAGES

#: Addresses that are asked for at most: a page of many rows has many links of the same kind.
_MOST = 400
_LINK = re.compile(r"""<a\s[^>]*?href=["']([^"']*)""")


def linked_pages(ask: Callable[[str], str | None]) -> Mapping[str, str]:
    """One address of each page.

    Args:
        ask: gives the HTML at an address; None: what is there is no page.

    Returns:
        Addresses by the path that the table of the console has for them.

    >>> linked_pages({"/console/": '<a href="/console/health?of=a&amp;b">'}.get)
    {'/': '/console/'}
    """
    shapes = [(page[0], compile_path(page[0])[0]) for page in PAGES if page[1] == "GET"]
    found: dict[str, str] = {}
    waiting, known = [links.path()], {links.path()}
    for address in waiting:
        shape = next((path for path, shape in shapes if shape.match(_within(address))), None)
        if shape is None or shape in found:
            continue
        text = ask(address)
        if text is None:
            continue
        found[shape] = address
        for link in _LINK.findall(text):
            target = urljoin(address, html.unescape(link)).partition("#")[0]
            if target.startswith(f"{links.ROOT}/") and target not in known and len(known) < _MOST:
                known.add(target)
                waiting.append(target)
    return found


def _within(address: str) -> str:
    return address.partition("?")[0].removeprefix(links.ROOT)
