"""Every address of the console, made in one place.  ids, names, filters -> [links] -> paths

Whatever is given is quoted as a whole. What may hold a slash (a key, the name of a rule) goes into the query: servers
and proxies take a quoted one in a path for a slash. Knows no page and no request."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

#: Where the console begins.
ROOT = "/console"


def path(*segments: str | uuid.UUID, query: Mapping[str, Any] | None = None) -> str:
    """An address within the console.

    Args:
        segments: of the path, as they are called; none: the overview.
        query: parameters; those that are None or empty are left out.

    >>> path("verdicts", query={"domain": "payment", "rule": None, "subject": "a/b&c"})
    '/console/verdicts?domain=payment&subject=a%2Fb%26c'
    >>> path("rules", "pay ment?")
    '/console/rules/pay%20ment%3F'
    """
    # Half a surrogate pair can stand in a name, and in no UTF-8.
    named = "/".join(quote(str(segment), safe="", errors="replace") for segment in segments)
    given = {name: value for name, value in (query or {}).items() if value is not None and value != ""}
    return f"{ROOT}/{named}" + (f"?{urlencode(given, errors='replace')}" if given else "")


def own_path(text: str | None) -> str:
    """Where somebody is sent on to, if it is a page of the console, else the overview.

    >>> own_path("/console/verdicts?domain=payment")
    '/console/verdicts?domain=payment'
    >>> own_path("https://elsewhere.example/console/"), own_path("//elsewhere.example"), own_path(None)
    ('/console/', '/console/', '/console/')
    """
    if text is None or not text.startswith(f"{ROOT}/") or not text.isprintable() or "\\" in text:
        return path()
    return text
