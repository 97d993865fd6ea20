"""How long, as people say it.  seconds -> [time_words] -> `rulefarm top`, console

Pure."""

import math


def in_words(seconds: float) -> str:
    """A time, for a person.

    >>> in_words(0.025), in_words(59.6), in_words(3_700), in_words(math.inf)
    ('25 ms', '60 s', '1 h 1 min', 'never')
    """
    if math.isinf(seconds):
        return "never"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
