"""What lies in the folder of a domain, and what of it is read.  a folder -> [folders] -> loader, formatting, cli

Takes paths, gives the files that hold rules, those that nobody reads, and the content of a file. Only files are
opened: reading a pipe would wait for ever, and a device has no end. Compiles nothing (`rulesets.loader` does)."""

import stat
from pathlib import Path

from rulefarm.errors import RulefarmError

#: A folder is a domain when it has this file.
SCHEMA_FILE = "domain.toml"
#: What `rulefarm rules test` runs.
CASES_FILE = "cases.toml"
#: Endings of the files that hold rules; every other file of a domain is left alone.
RULE_FILES = (".grl", ".csv", ".xlsx")


class RulesetUnreadable(RulefarmError):
    """A folder or a file of a domain can't be read."""


def is_left_behind(name: str) -> bool:
    """Whether a program left a file behind under this name: a lock, a half-written copy; nobody means it to be read.

    >>> is_left_behind("~$bands.xlsx"), is_left_behind(".#base.grl"), is_left_behind("base.grl")
    (True, True, False)
    """
    return name.startswith((".", "~$"))


def shown(path: Path) -> str:
    """A path as it can be opened from where one stands: short if it lies there, as it was given if not.

    >>> shown(Path.cwd() / "rules" / "base.grl"), shown(Path("../rules")), shown(Path("/rules"))
    ('rules/base.grl', '../rules', '/rules')
    """
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path.as_posix()


def rule_files(folder: Path) -> list[Path]:
    """The files of a domain's folder that hold rules, by name.

    Raises:
        RulesetUnreadable: the folder can't be read.
    """
    # Whatever is named like rules has to be readable: a broken link must not quietly take its rules away.
    return [entry for entry in _entries(folder) if entry.suffix.lower() in RULE_FILES]


def unread_files(folder: Path) -> list[Path]:
    """What lies in a domain's folder and is not read, by name; what programs leave behind is not named.

    Raises:
        RulesetUnreadable: the folder can't be read.
    """
    read = {SCHEMA_FILE, CASES_FILE}
    return [entry for entry in _entries(folder) if entry.suffix.lower() not in RULE_FILES and entry.name not in read]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not is_left_behind(entry.name))
    except OSError as error:
        raise unreadable(folder, error) from error


def read_file(file: Path) -> bytes:
    """The content of a file.

    Raises:
        RulesetUnreadable: it can't be read, or is a folder, a pipe or a device.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            hint = "put the content into a file, or give it a name that rules do not have"
            raise RulesetUnreadable("ruleset-unreadable", f"{shown(file)} is not a file and is not read", hint)
        return file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error


def unreadable(path: Path, error: OSError) -> RulesetUnreadable:
    """The refusal that says why a file or folder can't be read.

    Args:
        path: of it.
        error: what the system said.
    """
    return RulesetUnreadable("ruleset-unreadable", f"can't read {shown(path)}: {error.strerror or error}")
