"""The patterns of `matches`, in RE2: none takes more than linear time.  [regex] -> checks, evaluation

Takes the text of a pattern, gives it compiled, or the reason why RE2 refuses it. `matches` looks for the pattern
anywhere in a text; anchors say otherwise."""

from contextlib import suppress
from functools import lru_cache
from typing import Any

import re2

#: A pattern that a person can read is far shorter.
MAX_PATTERN_CHARACTERS = 1_000
#: Bytes that one compiled pattern may take; RE2 refuses a pattern that needs more.
MAX_PATTERN_BYTES = 1 << 20
#: Steps that one pattern may take for a character of a text: some 13 ns each, 1.3 s for the longest text of a job.
MAX_PATTERN_STEPS = 1_000
#: The same of all patterns of a domain together, each as often as it stands there: what an evaluation may cost.
MAX_ALL_PATTERN_STEPS = 50_000


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
    try:
        return re2.compile(pattern.encode(), _options())
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternRefused(text or "it is no pattern") from None
    except UnicodeEncodeError:
        raise PatternRefused("it is not valid Unicode") from None


def pattern_steps(pattern: str) -> int:
    """How many steps a pattern may take for a character of a text.

    RE2 is in as many places of a pattern at once as its counted repeats make: of `a[ab]{900}c` in 900. A class of
    letters, which takes many instructions of UTF-8, is one place; so those of one byte a letter are counted.

    Raises:
        PatternRefused: as `compile_pattern`, or more than MAX_PATTERN_STEPS.

    >>> pattern_steps("a[ab]{900}c"), pattern_steps("[0-9]+ EUR")
    (906, 10)
    """
    compiled = compile_pattern(pattern)
    options = _options()
    options.encoding = re2.Options.Encoding.LATIN1
    # Where it names a character that has no single byte, those of UTF-8 stand.
    with suppress(re2.error):
        compiled = re2.compile(pattern.encode(), options)
    steps = int(compiled.programsize)
    if steps > MAX_PATTERN_STEPS:
        raise PatternRefused(f"its repeats make {steps:,} steps for a character of a text, over {MAX_PATTERN_STEPS:,}")
    return steps


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_PATTERN_BYTES
    return options


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
