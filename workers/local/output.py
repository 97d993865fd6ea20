"""Output of the parts of a farm.  supervisor -> [output] -> the terminal, or one file a part

A terminal gets every line with the time and the name of its part before it; files get what the part wrote and nothing
else."""

import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, TextIO

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from rulefarm.escaping import visible
from workers.managed_process import open_log

#: The name before the supervisor's own lines.
_SYSTEM = "farm"
#: How our commands begin to say why they end.
_OWN = "rulefarm: "
#: Lines of a part that are looked at for it.
_REMEMBERED = 50


class PartOutput(Protocol):
    """Takes the output of the parts, and the messages of their supervisor."""

    def target(self, part: str) -> IO[bytes] | int:
        """What a part gets as its standard output and error."""
        ...

    def follow(self, part: str, process: subprocess.Popen[bytes]) -> None:
        """Pass on what the process writes, until it and all its children have closed their output.

        Args:
            part: its name.
            process: started with `target(part)` as its output.
        """
        ...

    def say(self, text: str) -> None:
        """One line of the supervisor."""
        ...

    def last_words(self, part: str) -> str:
        """What a part complained of last, else its last line; empty if it wrote none."""
        ...


class Console:
    """All parts on one stream, each line with the name of its part.

    Args:
        stream: usually standard output.
        parts: as `prepare` takes them. Default: it is told them later.
    """

    def __init__(self, stream: TextIO, parts: Sequence[str] = ()) -> None:
        self._printer = Printer(stream)
        self.prepare(parts)
        self._last: dict[str, deque[str]] = {}
        self._one_line_at_a_time = threading.Lock()

    def prepare(self, parts: Sequence[str]) -> None:
        """Make room for the names of the parts, and give each its colour."""
        self._printer.width = max(len(name) for name in (*parts, _SYSTEM))
        self._colours = dict(zip(parts, get_colours(), strict=False))

    def target(self, part: str) -> int:
        """A pipe."""
        return subprocess.PIPE

    def follow(self, part: str, process: subprocess.Popen[bytes]) -> None:
        """Print every line of the part.

        Args:
            part: its name.
            process: its output is a pipe.
        """
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._print(part, line)
                self._last.setdefault(part, deque(maxlen=_REMEMBERED)).append(line.decode(errors="replace"))

    def say(self, text: str) -> None:
        """Print a line of the supervisor."""
        self._print(_SYSTEM, text)

    def last_words(self, part: str) -> str:
        """What a part complained of last, else its last line."""
        return _complaint(self._last.get(part, ()))

    def _print(self, name: str, data: bytes | str) -> None:
        # The servers are no code of ours, and their logs repeat what they were sent.
        text = visible(data if isinstance(data, str) else data.decode(errors="replace"), keep="\n\t")
        # A reader that went away (`rulefarm up | head`) must not stop the parts, whose pipes have to be emptied.
        with self._one_line_at_a_time, suppress(OSError, ValueError):
            self._printer.write(Message("line", text, datetime.now(), name, self._colours.get(name)))


class LogFolder:
    """One file a part, `<part>.log`, and `farm.log` for the supervisor.

    Args:
        folder: exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, part: str) -> Path:
        """The file of a part."""
        return self._folder / f"{part}.log"

    def target(self, part: str) -> IO[bytes]:
        """The file, to append to."""
        return open_log(self.path(part))

    def follow(self, part: str, process: subprocess.Popen[bytes]) -> None:
        """Do nothing: the part writes the file itself.

        Args:
            part: not used.
            process: not used.
        """

    def say(self, text: str) -> None:
        """Append a line with the time."""
        with self.path(_SYSTEM).open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().isoformat(sep=' ', timespec='milliseconds')} {text}\n")

    def last_words(self, part: str) -> str:
        """What a part complained of last in its file, else the last line there."""
        with suppress(OSError), self.path(part).open("rb") as file:
            file.seek(max(0, self.path(part).stat().st_size - 4096))
            return _complaint(file.read().decode(errors="replace").splitlines())
        return ""


def _complaint(lines: Iterable[str]) -> str:
    r"""The line that says best why a part ended.

    >>> _complaint(["starting", "rulefarm: a.grl:1:17: no field 'x'", "  1 | rule", "  hint: 'y'?", ""])
    "a.grl:1:17: no field 'x'"
    >>> _complaint(["starting", "  sh: not found\n", ""]), _complaint([])
    ('sh: not found', '')
    """
    said = [line.strip() for line in lines if line.strip()]
    # A command says what is the matter in one line, below which may stand more about it.
    own = [line.removeprefix(_OWN) for line in said if line.startswith(_OWN)]
    return next(reversed(own or said), "")
