"""What a check of the doctor found.  doctor, row_checks -> [health_check] -> `rulefarm doctor`

Plain data. The names of checks and states are stable: programs branch on them."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check."""

    #: What was looked at; docs/operations.md has the list.
    check: str
    #: ok; warn: somebody should look; fail: the farm is not well; skip: not checked, because something else fails.
    status: str
    #: What is so.
    message: str
    #: What to do about it; empty if nothing.
    hint: str = ""
    #: The queue or worker that it is about; empty if it is about the farm.
    subject: str = ""
    #: Milliseconds that the answer took, where that is the question.
    ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)
