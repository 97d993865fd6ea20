"""The URL of the farm's database.  what people write -> [postgres] -> what both SQLAlchemy and libpq read

Takes the spellings of libpq, SQLAlchemy and other drivers, several hosts included. Refuses, with the reason, other
databases, and options that libpq does not have: it would say so only when it connects, in words of its own."""

from collections.abc import Mapping
from urllib.parse import quote

from rulefarm.errors import SettingsError
from rulefarm.urls.parts import UrlParts, bad_url, port_of, split_url

_EXAMPLE = "postgresql://user:password@host:5432/database"
#: Drivers that SQLAlchemy has for Postgres: psycopg2 is what is used, whichever is named.
_DRIVERS = {"psycopg2", "psycopg2cffi", "psycopg", "psycopg_async", "asyncpg", "pg8000"}
_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
#: What libpq takes of some options; of others it takes any text.
_VALUES: Mapping[str, set[str]] = {
    "sslmode": _MODES,
    "gssencmode": {"disable", "prefer", "require"},
    "channel_binding": {"disable", "prefer", "require"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
    "load_balance_hosts": {"disable", "random"},
}
_NUMBERS = {
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    "tcp_user_timeout",
}
_TEXTS = {
    *("hostaddr", "passfile", "require_auth", "client_encoding", "options", "application_name", "sslcompression"),
    *("fallback_application_name", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "sslsni"),
    *("sslcertmode", "sslnegotiation", "requirepeer", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    *("krbsrvname", "gsslib", "gssdelegation", "service"),
}
#: Parts of a URL that may stand behind its question mark too.
_PARTS = {"host", "port", "user", "password", "dbname"}
#: What other drivers call an option, and what it is called here.
_SYNONYMS = {"ssl": "sslmode", "sslmode": "sslmode", "applicationname": "application_name"}


def database_url(variable: str, text: str) -> str:
    """The URL of Postgres, in one spelling.

    Args:
        variable: that holds it, for errors.
        text: as people write it.

    Returns:
        `postgresql://user:password@host:port/database?options`; of several hosts, `?host=a,b&port=1,2`.

    Raises:
        SettingsError: `bad-url`, or `database-unsupported`: it names another database than Postgres.
    """
    _check_scheme(variable, text)
    parts = split_url(variable, text, example=_EXAMPLE)
    query = {
        name: _only(variable, name, values) for name, values in parts.query.items() if name not in ("host", "port")
    }
    options = dict(_option(variable, name, value) for name, value in query.items() if name not in _PARTS)
    user, password = query.get("user", parts.user), query.get("password", parts.password)
    login = quote(user or "", safe="") + (f":{quote(password, safe='')}" if password else "")
    place = ""
    hosts = _hosts(variable, parts)
    if len(hosts) == 1 and not hosts[0][0].startswith("/"):
        [(host, port)] = hosts
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    elif hosts:
        options = {"host": ",".join(host for host, _ in hosts)} | options
        options["port"] = ",".join(str(port or 5432) for _, port in hosts)
    behind = "&".join(f"{name}={quote(value, safe=',/')}" for name, value in options.items())
    name = quote(query.get("dbname", parts.path), safe="")
    return f"postgresql://{f'{login}@' if login else ''}{place}/{name}{f'?{behind}' if behind else ''}"


def _check_scheme(variable: str, text: str) -> None:
    scheme = text.strip().partition("://")[0].lower()
    kind, _, driver = scheme.partition("+")
    if kind in ("postgresql", "postgres") and (not driver or driver in _DRIVERS):
        return
    if scheme.startswith("jdbc:"):
        raise bad_url(
            variable, "is a URL of Java's", f"write {_EXAMPLE}, without jdbc: and with user and password in it"
        )
    if scheme in ("pgsql", "pg", "postgis") or kind in ("postgresql", "postgres"):
        raise bad_url(variable, f"begins with {scheme}://, which is no spelling of Postgres", f"write {_EXAMPLE}")
    if "://" in text and scheme.replace("+", "").replace("-", "").isalnum():
        raise SettingsError(
            "database-unsupported", f"{variable} names a database of {kind}: the farm keeps its rows in PostgreSQL",
            f"write {_EXAMPLE}",
        )  # fmt: skip


def _hosts(variable: str, parts: UrlParts) -> list[tuple[str, int | None]]:
    """Host and port of each server; none: what libpq takes when it is told nothing."""
    named = parts.query.get("host", ())
    ports = [port for value in parts.query.get("port", ()) for port in value.split(",")]
    if not named:
        hosts = [(host, port) for host, port in parts.hosts if host or port]
    else:
        hosts = [_host_of_query(variable, host) for value in named for host in value.split(",")]
    if len(ports) not in (0, 1, len(hosts)):
        raise bad_url(variable, f"has {len(hosts)} hosts and {len(ports)} ports", "give each host its port, or all one")
    if len(ports) == 1:
        ports *= max(1, len(hosts))
    return [
        (host, port_of(variable, port) if port else of_host)
        for (host, of_host), port in zip(
            hosts or ([("", None)] if ports else []), ports or [""] * len(hosts), strict=True
        )
    ]


def _host_of_query(variable: str, text: str) -> tuple[str, int | None]:
    # A socket's folder, or an address of IPv6, which here stands without brackets.
    if text.startswith("/") or text.count(":") > 1:
        return text, None
    host, _, port = text.partition(":")
    return host, port_of(variable, port) if port else None


def _only(variable: str, name: str, values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise bad_url(variable, f"says {name} {len(values)} times", "say it once")
    return values[0]


def _option(variable: str, name: str, value: str) -> tuple[str, str]:
    own = _SYNONYMS.get(name.lower(), name)
    if own == "sslmode":
        value = {"true": "require", "false": "disable"}.get(value.lower(), value)
    wanted = _VALUES.get(own)
    if wanted is not None and value not in wanted:
        raise bad_url(variable, f"has a {name} that is none of {', '.join(sorted(wanted))}", "write one of them")
    if own in _NUMBERS and not value.isdecimal():
        raise bad_url(variable, f"has a {name} that is no whole number", f"for example {name}=5")
    if wanted is None and own not in _NUMBERS | _TEXTS:
        raise bad_url(
            variable,
            f"has the option {name!r}, which Postgres's client does not know",
            "leave it out, or see libpq's list",
        )
    return own, value
