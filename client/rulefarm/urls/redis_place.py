"""Where a Redis or Valkey is.  URL -> [redis_place] -> kombu, Celery's results, redis-py

Each of the three reads URLs in its own way: options behind the question mark, TLS and Sentinel are spelt otherwise for
each, or end in errors of Python. So a URL is read here, once, and each is given what it takes. Refuses a cluster, and
every option that one of the three does not have."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from rulefarm.errors import SettingsError
from rulefarm.urls.parts import UrlParts, bad_url, split_url

_EXAMPLE = "redis://:password@host:6379/0"
_SENTINEL_EXAMPLE = "sentinel://:password@host1:26379,host2:26379/0?master_name=mymaster"
#: How the URL of a Redis or Valkey begins, and what is meant.
REDIS_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+socket": "unix",
    "sentinel": "sentinel",
}
#: Spellings of others, and what to write.
_OTHERS = {
    "redis+tls": "rediss://",
    "redis+ssl": "rediss://",
    "tls": "rediss://",
    "redis+sentinel": _SENTINEL_EXAMPLE,
    "redis-sentinel": _SENTINEL_EXAMPLE,
    "rediss+sentinel": _SENTINEL_EXAMPLE,
    "valkey+sentinel": _SENTINEL_EXAMPLE,
    "redis+unix": "unix:///path/of/the/socket?db=0",
    "redis-socket": "unix:///path/of/the/socket?db=0",
}
#: Why a cluster is refused, and what to use instead.
CLUSTER = "a cluster spreads its keys over several servers, and the farm needs them on one"
INSTEAD = "use one Redis, or Sentinel; of a managed service, the kind with cluster mode off"
_CERTIFICATES = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}


def _truth(text: str) -> bool:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e6:
        raise ValueError
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)


#: Options of redis-py that kombu and Celery's results have as well.
_OPTIONS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "socket_timeout": (_seconds, "a number of seconds"),
    "socket_connect_timeout": (_seconds, "a number of seconds"),
    "socket_keepalive": (_truth, "true or false"),
    "retry_on_timeout": (_truth, "true or false"),
    "health_check_interval": (_count, "a whole number of seconds"),
    "max_connections": (_count, "a whole number"),
    "client_name": (str, "a text"),
}
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OF_TLS = (*_TLS_FILES, "ssl_cert_reqs", "ssl_check_hostname")
_OF_SENTINEL = ("master_name", "sentinel_username", "sentinel_password")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPlace:
    """One Redis, or the sentinels that know which it is."""

    #: redis, rediss, unix or sentinel.
    scheme: str
    hosts: tuple[tuple[str, int], ...]
    user: str | None
    #: Never shown.
    password: str | None = field(repr=False)
    db: int
    #: Of the socket; empty if there is none.
    path: str
    #: As redis-py names them.
    options: Mapping[str, Any]
    #: How TLS is checked, as redis-py names it; None without TLS.
    tls: Mapping[str, Any] | None
    #: How the sentinels call the servers; empty without sentinels.
    master_name: str
    #: Log-in at the sentinels themselves.
    sentinel_login: Mapping[str, str] = field(repr=False)

    @property
    def celery_url(self) -> str:
        """The URL that kombu and Celery's results take; options, TLS and Sentinel are told them apart from it."""
        if self.scheme == "unix":
            return f"redis+socket://{self._login}/{quote(self.path)}?virtual_host={self.db}"
        return ";".join(
            f"{self.scheme}://{self._login}{f'[{host}]' if ':' in host else host}:{port}/{self.db}"
            for host, port in self.hosts
        )

    @property
    def shown(self) -> str:
        """The place for people, without its password."""
        if self.scheme == "unix":
            return f"unix:///{self.path}"
        places = ",".join(f"{f'[{host}]' if ':' in host else host}:{port}" for host, port in self.hosts)
        return f"{self.scheme}://{places}/{self.db}" + (f" (master {self.master_name})" if self.master_name else "")

    @property
    def sentinel_options(self) -> dict[str, Any]:
        """What kombu and Celery's results are told of Sentinel: nothing, where there is none."""
        if not self.master_name:
            return {}
        return {"master_name": self.master_name, "sentinel_kwargs": dict(self.sentinel_login)}

    @property
    def _login(self) -> str:
        if not self.user and self.password is None:
            return ""
        return f"{quote(self.user or '', safe='')}:{quote(self.password or '', safe='')}@"


