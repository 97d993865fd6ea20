"""What is logged, as it is shown: escaped.  loggers -> [log_records] -> stderr

Takes whatever somebody logs, a key, a fact or a file name among it; gives lines that can't look like others of ours.
Loads nothing that draws: a worker logs, and prints nothing."""

import logging
import traceback
from collections.abc import Mapping
from numbers import Number
from typing import Any

from rulefarm.escaping import visible

#: Errors behind an error that a log shows.
_CAUSES = 10


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
