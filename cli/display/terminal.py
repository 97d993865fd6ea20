"""What every line that is printed passes.  commands, cli.display -> [terminal] -> stdout, stderr

Text is escaped here, whatever it was made of (`rulefarm.escaping`), and never read as markup. Whoever prints imports
`echo`, `Line` and `console` from here, and click's and rich's own from nowhere; a test keeps it so. JSON and CSV are
data: they go through `echo_data`."""

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from itertools import islice
from numbers import Number
from typing import Any

import click
from rich.console import Console
from rich.style import Style
from rich.text import Text

from rulefarm.escaping import visible

#: Errors behind an error that a log shows.
_CAUSES = 10
#: Wide enough for any line: off a terminal nothing is cut.
_UNCUT = 1000
#: Lines that are written at once.
_PORTION = 500


class Line(Text):
    """One line of text in one style or several, escaped.

    Args:
        text: from anywhere.
        style: of rich; default: none.
    """

    def __init__(self, text: str = "", style: str | Style = "") -> None:
        super().__init__(visible(text), style)

    # rich's own is wider: it takes another Text as well, which is escaped already.
    def append(self, text: Text | str, style: str | Style | None = None) -> "Line":
        """Add text to the line.

        Args:
            text: from anywhere.
            style: of rich; default: that of the line.
        """
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class VisibleRecord(logging.LogRecord):
    """A record of a log, escaped: what it is about, and the error in it, may repeat a key, a fact or a file name."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if isinstance(self.exc_info, tuple) and self.exc_info[1] is not None:
            # What formats a record takes the text that is there already.
            self.exc_text = _traceback(self.exc_info[1])

    def getMessage(self) -> str:  # noqa: N802
        """The message, with the lines that it has of its own; what is put into it is on one."""
        args: Any = self.args
        if isinstance(args, Mapping):
            # Celery hands a traceback on as text.
            shown: Any = {name: value if name == "traceback" else _shown(value) for name, value in args.items()}
        else:
            shown = tuple(map(_shown, args or ()))
        message = str(self.msg) % shown if args else str(self.msg)
        return visible(message, keep="\n\t")


class _Shown:
    """Something whose text is escaped when it is asked for."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return visible(str(self._value))

    def __repr__(self) -> str:
        return visible(repr(self._value))


def _shown(value: object) -> object:
    # Formats such as %d want the number itself.
    return value if isinstance(value, Number) else _Shown(value)


def _traceback(error: BaseException, depth: int = 0) -> str:
    """As Python's own, but the message of each error is on one line: what it repeats can't look like a line of ours."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = ""
    if cause is not None and depth < _CAUSES:
        link = "which is the cause of" if error.__cause__ else "and while that was handled"
        before = f"{_traceback(cause, depth + 1)}\n{link}:\n"
    frames = visible("".join(traceback.format_tb(error.__traceback__)), keep="\n\t")
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    try:
        said = visible(str(error))
    except Exception:  # Somebody's error that can't say what it is: the log goes on.
        said = "<no text>"
    return f"{before}Traceback (most recent call last):\n{frames}{name}: {said}"


def echo(text: str = "", *, err: bool = False, lines: bool = False) -> None:
    """Print a line.

    Args:
        text: from anywhere.
        err: to stderr.
        lines: the text is a message of several lines; its line feeds and tabs stay.
    """
    click.echo(visible(text, keep="\n\t" if lines else ""), err=err)


def echo_data(text: str) -> None:
    """Print JSON, which has escapes of its own, or a line for a program."""
    # click would take escape sequences out of what goes into a file.
    click.echo(text, color=True)


def echo_lines(lines: Iterable[str]) -> None:
    """Print many lines for a program, as `echo_data` prints one; not each with a system call of its own."""
    lines = iter(lines)
    while portion := list(islice(lines, _PORTION)):
        echo_data("\n".join(portion))


def console(*, stderr: bool = False) -> Console:
    """A console for people; off a terminal it neither colours nor cuts."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _UNCUT
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
