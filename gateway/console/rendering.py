"""A template and plain values as a page.  each page -> [rendering] -> HTML with the headers that keep it safe

Whatever a template is given is text, and is escaped; a name that it was not given is an error and no blank. A template
shows and computes nothing: numbers, times and durations are told by the filters here. Reads nothing but its files."""

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from engine import EngineError
from gateway.console import links
from gateway.console.session import FORM_FIELD, visitor_of
from gateway.problems import INNER_HINT, OF_INNER, is_inner, status_of
from rulefarm.errors import RulefarmError
from rulefarm.escaping import visible
from workers.monitoring import in_words

#: What a browser may do with a page: show it, with our own style, script and pictures.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Of the address of a page, in which may stand a key, no other site hears. To ourselves it is said: else a form would
#: not say either where it comes from.
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
_HERE = Path(__file__).parent
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
#: The pages that stand in the navigation, with what each begins with.
NAVIGATION = (
    ("Overview", ""), ("Verdicts", "verdicts"), ("Batches", "batches"), ("Rules", "rules"),
    ("Dead letters", "dead-letters"), ("Health", "health"),
)  # fmt: skip

#: Style, script and icon, by their names.
ASSETS = {
    file.name: (file.read_bytes(), _KINDS[file.suffix])
    for file in sorted((_HERE / "assets").iterdir())
    if file.is_file()
}


def instant(moment: datetime) -> str:
    """A moment as people read it, in UTC.

    >>> instant(datetime(2026, 3, 1, 12, 0, 5, 250_000, UTC))
    '2026-03-01 12:00:05'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def number(value: float) -> str:
    """A number as people read it.

    >>> number(1234567), number(1234.56), number(0.25), number(3.0)
    ('1,234,567', '1,235', '0.25', '3')
    """
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if math.isfinite(value) else "-"


def as_json(value: Any, indent: int | None = None) -> str:
    """Facts, or a value of them, as people paste them.

    Args:
        value: plain data, instants and ids.
        indent: spaces of a level. Default: all in one line.
    """
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _asset(name: str) -> str:
    """The address of an asset, another one for each content: so it may be kept for ever."""
    return f"{links.path('assets', name)}?{_VERSIONS[name]}"


_VERSIONS = {name: hashlib.sha256(content).hexdigest()[:12] for name, (content, _) in ASSETS.items()}
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    # What turns a line around, or can't be seen, is shown as an escape; markup of ours is no plain text.
    finalize=lambda value: visible(value, keep="\n\t") if type(value) is str else value,
)
_TEMPLATES.filters |= {
    "instant": instant,
    "iso": lambda moment: moment.astimezone(UTC).isoformat(),
    "number": number,
    "in_words": in_words,
    "as_json": as_json,
    "digest": lambda digest: digest[:12],
}
_TEMPLATES.globals |= {"path": links.path, "asset": _asset, "FORM_FIELD": FORM_FIELD}


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page.

    Args:
        request: that it answers; it was greeted.
        template: name of the file.
        status: of the answer.
        values: what the template is given, besides `visitor`, `here` and `navigation`.
    """
    begins = request.url.path.removeprefix(links.ROOT).lstrip("/").split("/")[0]
    shown = {
        "visitor": visitor_of(request),
        "here": request.url.path,
        "navigation": [(title, links.path(first), first == begins) for title, first in NAVIGATION],
    }
    text = _TEMPLATES.get_template(template).render(shown | values)
    # Half a surrogate pair can stand in what is on record, and in no UTF-8.
    return Response(text.encode("utf-8", "replace"), status, media_type="text/html")


def redirect(to: str) -> Response:
    """An answer that sends the browser on, to be asked for with GET.

    Args:
        to: an address that `links` made.
    """
    return Response(status_code=303, headers={"location": to})


def problem_page(request: Request, error: RulefarmError | EngineError) -> Response:
    """What went wrong, and what to do, as a page.

    Args:
        request: that failed.
        error: why.
    """
    status, told = status_of(error), error.to_json()
    message, hint = (OF_INNER, INNER_HINT) if is_inner(error) else (told["message"], told["hint"] or "")
    return render(request, "problem.html", status, title=status.phrase, code=error.code, message=message, hint=hint)


def asset_response(name: str) -> Response | None:
    """Style, script or icon; None: there is none of that name."""
    if name not in ASSETS:
        return None
    content, kind = ASSETS[name]
    return Response(content, headers={"cache-control": "public, max-age=31536000, immutable"}, media_type=kind)


def secured(response: Response) -> Response:
    """An answer with the headers that keep a browser from doing anything else with it; those that it has stay."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
