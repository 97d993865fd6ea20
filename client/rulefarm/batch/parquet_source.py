"""A parquet file as frames.  parquet -> [parquet_source] -> typed frames -> sources

The columns keep the kinds that they have there, but for those that rules do not have: a decimal of few digits is a
number like any other."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from rulefarm.batch.chunk_codec import Apart, Unreadable
from rulefarm.batch.frames import checked_header, chunk_frame
from rulefarm.batch.parquet_layout import stretches
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.limits import MAX_DIGITS

_DAY_MS = 86_400_000
#: Of a duration that Python has a value for, and rules too: 100,000,000 days.
_LONGEST_MS = 100_000_000 * _DAY_MS
#: The first and the last day that Python has, in days since 1970.
_DAYS = [(one - date(1970, 1, 1)).days for one in (date.min, date.max)]
_HAS = "has a value that "
_NO_DATE = "is no date between the years 1 and 9999"


def read_parquet(path: Path, options: SourceOptions, rows: int, progress: Progress) -> Iterator[pl.DataFrame]:
    """The rows of a parquet file, each with its subject.

    Args:
        path: the file.
        options: subject.
        rows: of a frame, at most.
        progress: takes the columns.

    Raises:
        SourceRejected: as `checked_header` and `stretches`.
        OSError, pl.exceptions.PolarsError: it can't be read.
    """
    # An absolute path and no glob: the name is a name, whatever characters it has, `~` and `=` included.
    scan = pl.scan_parquet(path.absolute(), glob=False, hive_partitioning=False)
    found = scan.collect_schema().names()
    names, subject = checked_header(found, path, options, progress)
    for stretch in stretches(path):
        part = scan.slice(stretch.offset, stretch.rows)
        # Not all at once: Polars would have all packed columns of a row group in memory together.
        frames = [part.select(together).collect() for together in stretch.columns]
        whole = pl.concat(frames, how="horizontal").select(found)
        # Asked once for all columns: hardly any has one.
        nuls = whole.select(pl.col(pl.String).str.contains("\x00", literal=True).any())
        clean = {series.name for series in nuls.get_columns() if not series.item()}
        for frame in whole.iter_slices(rows):
            apart: dict[int, Apart] = {}
            columns = [
                series.alias(name) if series.name in clean else _plain(series.alias(name), apart)
                for name, series in zip(names, frame.get_columns(), strict=True)
                if name
            ]
            yield chunk_frame(_subjects(next(one for one in columns if one.name == subject)), columns, apart)


def _subjects(series: pl.Series) -> list[str | None]:
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        series = pl.select(pl.when(whole == series).then(whole.cast(pl.String)).otherwise(series.cast(pl.String)))[
            series.name
        ]
    return series.cast(pl.String).to_list()


def _plain(series: pl.Series, apart: dict[int, Apart]) -> pl.Series:
    dtype = series.dtype
    if isinstance(dtype, pl.Decimal):
        return _numbers(series, apart)
    if isinstance(dtype, (pl.Datetime, pl.Duration)) and dtype.time_unit == "ns":
        # What is finer than a microsecond has no place in a Python datetime or timedelta either.
        return series.dt.cast_time_unit("us")
    if dtype == pl.Time:
        return series.cast(pl.String)
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        series = series.cast(pl.String)
    for odd, flaw in _unreadable(series):
        if odd.any():
            for row in odd.arg_true().to_list():
                apart.setdefault(row, Apart()).cells[series.name] = Unreadable(flaw)
            series = pl.select(pl.when(~odd).then(series).alias(series.name)).to_series()
    return series


def _numbers(series: pl.Series, apart: dict[int, Apart]) -> pl.Series:
    """Decimals as floats, where these say the same; the others stand apart."""
    dtype = series.dtype
    assert isinstance(dtype, pl.Decimal)
    digits = series.to_physical().abs() < 10**MAX_DIGITS
    if not digits.all():
        for row in (~digits).fill_null(False).arg_true().to_list():
            apart.setdefault(row, Apart()).cells[series.name] = series[row]
        series = series.set(~digits, None)
    # Of two whole numbers below 2**53 a division is rounded correctly, as long as the divisor is at most 10**22.
    return series.cast(pl.Float64)


def _unreadable(series: pl.Series) -> Iterator[tuple[pl.Series, str]]:
    """Which rows of a column have a value that Python, or Postgres, has not: masks, and what is wrong.

    Polars panics when such a date is asked for, within a list or an object too."""
    dtype = series.dtype
    if dtype == pl.String:
        yield series.str.contains("\x00", literal=True).fill_null(False), "can't be read: text with a NUL character"
    elif isinstance(dtype, (pl.Date, pl.Datetime)):
        yield _beyond(series.to_physical(), *_ends(dtype)), _NO_DATE
    elif isinstance(dtype, pl.Duration) and dtype.time_unit == "ms":
        yield _beyond(series.to_physical(), -_LONGEST_MS, _LONGEST_MS), "is a duration out of range"
    elif isinstance(dtype, pl.Struct):
        for name in series.struct.fields:
            yield from ((odd, _within(flaw)) for odd, flaw in _unreadable(series.struct.field(name)))
    elif isinstance(dtype, pl.Array):
        yield from _unreadable(series.arr.to_list())
    elif isinstance(dtype, pl.List):
        sizes = series.list.len().fill_null(0)
        places = pl.int_range(len(series), eager=True).filter(sizes > 0)
        holders = places.repeat_by(sizes.filter(sizes > 0)).explode()
        for odd, flaw in _unreadable(series.filter(sizes > 0).explode()):
            yield pl.int_range(len(series), eager=True).is_in(holders.filter(odd).implode()), _within(flaw)


def _within(flaw: str) -> str:
    return flaw if flaw.startswith(_HAS) else _HAS + flaw


def _ends(dtype: pl.Date | pl.Datetime) -> tuple[int, int]:
    """The first and the last value of a column of dates that Python has one for."""
    first, last = _DAYS
    if isinstance(dtype, pl.Date):
        return first, last
    # Some zone shifts moments of the first and the last day out of the calendar.
    first, last = (first + 1, last - 1) if dtype.time_zone else (first, last)
    unit = 1 if dtype.time_unit == "ms" else 1_000 if dtype.time_unit == "us" else 1_000_000
    return first * _DAY_MS * unit, (last + 1) * _DAY_MS * unit - 1


def _beyond(series: pl.Series, low: int, high: int) -> pl.Series:
    return (~series.is_between(low, high)).fill_null(False)
