"""Columns of polars as a record holds them: digits, texts, moments.  columns -> [series_values] -> frame_reader

Takes one series, gives arrays or a series without what a record would not have. What polars decides by tables of its
own, as of Unicode or of time zones, is decided by Python's here, or left to the record: a row must not mean one thing
in a frame and another by itself. Knows no field and no schema."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.columnar.columns import EPOCH, FEW_TEXTS, Mask, micros_of
from engine.columnar.short_floats import SHORT_FLOATS
from engine.values import MAX_DURATION, ValueRefused, day_of, normal_text, parse_duration, parse_moment, parse_time

#: Microseconds in a unit of time.
_MICROS = {"us": 1, "ms": 1_000}
_DAY = 86_400_000_000
_MICROSECOND = timedelta(microseconds=1)
#: Days of the calendar, but its first and its last: some zone shifts these out of it.
_FIRST_DAY, _LAST_DAY = date(1, 1, 2), date(9999, 12, 30)

Counts = npt.NDArray[np.int64]


def digits_of(series: pl.Series) -> pl.Series:
    """Whole numbers as their digits; null for any other."""
    if series.dtype not in (*SHORT_FLOATS, pl.Float64):
        return series.cast(pl.String)
    whole = series.cast(pl.Int64, strict=False)
    lost = (whole != series) | (whole.abs() >= 10**15)
    return whole.set(lost.fill_null(True), None).cast(pl.String)


def ascii_texts(columns: Sequence[pl.Series]) -> frozenset[str]:
    """The names of those columns of texts that hold nothing but ASCII: a look at all costs as much as a look at one.

    Args:
        columns: of one frame.
    """
    if not columns:
        return frozenset()
    # Not by their names, which could be read as patterns; and on this core: to share so little work takes the longer.
    joined = pl.DataFrame(columns).select_seq(pl.all().str.join("")).row(0)
    return frozenset(series.name for series, text in zip(columns, joined, strict=True) if text.isascii())


def texts_of(series: pl.Series, is_ascii: bool) -> pl.Series:
    """Texts; of many rows in Unicode normal form C, of few `Column.texts` normalises them when somebody asks.

    Args:
        series: of texts, or of categories.
        is_ascii: whether it is known to hold nothing but ASCII.
    """
    series = series if series.dtype == pl.String else series.cast(pl.String)
    if is_ascii or len(series) < FEW_TEXTS:
        return series
    return pl.Series(series.name, [text if text is None else normal_text(text) for text in series.to_list()], pl.String)


def days_of(series: pl.Series) -> tuple[Counts, Mask]:
    """int64[rows], days since 1970, zero where there is none; and bool[rows], those that a record has to look at."""
    return _counts(series), ~series.is_between(_FIRST_DAY, _LAST_DAY).fill_null(True).to_numpy()


def moments_of(series: pl.Series, zone: tzinfo) -> tuple[Counts, Mask | None]:
    """Times as moments.

    Args:
        series: of `Datetime`, to the microsecond at most.
        zone: what those mean that have none.

    Returns:
        int64[rows], microseconds since 1970 in UTC, zero where there is none; and bool[rows], those a record has to
        look at, for their clock is put forward or back on that day; None: none.
    """
    counts = _counts(series) * _MICROS[getattr(series.dtype, "time_unit", "us")]
    # What a zone of the column changes is how a moment is shown.
    if zone is UTC or getattr(series.dtype, "time_zone", None) is not None:
        return counts, None
    days, places = np.unique(counts // _DAY, return_inverse=True)
    offsets = [_offset(day, zone) for day in days.tolist()]
    shifts = np.array([offset or 0 for offset in offsets], np.int64)
    is_odd: Mask = np.array([offset is None for offset in offsets], np.bool_)
    return counts + shifts[places], is_odd[places]


def clocks_of(series: pl.Series, kind: str) -> tuple[Counts, Mask]:
    """Times of day or durations.

    Args:
        series: of `Time`, of `Duration` to the microsecond at most, or of their texts.
        kind: `time` or `duration`.

    Returns:
        int64[rows], microseconds, zero where there is no value; and bool[rows], those that a record has to look at.
    """
    if series.dtype == pl.Time:
        return _counts(series) // 1_000, np.zeros(len(series), np.bool_)
    if series.dtype == pl.Duration:
        micros = _MICROS[getattr(series.dtype, "time_unit", "us")]
        counts, longest = _counts(series), micros_of(MAX_DURATION) // micros
        is_long: Mask = (counts < -longest) | (counts > longest)
        return np.where(is_long, 0, counts) * micros, is_long
    read = parse_time if kind == "time" else parse_duration
    found: dict[str | None, int | None] = {None: 0}
    for text in series.unique().to_list():
        if text is not None:
            try:
                found[text] = micros_of(read(text))
            except ValueRefused:
                found[text] = None
    values = [found[text] for text in series.to_list()]
    odd: Mask = np.array([value is None for value in values], np.bool_)
    return np.array([value or 0 for value in values], np.int64), odd


def written_moments_of(series: pl.Series, zone: tzinfo) -> tuple[Counts, Mask]:
    """Moments that are written as texts.

    Args:
        series: of texts.
        zone: what those mean that have none.

    Returns:
        int64[rows], microseconds since 1970 in UTC, zero where there is no text; and bool[rows], those that a record
        has to look at: days, and what is no date.
    """
    counts = np.zeros(len(series), np.int64)
    odd: Mask = np.zeros(len(series), np.bool_)
    for row, text in enumerate(series.to_list()):
        if text is not None:
            try:
                moment = parse_moment(text, zone)
            except ValueRefused:
                moment = None
            if isinstance(moment, datetime):
                counts[row] = (moment - EPOCH) // _MICROSECOND
            else:
                odd[row] = True
    return counts, odd


def _offset(day: int, zone: tzinfo) -> int | None:
    """Microseconds from what clocks show to the moment, all that day; None on a day on which clocks are changed."""
    try:
        found = day_of(EPOCH.date() + timedelta(days=day), zone)
    except (OverflowError, ValueRefused):
        return None
    if found.end - found.start != timedelta(days=1):
        return None
    return (found.start - EPOCH) // timedelta(microseconds=1) - day * _DAY


def _counts(series: pl.Series) -> Counts:
    """int64[rows]: dates as units of time, or days, since 1970 in UTC; zero where there is none."""
    counts = series.to_physical().fill_null(0) if series.null_count() else series.to_physical()
    return counts.to_numpy().astype(np.int64)
