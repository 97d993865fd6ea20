"""What helps whoever calls by HTTP.  words of the farm -> [caller_words] -> words of a caller

Errors and remarks say what to do as one does it at a command line. A caller has parameters of a query, and paths: this
is the one place that knows which of them stands for what. Changes hints and remarks, never what was found wrong."""

import re

#: An option of a file, with its value, if one stands there: the name of a codec, a sign, or a word for what is meant.
_OPTION = re.compile(r"--(subject|sheet|encoding|decimal|strict)(?: ([a-z]+-[\w-]+|[.,](?!\S)|[A-Z]{2,}))?")
#: By code, where what helps is something else, or is not for the caller to do.
_HINTS = {
    "no-such-job": "a row of a batch is found once it has its verdict or is dead; GET /v1/verdicts lists verdicts",
    "job-dead": "GET /v1/jobs/ID tells more",
    "queue-full": "submit again later",
    "no-token": "send Authorization: Bearer TOKEN; whoever runs the farm gives you one",
}


def hint_of(code: str, hint: str) -> str:
    """A hint for who calls.

    Args:
        code: of the error.
        hint: as the farm gives it; may be empty.
    """
    return _HINTS.get(code) or in_a_query(hint)


def in_a_query(words: str) -> str:
    """Options of the command line as parameters of a query: `--encoding utf-16` is `?encoding=utf-16`."""
    return _OPTION.sub(_parameter, words)


def _parameter(option: re.Match[str]) -> str:
    name, value = option.groups()
    return f"?{name}={'true' if name == 'strict' else value or ''}"
