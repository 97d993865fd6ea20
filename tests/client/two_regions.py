"""Two farms that a producer knows as regions, and the line to each: for tests of producers."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, insert

from rulefarm import Farm
from rulefarm.database import active_rulesets, connect, jobs
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from tests.conftest import fresh_database
from tests.processes import until
from tests.rows import rows
from workers.drill.link import Link, linked
from workers.embedded.services import Services


@dataclass(frozen=True)
class Two:
    """Two farms, the line to each, and the settings of a producer that knows both."""

    settings: Settings
    #: Has queues of its own in a broker that other tests use, too.
    domain: str
    lines: dict[str, Link]
    databases: dict[str, Engine]

    def subjects(self, region: str) -> list[str]:
        return sorted(row.subject for row in rows(self.databases[region], jobs))


def connected(farm: Farm) -> Farm:
    """A producer that has run for a while: it has measured every region, and has its connections to each."""
    until(lambda: all(each.is_ready for each in farm._regions.nearest("")), 120)
    return farm


@contextmanager
def two_regions(services: Services, home: Path) -> Iterator[Two]:
    """sg is near, us is not.

    Args:
        services: a database of its own for each, and one broker.
        home: of both.
    """
    domain = f"d{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        places, lines, databases, there = [], {}, {}, {}
        for number, name in enumerate(("sg", "us")):
            broker = services.broker_url.rsplit("/", 1)[0] + f"/{10 + number}"
            url = stack.enter_context(fresh_database(services))
            there[name] = Settings(home=home, broker_url=broker, database_url=url)
            databases[name] = connect(there[name])
            stack.callback(databases[name].dispose)
            with databases[name].begin() as connection:
                connection.execute(insert(active_rulesets).values(domain=domain, digest="0" * 64))
        # They end first: while somebody stops in the midst of a log-in, Postgres drops no database.
        for name, delay_s in (("sg", 0.0), ("us", 0.02)):
            lines[name] = stack.enter_context(linked(delay_s))
            places.append(RegionPlace(name=name, **lines[name].to(there[name])))
        settings = Settings(home=home, regions=tuple(places), region_deadline_s=45.0, region_budget_s=2.0)
        yield Two(settings, domain, lines, databases)
