"""The servers that all run on.  a folder -> [ground] -> URLs of one Postgres and one Valkey

One of each, embedded, synced to disk as in earnest; a database and a number of the broker for whoever wants its own.
Starts no worker."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from bench.farm.work import connection
from workers.embedded import Services, running_services


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything runs."""

    #: For logs, and for whatever a queue keeps in files.
    folder: Path
    services: Services

    def database(self, name: str) -> str:
        """The URL of a database of one's own, which is made if it is missing."""
        with closing(connection(self.services.database_url)) as connected, connected.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(f'create database "{name}"')
        url = make_url(self.services.database_url).set(database=name)
        return url.render_as_string(hide_password=False)

    def broker(self, number: int) -> str:
        """The URL of one of the broker's databases."""
        return f"{self.services.broker_url.rpartition('/')[0]}/{number}"


@contextmanager
def running_ground() -> Iterator[Ground]:
    """Both servers, on data that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="rulefarm-bench-") as folder:
        home = Path(folder)
        # For root the servers run as another user, who keeps elsewhere, for good, what it can't reach.
        home.chmod(0o711)
        with running_services(home / "services") as services:
            yield Ground(home, services)
