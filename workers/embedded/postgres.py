"""The embedded PostgreSQL: its files, its command line, its role and database.  data_location -> [postgres] -> server

Loopback TCP only, no socket file (its path could get too long), passwords over SCRAM only, writes synced to disk as
Postgres does by default: the ledger is the truth. The farm's role owns its database and may make others, and is no
superuser."""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import closing, suppress

import psutil
import psycopg2
from psycopg2 import sql

from rulefarm.errors import ServiceError
from workers.child_process import die_with_parent
from workers.embedded.data_location import DataLocation
from workers.embedded.home import Instance

#: Name of the role and of the database.
DATABASE = "rulefarm"
SUPERUSER = "postgres"
#: What the farm fixes at every start; all else is left to postgresql.conf in the data folder.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Eight children of each of a few workers, each with a small pool.
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The wheel has no JIT compiler to load.
    "jit": "off",
}
#: And for a region: what others need that copy its verdicts. One of them that stays away does not fill the disk.
_OF_A_REGION = {"wal_level": "logical", "max_slot_wal_keep_size": "2GB"}


class Postgres:
    """How the embedded Postgres of one home runs (a `workers.embedded.server_process.ServerSpec`).

    Args:
        location: where the data and the programs are, and whose they are.
        instance: ports and secrets.
        synced: whether every commit waits for the disk; False: for data that need not survive a crash of the machine,
            quicker by half.
        is_region: whether other regions may copy its verdicts.
    """

    name = "postgres"
    #: Fast shutdown: connections are closed, everything committed is on disk.
    stop_signal = signal.SIGINT

    def __init__(
        self, location: DataLocation, instance: Instance, *, synced: bool = True, is_region: bool = False
    ) -> None:
        self._location = location
        self._instance = instance
        self._port = instance.database_port
        self._data = location.data / self.name
        self._synced = synced
        self._is_region = is_region
        self.user = location.user

    @property
    def url(self) -> str:
        """URL of the farm's database."""
        address = f"127.0.0.1:{self._port}/{DATABASE}"
        # Or PGSSLMODE in somebody's environment would ask for what loopback does not have.
        return f"postgresql://{DATABASE}:{self._instance.database_secret}@{address}?sslmode=disable"

    def prepare(self) -> None:
        """Make the cluster if there is none; forget a server that is gone.

        Raises:
            ServiceError: the cluster can't be made, or this process's user has no name.
        """
        require_user_name(os.geteuid())
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        # Postgres takes the process that this file names for a server, if any of the same user has that id by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        """The command line of the server."""
        fixed = _SETTINGS | (_OF_A_REGION if self._is_region else {})
        settings = [text for name, value in fixed.items() for text in ("-c", f"{name}={value}")]
        program = str(self._location.postgres_programs / "postgres")
        unsynced = [] if self._synced else ["-c", "fsync=off"]
        return [program, "-D", str(self._data), "-c", f"port={self._port}", *settings, *unsynced]

    def is_ready(self) -> bool:
        """Whether the server is ready; if so, the farm's role and database are there."""
        with suppress(OSError):
            if (self._data / "postmaster.pid").read_text().split("\n")[7:8] == ["ready   "]:
                self._ensure_database()
                return True
        return False

    def is_ours(self, process: psutil.Process) -> bool:
        """Whether that is a server on this data, or a connection that outlived one."""
        if process.name() != "postgres":
            return False
        # Connections rename themselves, but all work in the data folder. Not everyone may ask for that: in a container
        # root may not, so the server is known by its command line.
        return bool(process.cmdline()[1:3] == ["-D", str(self._data)] or process.cwd() == str(self._data))

    def _initialise(self) -> None:
        """Make the cluster aside and put it in place whole: a start that is killed leaves nothing half made."""
        draft = self._location.data / f"{self.name}.new"
        if draft.exists():
            shutil.rmtree(draft)
        self._location.folder(draft.name)
        password = self._location.file("postgres.password", self._instance.superuser_secret)
        program = str(self._location.postgres_programs / "initdb")
        # Collation by code point, as rules compare texts; it needs no locale of the machine.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        access = (f"--username={SUPERUSER}", f"--pwfile={password}", "--auth=scram-sha-256")
        unsynced = [] if self._synced else ["--no-sync"]
        command = [program, "-D", str(draft), *locale, *access, "--no-instructions", *unsynced]
        initdb = subprocess.run(
            die_with_parent(command, signal.SIGTERM, self._location.user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            check=False,
        )
        password.unlink()
        if initdb.returncode != 0:
            problem = next(
                (line for line in initdb.stdout.splitlines() if "error" in line or "fatal" in line), initdb.stdout
            )
            raise ServiceError(
                "service-failed",
                f"Postgres can't make its data folder {self._data}: {problem.strip()}",
                "see that the disk is not full, or choose another RULEFARM_HOME",
            )
        draft.rename(self._data)

    def _ensure_database(self) -> None:
        # Every time, not only the first: a farm that was killed between initdb and here comes up whole.
        with closing(self._connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                role = sql.Identifier(DATABASE)
                cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    secret = sql.Literal(self._instance.database_secret)
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, secret))
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
                if self._is_region:
                    cursor.execute(sql.SQL("ALTER ROLE {} REPLICATION").format(role))
                    cursor.execute(sql.SQL("GRANT pg_create_subscription TO {}").format(role))

    def _connect(self) -> psycopg2.extensions.connection:
        try:
            return psycopg2.connect(
                host="127.0.0.1",
                port=self._port,
                user=SUPERUSER,
                password=self._instance.superuser_secret,
                dbname=SUPERUSER,
                sslmode="disable",
                connect_timeout=10,
            )
        except psycopg2.OperationalError as error:
            raise ServiceError(
                "service-failed",
                f"Postgres refuses the farm's superuser: {str(error).strip().splitlines()[-1]}",
                f"the secrets in instance.json must be those of {self._data}",
            ) from error


def require_user_name(uid: int) -> None:
    """Refuse a user whom this machine does not know, as containers are run by: Postgres would not start as one.

    Raises:
        ServiceError: `unknown-user`.
    """
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise ServiceError(
            "unknown-user",
            f"this process runs as the uid {uid}, which has no name here, and Postgres needs one",
            "give it a line in /etc/passwd, or name your own servers: RULEFARM_DATABASE_URL, RULEFARM_BROKER_URL",
        ) from None
