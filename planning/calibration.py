"""What work costs on one machine, measured once and kept in a file.  calibrating -> [calibration] -> simulation

Seconds are those of a CPU, so that a busy machine measures nearly what a quiet one does; only what a job waits for
(broker, commit) is by the clock. Measures nothing itself, and refuses a file that is no calibration."""

import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any

from planning.small_file import read_small_file
from rulefarm.errors import RulefarmError


class CalibrationUnreadable(RulefarmError):
    """A file is no calibration."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Costs on one machine."""

    #: What the machine says of itself, and when it was measured (ISO, UTC).
    machine: str
    measured_at: str
    cores: int
    #: Judging one record by itself: by no rule, and what each rule adds.
    record_s: float
    record_rule_s: float
    #: Judging one row of a chunk, likewise.
    row_s: float
    row_rule_s: float
    #: A worker's CPU for a job that comes alone, without judging it: message, claim, verdict, result. And Postgres's.
    alone_s: float
    alone_database_s: float
    #: A worker's CPU for each further job of a group, without judging it. And Postgres's.
    job_s: float
    job_database_s: float
    #: A worker's CPU for a row of a batch, without judging it: reading it, its digest, its verdict. And Postgres's.
    verdict_s: float
    verdict_database_s: float
    #: A producer's CPU for one `submit`, and Postgres's.
    submit_s: float
    submit_database_s: float
    #: How long a message takes a process beyond what is computed, by the clock, though there is no commit to wait for.
    held_s: float
    #: What a job waits for beside all this, by the clock, a commit for the most part: some samples, sorted.
    waits_s: tuple[float, ...]
    #: How many cores worker and Postgres together came to while they had as much to do as they could.
    busy_cores: float
    #: On disk, indexes included: a job with its facts, its verdict, and a row of a batch with its verdict.
    job_bytes: float
    verdict_bytes: float
    row_bytes: float
    #: In memory: a process of a worker, the main process of one, a message that waits, the broker without any.
    process_bytes: float
    main_bytes: float
    message_bytes: float
    broker_bytes: float
    #: What a message costs whose job is in other hands already, which is a part of `alone_s`; and Postgres's. A file
    #: that was written before this was measured has none: there it is 0.
    message_s: float = 0.0
    message_database_s: float = 0.0

    def record_cost_s(self, rules: float) -> float:
        """CPU of judging one record by so many rules."""
        return self.record_s + rules * self.record_rule_s

    def row_cost_s(self, rules: float) -> float:
        """CPU of judging one row of a chunk by so many rules."""
        return self.row_s + rules * self.row_rule_s

    @property
    def answer_s(self) -> float:
        """CPU from a job that comes alone to its verdict, without judging it: half of its message comes after that."""
        return self.alone_s - self.message_s / 2 + self.alone_database_s

    def to_text(self) -> str:
        """It as a file, in JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_calibration(path: Path) -> Calibration:
    """Read a file of `Calibration.to_text`.

    Raises:
        CalibrationUnreadable: there is no such file, or it is something else.
    """
    try:
        found = json.loads(read_small_file(path))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(found, dict):
        raise _unreadable(path, "it holds no object")
    wanted = {field.name for field in fields(Calibration)}
    later = {field.name for field in fields(Calibration) if field.default is not MISSING}
    for odd in sorted((found.keys() ^ wanted) - (later - found.keys())):
        raise _unreadable(path, f"'{odd}' is {'missing' if odd in wanted else 'not of one'}")
    return Calibration(**{name: _checked(path, name, value) for name, value in found.items()})


def _checked(path: Path, name: str, value: Any) -> Any:
    if name in ("machine", "measured_at"):
        if isinstance(value, str):
            return value
    elif name == "waits_s":
        if isinstance(value, list) and value and all(map(_is_amount, value)):
            return tuple(sorted(map(float, value)))
    elif _is_amount(value) and not (name in ("cores", "busy_cores") and not value):
        return value
    raise _unreadable(path, f"'{name}' is {value!r:.40}")


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _unreadable(path: Path, what: str) -> CalibrationUnreadable:
    remedy = "write one with 'rulefarm plan --save-calibration FILE'"
    return CalibrationUnreadable("calibration-unreadable", f"{path} is no calibration: {what}", remedy)
