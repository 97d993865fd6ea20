"""The embedded Valkey: its configuration and its command line.  data_location -> [valkey] -> server

Loopback TCP only, with a password. It keeps its messages over a restart and refuses writes when it is out of memory,
for a broker that evicts loses messages without an error."""

import signal
from contextlib import closing

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.embedded.data_location import DataLocation
from workers.embedded.home import Instance

_CONFIGURATION = "valkey.conf"


class Valkey:
    """How the embedded Valkey of one home runs (a `workers.embedded.server_process.ServerSpec`).

    Args:
        location: where the data and the program are, and whose they are.
        instance: port and secret.
    """

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, location: DataLocation, instance: Instance) -> None:
        self._location = location
        self._instance = instance
        self._port = instance.broker_port
        self.user = location.user

    @property
    def url(self) -> str:
        """URL of the broker, as Celery takes it."""
        return f"redis://:{self._instance.broker_secret}@127.0.0.1:{self._port}/0"

    def prepare(self) -> None:
        """Write the configuration; the data stays."""
        folder = self._location.folder(self.name)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "protected-mode": "yes",
            "requirepass": self._instance.broker_secret,
            "dir": _quoted(str(folder)),
            "appendonly": "yes",
            "appendfsync": "everysec",
            # The append-only file alone keeps the messages; snapshots would fork for nothing.
            "save": '""',
            "maxmemory-policy": "noeviction",
            "logfile": '""',
            # The command line must go on naming this file: by it a server that was left over is recognised.
            "set-proc-title": "no",
            "tcp-backlog": "128",
        }
        self._location.file(_CONFIGURATION, "".join(f"{name} {value}\n" for name, value in settings.items()))

    def command(self) -> list[str]:
        """The command line of the server."""
        return [str(self._location.valkey_program), str(self._location.data / _CONFIGURATION)]

    def is_ready(self) -> bool:
        """Whether the server takes commands; while it still reads its data it does not."""
        client = redis.Redis(
            host="127.0.0.1",
            port=self._port,
            password=self._instance.broker_secret,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )
        with closing(client):
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def is_ours(self, process: psutil.Process) -> bool:
        """Whether that is a server on this data."""
        return bool(process.name() == "valkey-server" and process.cmdline()[1:2] == self.command()[1:])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
