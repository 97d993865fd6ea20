"""Where the farms of other regions are.  RULEFARM_REGION_SG_DATABASE_URL … -> [region_places] -> settings

Each region is a whole farm, so it is named by the same URLs as any farm, with the region's name between. Reads no URL:
that is for `rulefarm.urls`, when one is used."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from rulefarm.errors import SettingsError

#: A region's name becomes part of variables and of tables.
_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_VARIABLE = re.compile(r"RULEFARM_REGION_([A-Z][A-Z0-9]*)_(BROKER_URL|DATABASE_URL|RESULT_URL|FACTS_URL|HOME)")
#: `verdicts_default` is there already.
_TAKEN = ("all", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPlace:
    """The URLs of the farm of one region; what is None is as for any farm."""

    name: str
    broker_url: str | None = None
    database_url: str | None = None
    result_url: str | None = None
    facts_url: str | None = None
    #: Home of a farm on this machine: its embedded services are the region's.
    home: Path | None = None


def checked_region(name: str) -> str:
    """The name of a region, if it can be one.

    Raises:
        SettingsError: `bad-region`.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise SettingsError(
            "bad-region", f"no region can be called {name!r}", "a letter, then letters and digits, at most 16, as in sg"
        )
    return name


def region_places(environ: Mapping[str, str]) -> tuple[RegionPlace, ...]:
    """The regions that an environment names, by their names.

    Args:
        environ: usually `os.environ`. An empty variable counts as unset.

    Raises:
        SettingsError: `bad-region`.

    >>> region_places({"RULEFARM_REGION_US_BROKER_URL": "redis://us"})[0].broker_url
    'redis://us'
    """
    found: dict[str, dict[str, str]] = {}
    for variable, value in environ.items():
        named = _VARIABLE.fullmatch(variable)
        if named and value:
            found.setdefault(checked_region(named[1].lower()), {})[named[2].lower()] = value
    return tuple(_place(name, values) for name, values in sorted(found.items()))


def _place(name: str, values: Mapping[str, str]) -> RegionPlace:
    urls = {field: value for field, value in values.items() if field != "home"}
    return RegionPlace(name=name, home=Path(values["home"]).absolute() if "home" in values else None, **urls)


def variables(places: Iterable[RegionPlace]) -> dict[str, str]:
    """The environment that names these regions."""
    return {
        f"RULEFARM_REGION_{place.name}_{field.name}".upper(): str(value)
        for place in places
        for field in fields(place)
        if field.name != "name" and (value := getattr(place, field.name)) is not None
    }
