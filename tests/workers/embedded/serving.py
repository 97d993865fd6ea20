"""What the tests of the embedded services share: a program that runs them, and looks at what runs."""

import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2

from workers.embedded.services import Services

#: Runs the services of a home, says when they answer, and stays until it is told to go.
RUNNER = """
import signal
import sys
from pathlib import Path
from rulefarm.errors import ServiceError
from workers.embedded.services import running_services

try:
    with running_services(Path(sys.argv[1])) as services:
        print(services.database_url, flush=True)
        while True:
            signal.pause()
except ServiceError as error:
    sys.exit(str(error))
"""


def forget(home: Path) -> None:
    """Remove the data that root keeps outside of a home."""
    if (home / "instance.json").exists():
        folder = re.search(r'"data_folder": "(.*)"', (home / "instance.json").read_text())
        if folder is not None:
            shutil.rmtree(folder[1])


def connect(services: Services) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(services.database_url)
    connection.autocommit = True
    return connection


def query(services: Services, text: str) -> list[tuple[object, ...]]:
    with closing(connect(services)) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []


def servers_of(home: Path) -> list[int]:
    """Ids of the server processes (not their connections) on the data of a home."""
    parents = {}
    for process in psutil.process_iter():
        try:
            if process.name() in ("postgres", "valkey-server") and str(home) in " ".join(process.cmdline()):
                parents[process.pid] = process.ppid()
        except psutil.Error:
            continue
    # A process that Postgres has just forked has its parent's command line, until it says what it is for.
    return [pid for pid, parent in parents.items() if parent not in parents]


def pids(home: Path) -> dict[str, int]:
    document = json.loads((home / "services.json").read_text())
    return dict(document["pids"])


def modes(*leaves: Path) -> dict[Path, tuple[int, int]]:
    """Mode and owner of directories and of all those above them."""
    found = {}
    for path in {path for leaf in leaves for path in (leaf, *leaf.parents)}:
        status = path.stat()
        found[path] = (status.st_mode, status.st_uid)
    return found
