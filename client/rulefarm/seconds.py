"""How long a caller is ready to wait.  timeout, wait_for_room -> [seconds] -> whoever waits until then

A wait that is compared with what is no number would never be over. Takes a number of seconds, or None for ever; refuses
all else before anything is taken. Reads no clock."""

from rulefarm.errors import SettingsError
from rulefarm.normalize import abbreviate

#: Thirty years. A whole number may be larger than any float is.
_MOST_S = 1e9


def wait_seconds(seconds: float | None, name: str = "timeout") -> float | None:
    """The seconds that a wait may take; None: it may take for ever.

    Args:
        seconds: as the caller says; less than 0 is none.
        name: what the caller calls them.

    Raises:
        SettingsError: `bad-timeout`: they are no number.

    >>> wait_seconds(5), wait_seconds(None), wait_seconds(-1)
    (5.0, None, 0.0)
    """
    if seconds is None:
        return None
    if not isinstance(seconds, int | float) or seconds != seconds:
        hint = "say so many seconds, or None to wait for ever"
        raise SettingsError("bad-timeout", f"{name} is a number of seconds, not {abbreviate(seconds)}", hint)
    return float(max(0, min(seconds, _MOST_S)))