def redis_place(variable: str, text: str) -> RedisPlace | None:
    """The Redis that a URL names.

    Args:
        variable: that holds it, for errors.
        text: the URL; of several sentinels, with `;` or `,` between.

    Returns:
        The place; None: its scheme is of something else.

    Raises:
        SettingsError: `bad-url`, or `redis-cluster`.
    """
    scheme = text.strip().partition("://")[0].lower()
    if "cluster" in scheme:
        raise SettingsError("redis-cluster", f"{variable} names a cluster: {CLUSTER}", INSTEAD)
    if scheme in _OTHERS:
        raise bad_url(variable, f"begins with {scheme}://, which is not read here", f"write {_OTHERS[scheme]}")
    if "://" in text and scheme not in REDIS_SCHEMES:
        return None
    kind = REDIS_SCHEMES.get(scheme, scheme)
    texts = [part for part in text.strip().split(";") if part] if kind == "sentinel" else [text]
    # Only the first need say more than its host.
    cut = (
        [split_url(variable, part if "://" in part else f"sentinel://{part}", example=_EXAMPLE) for part in texts]
        if kind == "sentinel"
        else [split_url(variable, text, example=_EXAMPLE)]
    )
    if any(parts.scheme != scheme for parts in cut):
        raise bad_url(variable, "names servers of several kinds", f"write {_SENTINEL_EXAMPLE}")
    return _place(variable, kind, cut)


def _place(variable: str, kind: str, cut: list[UrlParts]) -> RedisPlace:
    first = cut[0]
    hosts = [
        (host or "localhost", port or (26379 if kind == "sentinel" else 6379)) for p in cut for host, port in p.hosts
    ]
    if kind != "sentinel" and len(hosts) > 1:
        raise bad_url(
            variable, "names several servers", f"of Sentinel write {_SENTINEL_EXAMPLE}; a cluster is not taken"
        )
    query: dict[str, str] = {}
    for parts in cut:
        query |= {name: values[-1] for name, values in parts.query.items()}
    path = first.path if kind == "unix" else ""
    user = query.pop("username", first.user)
    password = query.pop("password", next((p.password for p in cut if p.password), None))
    master_name = query.pop("master_name", "")
    login = {name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query}
    if kind == "sentinel" and not master_name:
        raise bad_url(variable, "names sentinels, but not which servers they watch", f"write {_SENTINEL_EXAMPLE}")
    if kind != "sentinel" and (master_name or login):
        raise bad_url(variable, "has options of Sentinel, but is none", f"write {_SENTINEL_EXAMPLE}")
    db = next((query.pop(name) for name in ("db", "virtual_host") if name in query), "" if path else first.path)
    tls = {name: query.pop(name) for name in _OF_TLS if name in query}
    if tls and kind != "rediss":
        raise bad_url(variable, f"has {min(tls)}, but no TLS", "write rediss:// for TLS; with Sentinel there is none")
    return RedisPlace(
        scheme=kind,
        hosts=() if kind == "unix" else tuple(hosts),
        user=user,
        password=password,
        db=_database(variable, db),
        path=path,
        options=dict(_option(variable, name, value) for name, value in query.items()),
        tls=_tls(variable, tls) if kind == "rediss" else None,
        master_name=master_name,
        sentinel_login=login,
    )


def _database(variable: str, text: str) -> int:
    digits = text.strip("/")
    if digits and not (digits.isdecimal() and len(digits) < 6):
        raise bad_url(variable, "names a database that is no number", f"write {_EXAMPLE}")
    return int(digits or 0)


def _option(variable: str, name: str, value: str) -> tuple[str, Any]:
    if name not in _OPTIONS:
        raise bad_url(
            variable,
            f"has the option {name!r}, which broker, results and facts can't all take",
            f"leave it out; they take {', '.join(_OPTIONS)}",
        )
    read, wanted = _OPTIONS[name]
    try:
        return name, read(value)
    except (ValueError, KeyError):
        raise bad_url(variable, f"has a {name} that is not {wanted}", "mend it, or leave it out") from None


def _tls(variable: str, given: dict[str, str]) -> dict[str, Any]:
    """How a server's certificate is checked: it is, unless the URL says otherwise."""
    required = given.get("ssl_cert_reqs", "required").lower().removeprefix("cert_")
    if required not in _CERTIFICATES:
        raise bad_url(variable, "has an ssl_cert_reqs that is not required, optional or none", "leave it out: required")
    try:
        by_name = _truth(given.get("ssl_check_hostname", "true"))
    except KeyError:
        raise bad_url(variable, "has an ssl_check_hostname that is not true or false", "leave it out: true") from None
    return {
        "ssl_cert_reqs": _CERTIFICATES[required],
        # Python refuses to compare a name that nobody vouches for.
        "ssl_check_hostname": by_name and required != "none",
        **{name: given[name] for name in _TLS_FILES if name in given},
    }
