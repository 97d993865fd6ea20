"""Cut a URL into its parts.  text of a variable -> [parts] -> postgres, redis_place, servers

Takes any URL of a server, gives its parts without escapes. Refuses what two readers would understand differently, above
all a password with signs that are not escaped. An error names the variable and the flaw, and shows nothing that may be
part of a password: of a URL that is cut wrong, that is everything behind its scheme."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from rulefarm.errors import SettingsError

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?P<rest>.*)",
    re.DOTALL,
)
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPES = "in a user or password write %40 for @, %2F for /, %3A for :, %23 for #, %3F for ?, %25 for %"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlParts:
    """A URL in parts, without escapes."""

    #: Lower case.
    scheme: str
    #: Host and port of each server; None: not said. An IPv6 address stands without brackets.
    hosts: tuple[tuple[str, int | None], ...]
    user: str | None
    password: str | None
    #: Without the slash that begins it.
    path: str
    #: Of a name that comes several times, all values, in order.
    query: Mapping[str, tuple[str, ...]]


def split_url(variable: str, text: str, *, example: str) -> UrlParts:
    """The parts of a URL.

    Args:
        variable: that holds it, for errors.
        text: the URL. Space around it is dropped: a secret out of a file ends with a line's end.
        example: what a good one looks like.

    Raises:
        SettingsError: `bad-url`.
    """
    text = text.strip()
    found = _URL.fullmatch(text)
    if found is None:
        quoted = text[:1] in "'\"" and text[:1] == text[-1:]
        flaw = "stands in quotes, which belong to it" if quoted else "is no URL: it has no scheme"
        raise bad_url(variable, flaw, f"write it like {example}")
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise bad_url(variable, "has a space in it", "write %20 for one, or take it out")
    userinfo, at, places = found["authority"].rpartition("@")
    behind = found["path"] + (found["query"] or "")
    if found["rest"] or "@" in userinfo + behind or (at and _BAD_ESCAPE.search(userinfo)):
        raise bad_url(variable, "has a password with a sign that is not escaped", _ESCAPES)
    user, colon, password = userinfo.partition(":")
    query: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(found["query"] or "", keep_blank_values=True):
        query[name] = (*query.get(name, ()), value)
    return UrlParts(
        scheme=found["scheme"].lower(),
        hosts=tuple(_host(variable, place) for place in places.split(",")),
        user=unquote(user) or None,
        password=unquote(password) if colon and password else None,
        path=unquote(found["path"].removeprefix("/")),
        query=query,
    )


def port_of(variable: str, text: str) -> int:
    """A port.

    Args:
        variable: for the error.
        text: as it is written.

    Raises:
        SettingsError: `bad-url`: it is none.
    """
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        # Not shown: it may be the password of a URL that lacks its @.
        raise bad_url(
            variable, "has a port that is no number from 1 to 65535", "a URL is scheme://user:password@host:port/name"
        )
    return int(text)


def bad_url(variable: str, flaw: str, hint: str) -> SettingsError:
    """The error of a URL.

    Args:
        variable: that holds it.
        flaw: what is wrong, to follow the variable's name.
        hint: what to write.
    """
    return SettingsError("bad-url", f"{variable} {flaw}", hint)


def _host(variable: str, place: str) -> tuple[str, int | None]:
    found = _HOST.fullmatch(place)
    if found is None:
        raise bad_url(variable, "has a host that can't be read", "an IPv6 address stands in brackets: [::1]:5432")
    host = unquote(found[1]).removeprefix("[").removesuffix("]")
    return host, port_of(variable, found[2]) if found[2] else None
