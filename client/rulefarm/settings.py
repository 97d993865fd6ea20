"""Every setting of rulefarm, read in this one place.  environment, services.json -> [settings] -> everything else

Takes an environment mapping, gives one frozen `Settings`. When a URL is not set it is taken from the file that the
embedded services write into the home directory while they run. A value that can't be read is an error for whoever asks
for it: a producer does not stop for the port of Flower. URLs are read by `rulefarm.urls`, when they are required. Opens
no connection and starts nothing."""

import logging
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rulefarm.errors import SettingsError
from rulefarm.region_places import RegionPlace, checked_region, region_places
from rulefarm.services_file import running_services
from rulefarm.urls import broker_place, database_url, redis_place

log = logging.getLogger("rulefarm")

#: What Kubernetes and Docker put into variables named for a service: with one called `rulefarm-flower`, into
#: RULEFARM_FLOWER_PORT.
_ADDRESS_OF_SERVICE = re.compile(r"(tcp|udp|sctp)://\S*")

#: Fields that had another name: read under the old one too, with a warning, for one release.
_OLD_NAMES = {
    "facts_ttl_s": "facts_fresh_s",
    "facts_cache_size": "facts_cache",
    "reconcile_batch_size": "reconcile_limit",
    "database_pool_size": "database_pool",
    "stall_timeout_s": "silence_s",
}


