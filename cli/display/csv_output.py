"""CSV on stdout.  documents -> [csv_output] -> stdout

What is wanted as it is on record asks for `raw`, or for JSON. How a cell is written is for `rulefarm.csv_lines`."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cli.display.terminal import echo_lines
from rulefarm.csv_lines import WITHIN_QUOTES, csv_lines


def print_csv(columns: Sequence[str], documents: Iterable[Mapping[str, Any]], *, raw: bool) -> None:
    """Print documents as CSV, with a header.

    Args:
        columns: names of the fields, in order.
        documents: as `Verdict.to_json` gives them.
        raw: texts stay as they are.
    """
    keep = "" if sys.stdout.isatty() else WITHIN_QUOTES
    echo_lines(csv_lines(columns, documents, raw=raw, keep=keep))
