"""The columns of a frame as arrays: what the reader gives and the pass works with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.values import Value, day_of, normal_text

#: bool[rows], unless another shape is given.
Mask = npt.NDArray[np.bool_]
#: float64[fields, rows], unless another shape is given.
Floats = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: For fewer rows than that, a loop over texts is faster than a query.
FEW_TEXTS = 1_000


@dataclass(frozen=True)
class Column:
    """A field of all rows that is no number."""

    #: `text`, `boolean`, `date` (of moments), `day`, `time` or `duration`; of a finding about lists `number`, too.
    kind: str
    #: bool[rows], float64[rows] (NaN where there is no value), or int64[rows] in microseconds (of a duration, or since
    #: 1970 or midnight) or days since 1970, zero where there is no value; of texts the series.
    values: Any
    #: bool[rows], those without a value; None: there are none.
    nulls: Mask | None
    #: Where days are.
    zone: tzinfo = UTC

    @cached_property
    def texts(self) -> list[str | None]:
        """The values of a text column, in normal form C."""
        texts: list[str | None] = self.values.to_list()
        # So many are normal already; of fewer nobody has asked.
        if len(texts) >= FEW_TEXTS or all(map(str.isascii, filter(None, texts))):
            return texts
        return [text if text is None else normal_text(text) for text in texts]

    def is_among(self, texts: frozenset[str]) -> Mask:
        """bool[rows]: which rows of a text column hold one of some texts; in those without a value it may be either."""
        if len(self.values) < FEW_TEXTS:
            return np.array([text in texts for text in self.texts], np.bool_)
        is_among: Mask = self.values.cast(pl.Enum(sorted(texts)), strict=False).is_not_null().to_numpy()
        return is_among

    def at(self, rows: npt.NDArray[np.intp]) -> list[Value]:
        """The values of some rows, as slots hold them."""
        if self.kind == "text":
            texts = self.texts
            return [texts[row] for row in rows.tolist()]
        values: list[Value] = self.values[rows].tolist()
        if self.kind == "date":
            values = [EPOCH + timedelta(microseconds=value) for value in values]
        elif self.kind == "day":
            values = [day_of(EPOCH.date() + timedelta(days=value), self.zone) for value in values]
        elif self.kind == "time":
            values = [(EPOCH + timedelta(microseconds=value)).time() for value in values]
        elif self.kind == "duration":
            values = [timedelta(microseconds=value) for value in values]
        if self.nulls is not None:
            for place in np.flatnonzero(self.nulls[rows]).tolist():
                values[place] = None
        return values


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of one frame."""

    #: bool[rows]: the rows that only the record evaluation may judge.
    fallback_rows: Mask
    #: float64[fields + spare, rows]: the fields that may hold numbers, in the order of `FrameReader.names`; zero where
    #: there is none. The spare rows are for whoever reads the frame.
    numbers: Floats
    #: bool[fields + spare, rows]: where there is no number.
    nulls: Mask
    #: Field name to column, for those that are no numbers; what is missing in both is null.
    others: dict[str, Column]


def micros_of(value: time | timedelta) -> int:
    """Microseconds of a time of day since midnight, or of a duration."""
    length = datetime.combine(date.min, value) - datetime.min if isinstance(value, time) else value
    return length // timedelta(microseconds=1)
