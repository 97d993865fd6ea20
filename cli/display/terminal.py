"""What every line that is printed passes.  commands, cli.display -> [terminal] -> stdout, stderr

Text is escaped here, whatever it was made of (`rulefarm.escaping`), and never read as markup. Whoever prints imports
`echo`, `Line` and `console` from here, and click's and rich's own from nowhere; a test keeps it so. JSON and CSV are
data: they go through `echo_data`."""

import sys
from collections.abc import Iterable
from itertools import islice

import click
from rich.console import Console
from rich.style import Style
from rich.text import Text

from rulefarm.escaping import visible

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