class _Flaws:
    """Keeps why fields have no value, and says so when they are asked for."""

    __slots__ = ("_flaws",)
    _flaws: Mapping[str, SettingsError]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Only asked for what is not there: a field with a value costs nothing more.
            flaws = {} if name == "_flaws" else getattr(self, "_flaws", {})
            if name in flaws:
                raise flaws[name]
            raise AttributeError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_Flaws):
    """What a producer, a worker or a command needs to know. Each field is the variable `RULEFARM_<FIELD>`."""

    #: Directory of everything the farm writes on this machine: services, logs.
    home: Path = Path(".rulefarm")
    #: Redis, Valkey or RabbitMQ. None: the embedded Valkey, if it runs.
    broker_url: str | None = None
    #: Postgres. None: the embedded one, if it runs.
    database_url: str | None = None
    #: Where Celery keeps results for those who wait. None: the broker if it is Redis or Valkey, else nowhere, and
    #: whoever waits reads the verdict row.
    result_url: str | None = None
    #: Redis or Valkey with the shared facts. None: the broker, if it is Redis or Valkey.
    facts_url: str | None = None
    #: Seconds for which a process of a worker uses a reference fact again that it has looked up.
    facts_ttl_s: float = 5.0
    #: Reference facts that one process of a worker keeps for that.
    facts_cache_size: int = 10_000
    #: Begins every key of this farm in the broker's Redis: for farms that share one. None: nothing does.
    queue_prefix: str | None = None
    #: The region that this process is in, or is for. None: there are no regions.
    region: str | None = None
    #: Regions that take what a producer submits while its own does not, with commas between. None: none does.
    region_fallback: str | None = None
    #: Seconds within which a region has to answer.
    region_budget_s: float = 1.0
    #: Seconds that jobs of a domain may have waited in a region before others are taken by the next.
    region_deadline_s: float = 10.0
    #: Where the regions are: of RULEFARM_REGION_<NAME>_DATABASE_URL and its like.
    regions: tuple[RegionPlace, ...] = ()
    #: Folder with one folder per domain. None: the rulesets that ship with rulefarm.
    rulesets: Path | None = None
    #: Seconds a result stays in the broker's memory; the verdict row stays.
    result_expires_s: int = 300
    #: Seconds after which an unacknowledged message is handed out again: above the longest task and its prefetch time.
    visibility_timeout_s: int = 600
    #: Seconds after which the evaluation of one job is killed. A job takes milliseconds.
    job_time_limit_s: int = 30
    #: Seconds after which the evaluation of one chunk is killed. A chunk takes seconds.
    chunk_time_limit_s: int = 60
    #: Subjects in one chunk: big enough that the columnar pass pays, small enough to spread over workers.
    chunk_rows: int = 2500
    #: How often a job or chunk is tried before it becomes a dead letter. Only attempts that failed, or that may have
    #: died with their worker, count.
    max_attempts: int = 4
    #: Jobs that a worker claims, judges and stores together at most, when so many wait.
    group_size: int = 200
    #: Jobs that wait for one queue at most, and messages in it: beyond, `submit` raises QueueFull, and batches are sent
    #: bit by bit.
    queue_limit: int = 10_000
    #: Seconds between two runs of the reconciler.
    reconcile_interval_s: float = 10.0
    #: Seconds a job may wait for its verdict before its message is sent again; doubles with every repeat, to an hour.
    reconcile_grace_s: float = 30.0
    #: Jobs and chunks that the reconciler sends again in one transaction.
    reconcile_batch_size: int = 5000
    #: When the nightly batch is due: cron syntax, UTC, by Postgres's clock.
    nightly_cron: str = "30 2 * * *"
    #: The domain that judges the nightly batch.
    nightly_domain: str = "pricing"
    #: What the nightly batch reads: a csv, parquet, jsonl or sql file that the workers can open. None: there is none.
    nightly_source: str | None = None
    #: The column that names the subject of the nightly batch. None: the `key` of the domain.
    nightly_subject: str | None = None
    #: The sheet of a workbook that the nightly batch reads. None: the first that is not hidden.
    nightly_sheet: str | None = None
    #: The encoding of the nightly batch's source, where that is text. None: UTF-8.
    nightly_encoding: str | None = None
    #: The database that .sql files are asked of: a URL of SQLAlchemy. None: such files are refused.
    source_url: str | None = None
    #: Connections that one process keeps to Postgres.
    database_pool_size: int = 5
    #: Seconds after which a worker that takes nothing, though its queues hold messages, ends to be started again:
    #: above the 30 that it may wait between two tries to reach its broker.
    stall_timeout_s: float = 60.0
    #: Seconds within which what waits is to be judged: a worker adds as many processes as that takes, up to its most.
    scale_deadline_s: float = 1.0
    #: Seconds that fewer processes have to do before a worker ends the others.
    scale_pause_s: float = 30.0
    #: Where Flower listens. Anything but loopback needs a password.
    flower_address: str = "127.0.0.1"
    #: Port of Flower.
    flower_port: int = 5555
    #: `user:password` that Flower asks for. None: no question asked, loopback only.
    flower_password: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings from an environment and, for URLs that it lacks, from a running embedded farm.

        Args:
            environ: usually `os.environ`. An empty variable counts as unset.

        Returns:
            The settings; broker_url and database_url stay None when nothing names them. Whoever asks for a field whose
            value does not parse gets a SettingsError.

        Raises:
            SettingsError: the home leads nowhere, or the file of a running farm can't be read.
        """
        values: dict[str, Any] = {}
        flaws: dict[str, SettingsError] = {}
        for field in fields(cls):
            try:
                if field.name == "regions":
                    values[field.name] = region_places(environ)
                    continue
                variable = _variable(field.name, environ)
                if text := environ.get(variable, ""):
                    values[field.name] = _convert(variable, field.type, text)
            except SettingsError as error:
                flaws[field.name] = error
        if _ADDRESS_OF_SERVICE.fullmatch(environ.get("RULEFARM_FLOWER_PORT", "")):
            del flaws["flower_port"]
            log.warning("RULEFARM_FLOWER_PORT is the address of a service, not a port: it is ignored")
        home = values.setdefault("home", Path(".rulefarm"))
        try:
            values["home"] = home.expanduser().absolute()
        # A user without a name has no ~, and a working directory may have been removed.
        except (RuntimeError, OSError) as error:
            raise SettingsError(
                "bad-setting", f"RULEFARM_HOME is {str(home)!r}, which leads nowhere: {error}", "give it a whole path"
            ) from None
        if "broker_url" not in values or "database_url" not in values:
            values = running_services(values["home"]) | values
        return cls._flawed(values, flaws)

    @classmethod
    def _flawed(cls, values: Mapping[str, Any], flaws: Mapping[str, SettingsError]) -> "Settings":
        settings = cls(**values)
        for name in flaws:
            object.__delattr__(settings, name)
        object.__setattr__(settings, "_flaws", flaws)
        return settings

    def in_region(self, name: str) -> "Settings":
        """The settings of the farm of a region: the same, with its URLs.

        Args:
            name: of the region. If nothing names its URLs and it is that of this process, they are those of this one.

        Raises:
            SettingsError: `unknown-region`: nothing names its broker or its database.
        """
        checked_region(name)
        place = next((place for place in self.regions if place.name == name), None)
        if place is None and self.region == name:
            return self
        place = place or RegionPlace(name=name)
        flaws = getattr(self, "_flaws", {})
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in flaws}
        values |= {"region": name, "home": place.home or self.home}
        urls = running_services(place.home) if place.home else {}
        for field in ("broker_url", "database_url", "result_url", "facts_url"):
            values[field] = getattr(place, field) or urls.get(field)
        if not values["broker_url"] or not values["database_url"]:
            shown = f"RULEFARM_REGION_{name.upper()}"
            raise SettingsError(
                "unknown-region",
                f"nothing says where broker and database of region {name} are",
                f"set {shown}_BROKER_URL and {shown}_DATABASE_URL, or {shown}_HOME of a farm on this machine",
            )
        return self._flawed(values, {field: error for field, error in flaws.items() if field not in values})

    def check(self, *, but: str) -> None:
        """Refuse values that do not parse, at the start and not when they are needed.

        Args:
            but: the beginning of the names of fields that this process never asks for.

        Raises:
            SettingsError: there is one.
        """
        for name, error in getattr(self, "_flaws", {}).items():
            if not name.startswith(but):
                raise error

    def require_broker(self) -> str:
        """The broker's URL, which is good.

        Raises:
            SettingsError: nothing names a broker, or its URL is refused.
        """
        url = self.broker_url or self._missing("broker", "RULEFARM_BROKER_URL")
        broker_place(url)
        return url

    def require_database(self) -> str:
        """The URL of Postgres, as both SQLAlchemy and libpq take it.

        Raises:
            SettingsError: nothing names a database, or its URL is refused.
        """
        url = self.database_url or self._missing("database", "RULEFARM_DATABASE_URL")
        return database_url("RULEFARM_DATABASE_URL", url)

    def require_facts(self) -> str:
        """The URL of the Redis with the shared facts, which is good; its scheme is as redis-py has it.

        Raises:
            SettingsError: nothing names one, or its URL is refused.
        """
        url = self.facts_url or self.broker_url or self._missing("Redis for facts", "RULEFARM_FACTS_URL")
        variable = "RULEFARM_FACTS_URL" if self.facts_url else "RULEFARM_BROKER_URL"
        place = redis_place(variable, url)
        if place is None:
            raise SettingsError(
                "no-facts",
                f"shared facts are kept in Redis or Valkey, and {variable} names neither",
                "set RULEFARM_FACTS_URL",
            )
        return f"{place.scheme}://{url.strip().partition('://')[2]}"

    def _missing(self, what: str, variable: str) -> str:
        raise SettingsError(
            "no-farm",
            f"no {what}: no farm is running in {self.home} and {variable} is not set",
            "start one with 'rulefarm up', or name yours",
        )


def _variable(name: str, environ: Mapping[str, str]) -> str:
    """The variable that a field is read from: the old one, with a warning, if only that is set."""
    variable = f"RULEFARM_{name.upper()}"
    old = f"RULEFARM_{_OLD_NAMES[name].upper()}" if name in _OLD_NAMES else ""
    if not environ.get(old) or environ.get(variable):
        return variable
    warnings.warn(
        f"{old} is now called {variable}; a later release will not read the old name", FutureWarning, stacklevel=3
    )
    return old


def _convert(variable: str, kind: Any, text: str) -> Any:
    if kind in (Path, Path | None):
        return Path(text)
    if variable == "RULEFARM_REGION":
        return checked_region(text)
    if variable == "RULEFARM_QUEUE_PREFIX" and not re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", text):
        raise SettingsError(
            "bad-setting", f"{variable} is {text!r}, which begins no name", "letters, digits, and _ . : - , at most 64"
        )
    if kind not in (int, float):
        return text
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if variable.endswith("_PORT") and not 0 < number < 65536:
        raise SettingsError(
            "bad-setting", f"{variable} is {text!r}, which is no port from 1 to 65535", "see docs/settings.md"
        )
    if not 0 < number < float("inf"):
        raise SettingsError(
            "bad-setting",
            f"{variable} is {text!r}, which is no positive {'whole ' if kind is int else ''}number",
            "see docs/settings.md",
        )
    return number
