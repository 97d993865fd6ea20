"""The patterns of `matches`, in RE2: none takes more than linear time.  [regex] -> checks, evaluation

Takes the text of a pattern, gives it compiled, or the reason why RE2 refuses it. `matches` looks for the pattern
anywhere in a text; anchors say otherwise."""

from functools import lru_cache
from typing import Any

import re2

#: A pattern that a person can read is far shorter.
MAX_PATTERN_CHARACTERS = 1_000
#: Bytes that one compiled pattern may take; RE2 refuses a pattern that needs more.
MAX_PATTERN_BYTES = 1 << 20


class PatternRefused(Exception):
    """RE2 does not take the pattern; the message says why."""


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Any:
    """Compile a pattern.

    Args:
        pattern: in RE2's syntax.

    Returns:
        What has `search(data)`, for texts as UTF-8 bytes: from text it would count characters for the spans of its
        groups, which nobody asks for.

    Raises:
        PatternRefused: RE2 does not take it, or it is too long.
    """
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise PatternRefused(f"it has more than {MAX_PATTERN_CHARACTERS:,} characters")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_PATTERN_BYTES
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternRefused(text or "it is no pattern") from None
    except UnicodeEncodeError:
        raise PatternRefused("it is not valid Unicode") from None


def matches(text: str, pattern: str) -> bool:
    """Whether a pattern is found somewhere in a text; false when it is no pattern.

    Args:
        text: to look in.
        pattern: in RE2's syntax; anchors bind it to the ends of the text.

    >>> matches("12.50 EUR", "^[0-9.]+ EUR$"), matches("x", "(")
    (True, False)
    """
    try:
        return compile_pattern(pattern).search(text.encode()) is not None
    # A lone surrogate is no character that one could look for.
    except (PatternRefused, UnicodeEncodeError):
        return False
