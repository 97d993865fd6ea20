"""A bar on stderr that shows how far something is.  commands -> [progress] -> terminal"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.display.terminal import console


def progress_bar(*, transient: bool = False) -> Progress:
    """A bar with what it is of, how many are done of how many, and the time that it took.

    Args:
        transient: whether it goes when all is done; off a terminal there is none then.
    """
    out = console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=transient,
        disable=transient and not out.is_terminal,
    )


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr that shows how many facts are done; off a terminal there is none.

    Args:
        title: what goes on.
    """
    with progress_bar(transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
