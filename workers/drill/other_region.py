"""A second, small region beside the drill's farm.  settings -> [other_region] -> farm, its producers -> region_faults

Started only for faults that need it. The farm of the drill is region `sg`, which is reached over a line that can be
cut; the other is `us`, with services, a worker and beat of its own. Cuts nothing itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from workers.drill.link import Link, linked
from workers.local import LocalFarm, Migrate, running_farm

#: Names of the drill's own region and of the other.
_OWN, OTHER = "sg", "us"
_PARTS = {OTHER: f"python -m workers.drill.worker {OTHER} interactive 1,1", "beat": "rulefarm beat"}


@dataclass(frozen=True, slots=True)
class OtherRegion:
    """The other region, while it runs."""

    #: Where its Postgres is.
    database_url: str
    #: The line that producers of both regions reach the drill's own farm over.
    line: Link
    #: Of such a producer.
    producer: Settings

    def taken(self, prefix: str) -> int:
        """How many jobs whose keys begin so it has on record."""
        with closing(psycopg2.connect(self.database_url)) as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from jobs where starts_with(subject, %s)", (prefix,))
            return int(cursor.fetchone()[0])


@contextmanager
def other_region(farm: LocalFarm, folder: Path, migrate: Migrate, environ: Mapping[str, str]) -> Iterator[OtherRegion]:
    """Run a second region for as long as a block lasts.

    Args:
        farm: the first one.
        folder: of the drill.
        migrate: makes the tables.
        environ: what its parts inherit.

    Raises:
        ServiceError: it can't be started.
    """
    procfile = folder / f"Procfile.{OTHER}"
    procfile.write_text("".join(f"{name}: {command}\n" for name, command in _PARTS.items()), encoding="utf-8")
    own = farm.settings
    there = replace(own, home=folder / OTHER, broker_url=None, database_url=None)
    with (
        running_farm(there, migrate, environ=environ, procfile=procfile, keep=False) as other,
        linked() as line,
    ):
        url = other.settings.require_database()
        far = line.to(own)
        places = (
            RegionPlace(name=_OWN, broker_url=far["broker_url"], database_url=far["database_url"]),
            RegionPlace(name=OTHER, broker_url=other.settings.require_broker(), database_url=url),
        )
        yield OtherRegion(url, line, replace(own, region=_OWN, region_fallback=OTHER, regions=places))
