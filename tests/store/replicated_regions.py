"""Two regions, each with a Postgres of its own, that copy each other's verdicts."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy import Engine, text

from rulefarm.database import connect
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from store.migrate import migrate
from store.replication_state import copies_of
from tests.cli.forked import run_forked
from tests.commands import environment
from tests.processes import until
from tests.store.test_region_verdicts import judge
from workers.embedded.home import locked_home
from workers.embedded.services import services_in
from workers.monitoring.copy_checks import check_copies
from workers.monitoring.health_check import HealthCheck

#: Nobody asks for one.
NO_BROKER = "redis://127.0.0.1:1/0"
OTHER = {"sg": "us", "us": "sg"}


@dataclass
class World:
    """Two regions, each with a Postgres of its own."""

    settings: dict[str, Settings]
    engines: dict[str, Engine]

    def peers(self, region: str) -> dict[str, Engine]:
        """What a region copies from."""
        return {OTHER[region]: self.engines[OTHER[region]]}

    def state(self, region: str) -> str:
        """How its copy of the other's is."""
        [copy] = copies_of(self.engines[region], region, self.peers(region))
        return copy.state

    def checks(self, region: str) -> list[HealthCheck]:
        """What the doctor says of its copies."""
        return check_copies(self.engines[region], self.settings[region])

    def slots(self, region: str) -> list[HealthCheck]:
        """What it says of the log that is kept for the other."""
        return [check for check in self.checks(region) if check.check == "slots"]

    def run(self, region: str, *arguments: str) -> str:
        """What a command of a region prints."""
        home = self.settings[region].home
        done = run_forked(
            ["regions", *arguments], cwd=home, env=environment(self.settings[region]), stdin="", timeout_s=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def judge(self, region: str, ids: list[uuid.UUID]) -> None:
        """Put verdicts on record."""
        judge(self.engines[region], [(each, 1, 2) for each in ids], region)

    def rows(self, here: str, of: str) -> list[uuid.UUID]:
        """The verdicts of a region that are on record in one."""
        with self.engines[here].connect() as connection:
            found = connection.execute(text("select id from verdicts_all where region = :of"), {"of": of})
            return sorted(found.scalars())

    def are_level(self) -> bool:
        """Whether each has what the other has, and each row once."""
        return all(self.rows(OTHER[of], of) == self.rows(of, of) for of in self.engines)

    def alone(self, region: str, *statements: str) -> None:
        """Run what takes no transaction."""
        with self.engines[region].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def administer(self, region: str, *statements: str) -> None:
        """Run what the embedded Postgres's owner alone may."""
        secret = json.loads((self.settings[region].home / "instance.json").read_text())["superuser_secret"]
        with closing(psycopg2.connect(self.settings[region].database_url, user="postgres", password=secret)) as admin:
            admin.autocommit = True
            with admin.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


def some(count: int = 5) -> list[uuid.UUID]:
    return [uuid.uuid4() for _ in range(count)]


@contextmanager
def two_copies(folder: Callable[[str], Path]) -> Iterator[World]:
    """Run both, until each has what the other has.

    Args:
        folder: gives a new one of a name.
    """
    with ExitStack() as stack:
        urls = {}
        for name in OTHER:
            home = stack.enter_context(locked_home(folder(name)))
            running = services_in(home, broker_url=NO_BROKER, keep=False, is_region=True)
            urls[name] = (home.path, stack.enter_context(running).database_url)
        places = tuple(
            RegionPlace(name=name, broker_url=NO_BROKER, database_url=url) for name, (_, url) in urls.items()
        )
        settings = {
            name: Settings(home=home, broker_url=NO_BROKER, database_url=url, region=name, regions=places)
            for name, (home, url) in urls.items()
        }
        engines = {name: connect(each) for name, each in settings.items()}
        for engine in engines.values():
            stack.callback(engine.dispose)
            migrate(engine)
        world = World(settings, engines)
        world.judge("sg", some())
        world.judge("us", some())
        assert "run 'rulefarm regions init' in us" in world.run("sg", "init")
        world.run("us", "init")
        assert "run 'rulefarm" not in world.run("sg", "init")
        until(lambda: [world.state(name) for name in OTHER] == ["following"] * 2, 120)
        yield world
