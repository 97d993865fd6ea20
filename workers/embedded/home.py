"""The directory of a farm: made, locked and described.  RULEFARM_HOME -> [home] -> data_location -> services

Takes a path, gives a `Home` that this process alone holds, with the secrets and the choices that outlive a restart.
Starts nothing. Never uses a directory that holds something else, and never changes the mode of one it did not make."""

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rulefarm.errors import ServiceError
from rulefarm.services_file import SERVICES_FILE

#: Marks a directory as a farm's home, and holds what must survive a restart.
INSTANCE_FILE = "instance.json"
LOCK_FILE = "lock"
LOG_FOLDER = "log"
#: Beat's memory of what it has sent; its storage adds endings to the name.
BEAT_SCHEDULE = "beat-schedule"
#: What may stand in a directory that is about to become a home.
_HOME_NAMES = frozenset({INSTANCE_FILE, LOCK_FILE, LOG_FOLDER, SERVICES_FILE, BEAT_SCHEDULE})
#: What `data_folder` was called in version 0.1; homes of that time are still read.
_OLD_DATA_FOLDER = "lodging"
#: Postgres keeps paths in 1,024 bytes and appends its own names to them.
_PATH_BYTES = 900

_held: set[Path] = set()
_held_guard = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What a home remembers between two runs; stored with mode 0600."""

    #: Names the home where the path can't: a home that was deleted and made again is another one.
    identity: str
    #: Directory of the data when it can't live in the home. None: in the home.
    data_folder: str | None = None
    #: Password of the Postgres superuser `postgres`, for administration only.
    superuser_secret: str
    #: Password of the Postgres role `rulefarm`, which owns the database and is no superuser.
    database_secret: str
    #: Password that Valkey asks for.
    broker_secret: str
    #: Port of the last run; kept while it is free, so that a URL stays good over a restart. 0: none yet.
    database_port: int = 0
    #: The same for Valkey.
    broker_port: int = 0

    @classmethod
    def fresh(cls) -> "Instance":
        """An instance with new secrets."""
        return cls(
            identity=secrets.token_hex(6),
            superuser_secret=secrets.token_urlsafe(24),
            database_secret=secrets.token_urlsafe(24),
            broker_secret=secrets.token_urlsafe(24),
        )


@dataclass(frozen=True, slots=True)
class Home:
    """A farm's directory, held by this process."""

    #: Absolute, with symbolic links resolved.
    path: Path

    @property
    def log(self) -> Path:
        """Folder of the logs."""
        return self.path / LOG_FOLDER

    def instance(self) -> Instance:
        """What the home remembers; made on the first call.

        Raises:
            ServiceError: the file is damaged.
        """
        path = self.path / INSTANCE_FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if _OLD_DATA_FOLDER in document:
                document["data_folder"] = document[_OLD_DATA_FOLDER]
            return Instance(**{field.name: document[field.name] for field in fields(Instance)})
        except FileNotFoundError:
            instance = Instance.fresh()
            self.remember(instance)
            return instance
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                "bad-home",
                f"{path} can't be read: {error}",
                "put the file back from a backup, or choose another RULEFARM_HOME",
            ) from error

    def remember(self, instance: Instance) -> None:
        """Store the instance."""
        write_private(self.path / INSTANCE_FILE, asdict(instance))

    def forget(self) -> None:
        """Remove the instance, once there is no data that it describes."""
        (self.path / INSTANCE_FILE).unlink(missing_ok=True)


@contextmanager
def locked_home(path: Path) -> Iterator[Home]:
    """Make the directory if it is missing, and hold it until the block ends.

    Args:
        path: the home; relative paths start at the working directory.

    Raises:
        ServiceError: `farm-running` when another process, or another block of this one, holds it; `bad-home` when it
            can't be a home.
    """
    home = Home(_checked(path))
    with _held_guard:
        # A record lock never conflicts with its own process, so the process has to keep count itself.
        if home.path in _held:
            raise _already_running(home.path, os.getpid())
        _held.add(home.path)
    try:
        descriptor = _lock(home.path)
        try:
            # Marked before anything else is put into it, or a start that is killed here would spoil the directory.
            home.instance()
            yield home
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)
    finally:
        with _held_guard:
            _held.discard(home.path)


def write_private(path: Path, document: dict[str, Any]) -> None:
    """Write JSON that only its owner may read, whole or not at all.

    Args:
        path: the file; in a folder that exists.
        document: becomes JSON.

    Raises:
        OSError: it can't be written; what stood there before still does.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _checked(path: Path) -> Path:
    hint = "choose another RULEFARM_HOME"
    try:
        home = path.expanduser().resolve()
        if len(os.fsencode(home)) > _PATH_BYTES:
            raise ServiceError("bad-home", f"the path of {home.name[:40]!r} is longer than {_PATH_BYTES} bytes", hint)
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            # As root the services run as another user, who has to pass through; nobody else can list it.
            with suppress(FileExistsError):
                home.mkdir(mode=0o700)
                home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        if not home.is_dir():
            raise ServiceError("bad-home", f"{home} is a file, and a farm needs a directory", hint)
        if home.stat().st_uid != os.geteuid():
            raise ServiceError("bad-home", f"{home} belongs to another user", hint)
        names = {entry.name for entry in home.iterdir()}
        foreign = sorted(name for name in names if not {name, name.partition(".")[0]} & _HOME_NAMES)
        if INSTANCE_FILE not in names and foreign:
            raise ServiceError("bad-home", f"{home} holds other things ({foreign[0]}, …)", hint)
        (home / LOG_FOLDER).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServiceError("bad-home", f"{path} can't be the farm's home: {error.strerror or error}", hint) from error
    return home


def _lock(home: Path) -> int:
    try:
        descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ServiceError(
            "bad-home", f"{home} can't be the farm's home: {error.strerror}", "choose another RULEFARM_HOME"
        ) from error
    try:
        # A record lock, not flock: a forked child of a killed farm must not keep the home locked.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace")
        os.close(descriptor)
        if isinstance(error, (BlockingIOError, PermissionError)):
            raise _already_running(home, int(holder) if holder.isdigit() else None) from error
        raise ServiceError(
            "bad-home", f"{home} can't be locked: {error.strerror}", "choose a RULEFARM_HOME on a local disk"
        ) from error
    return descriptor


def _already_running(home: Path, pid: int | None) -> ServiceError:
    holder = f" (pid {pid})" if pid else ""
    return ServiceError(
        "farm-running", f"a farm already runs in {home}{holder}", "use it, stop it, or choose another RULEFARM_HOME"
    )
