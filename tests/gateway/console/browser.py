"""What a browser without a script does: keeps a cookie, follows what it is sent to, sends the forms of a page."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

from tests.gateway.client import Answer, Client

#: Elements that have no end.
_VOID = {"meta", "link", "input", "img", "br", "hr", "wbr", "col"}
_NAMED = ("href", "src", "action", "data-live")


class Page(HTMLParser):
    """A page as it is read: every element is closed, none brings a script or a style of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        #: Addresses that it names, fields of its forms with their values, texts between its elements.
        self.links: list[str] = []
        self.fields: dict[str, str] = {}
        self.texts: list[str] = []
        #: Names of all elements.
        self.elements: set[str] = set()
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See html.parser."""
        given = {name: value or "" for name, value in attrs}
        assert not [name for name in given if name.startswith("on") or name == "style"], (tag, given)
        assert tag != "script" or "src" in given
        assert tag != "style"
        self.elements.add(tag)
        self.links += [given[name] for name in _NAMED if name in given]
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """See html.parser."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """See html.parser."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All of them, one after the other."""
        return "".join(self.texts)


def page(answer: Answer, status: int = 200) -> Page:
    """The page that an answer is."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; style-src 'self'; script-src 'self';" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return Page(answer.text)


@dataclass
class Browser:
    """One browser; it has a cookie, once it was given one."""

    client: Client
    cookie: str = ""
    #: Sent with every request.
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """One request, and what it does to the cookie."""
        named = self.headers | ({"Cookie": self.cookie} if self.cookie else {}) | headers
        answer = self.client.send(method, path, body, **named)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self.send("GET", path, **headers)

    def post(
        self, path: str, _of: str = "/console/sign-in", *, headers: dict[str, str] | None = None, **fields: str
    ) -> Answer:
        """The form of a page, as the browser sends it: with what the page put into it."""
        filled = page(self.get(_of)).fields | fields
        return self.submit(path, filled, **(headers or {}))

    def submit(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Any form, wherever it may be from."""
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(fields), **kind, **headers)

    def sign_in(self, token: str, **fields: str) -> Answer:
        """With a token."""
        return self.post("/console/sign-in", token=token, **fields)
