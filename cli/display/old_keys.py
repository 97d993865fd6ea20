"""Keys of JSON output that have a new name, and still stand under the old one.  rows -> [old_keys] -> print_json

For programs that were written for the release before. Goes with the next release; nothing else is renamed here."""

from collections.abc import Mapping
from typing import Any

#: New key to old one.
_OLD_KEYS = {"times_sent": "rings", "resend_at": "ring_at", "resend_in_s": "ring_s", "sent": "rung"}


def with_old_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the value of each renamed key under its old name as well.

    >>> with_old_keys({"state": "open", "times_sent": 2})
    {'state': 'open', 'times_sent': 2, 'rings': 2}
    """
    return {**row, **{old: row[new] for new, old in _OLD_KEYS.items() if new in row}}
