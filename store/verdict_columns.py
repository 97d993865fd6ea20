"""Verdicts by columns, as COPY takes them.  judge, job_groups -> [verdict_columns] -> verdicts

The rows of a chunk have most in common, and few answers among them: what many share is made text once. Gives each row
as a `Verdict` to whoever looks at it by itself. Writes nothing."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from rulefarm.database import once_each, verdicts
from rulefarm.verdict import Verdict

#: The columns of a verdict's row, in order.
COLUMNS = [column.name for column in verdicts.columns]
#: Those of JSON.
JSON_COLUMNS = ("reasons", "changes", "shared_facts", "logs", "events", "warnings")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: NUL as JSON writes it; behind an odd number of backslashes it is a text that says so.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class VerdictColumns:
    """Verdicts, each a row."""

    def __init__(self, rows: int, columns: Mapping[str, Sequence[Any]], common: Mapping[str, Any]) -> None:
        """Keep what they are.

        Args:
            rows: how many.
            columns: field of a verdict to its value in each row; ids may be text.
            common: the other fields, each with the value that all rows have.
        """
        self._rows = rows
        self._columns = {**columns, **{name: [value] * rows for name, value in common.items()}}

    @classmethod
    def of(cls, rows: Sequence[Verdict]) -> "VerdictColumns":
        """The columns of verdicts.

        Args:
            rows: any.
        """
        names = [each.name for each in fields(Verdict)]
        return cls(len(rows), {name: list(map(attrgetter(name), rows)) for name in names}, {})

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> Verdict:
        return Verdict.from_json({name: values[row] for name, values in self._columns.items()})

    def __iter__(self) -> Iterator[Verdict]:
        return map(self.__getitem__, range(self._rows))

    def outcomes(self) -> dict[str, int]:
        """How many of them have which outcome."""
        return dict(Counter(self._columns["outcome"]))

    def stored(self, names: Sequence[str]) -> dict[str, Sequence[Any]]:
        """Columns as they are copied into a table.

        Args:
            names: of columns of `verdicts`.
        """
        columns = {name: self._columns[name] for name in names}
        return columns | {name: once_each(_json_or_none, columns[name]) for name in JSON_COLUMNS if name in columns}


def json_text(value: Any) -> str:
    """A value as JSON that Postgres takes.

    Args:
        value: plain.
    """
    # A NUL can come in with a batch's column; jsonb can't hold it, and one such name must not cost the whole chunk.
    text = _ENCODER.encode(value)
    return _NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _json_or_none(value: Any) -> str | None:
    return None if value is None else json_text(value)
