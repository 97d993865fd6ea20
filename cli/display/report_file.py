"""The files that commands write on the side.  a report -> [report_file] -> a file

What takes minutes to find out is not lost to a misspelt folder: whether a file can be written is seen before. Prints
nothing."""

import os
from pathlib import Path

from rulefarm.errors import RulefarmError


def check_writable(*paths: Path | None) -> None:
    """Refuse files that can't be written.

    Args:
        paths: of the files; None: none is wanted.

    Raises:
        RulefarmError: `unwritable-file`.
    """
    for path in paths:
        if path is None:
            continue
        if not os.path.isdir(path.parent):
            raise _unwritable(path, "there is no such folder")
        if not os.access(path if os.path.exists(path) else path.parent, os.W_OK):
            raise _unwritable(path, "this user may not")


def write_report(path: Path, content: str | bytes) -> None:
    """Write a file, which is replaced.

    Args:
        path: of the file.
        content: of it; text is written as UTF-8.

    Raises:
        RulefarmError: `unwritable-file`.
    """
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> RulefarmError:
    return RulefarmError("unwritable-file", f"{path} can't be written: {why}")
