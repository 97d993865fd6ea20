"""A process whose host's clock is wrong.  seconds -> [moved_clock] -> what it tells the time by

Moves what Python code asks for the time: `time.time`, also where it was imported from its module; and the datetime of
those modules that ask it what time it is. What parses datetimes, or looks whether it has one, keeps the true class."""

import datetime
import json
import sys
import time
from pathlib import Path

import celery.worker.request
import kombu.transport.redis  # noqa: F401  # It keeps a `time` of its own, which has to be there to be moved.

import tasks.judge
import tasks.probe

#: Seconds by which clocks of a drill are wrong, by the word that the names of their workers end in.
CLOCKS = {"ahead": 15.0, "behind": -15.0}
#: The file, beside the evidence, that says which part has which.
FILE = "clocks"
_ASK_DATETIME = (celery.worker.request, tasks.judge, tasks.probe)
_true_time = time.time


def move_clock(seconds: float) -> None:
    """Be ahead of the true time by so many seconds, from now on; once a process."""

    class MovedDatetime(datetime.datetime):
        """A datetime that is now later."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return datetime.datetime.now(tz) + datetime.timedelta(seconds=seconds)

    def moved_time() -> float:
        return _true_time() + seconds

    for module in list(sys.modules.values()):
        if module is not sys.modules[__name__] and vars(module).get("time") is _true_time:
            vars(module)["time"] = moved_time
    for module in _ASK_DATETIME:
        vars(module)["datetime"] = MovedDatetime


def choose_clocks(evidence: Path, clocks: dict[str, str]) -> None:
    """Say which parts are to have which clock when they start.

    Args:
        evidence: the drill's.
        clocks: name of a part to the word of its clock.
    """
    draft = evidence.with_name(f"{FILE}.draft")
    draft.write_text(json.dumps(clocks), encoding="utf-8")
    draft.rename(evidence.with_name(FILE))


def clock_of(evidence: Path, part: str) -> str | None:
    """The word of the clock that a part is to have; None: the true one.

    Args:
        evidence: the drill's.
        part: its name.
    """
    try:
        clocks: dict[str, str] = json.loads(evidence.with_name(FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return clocks.get(part)
