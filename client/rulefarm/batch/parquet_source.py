"""A parquet file as frames.  parquet -> [parquet_source] -> typed frames -> sources

The columns keep the kinds that they have there, but for those that rules do not have: a decimal of few digits is a
number like any other."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from rulefarm.batch.chunk_codec import Apart, Unreadable
from rulefarm.batch.frames import checked_header, chunk_frame
from rulefarm.batch.parquet_layout import stretches
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.limits import MAX_DIGITS

#: Of a duration that Python has a value for, and rules too: 100,000,000 days.
_LONGEST_MS = 100_000_000 * 86_400_000


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
    if dtype == pl.String:
        return _storable(series, apart)
    if isinstance(dtype, (pl.Datetime, pl.Duration)) and dtype.time_unit == "ns":
        # What is finer than a microsecond has no place in a Python datetime or timedelta either.
        return series.dt.cast_time_unit("us")
    if isinstance(dtype, pl.Duration) and dtype.time_unit == "ms":
        return _durations(series, apart)
    if dtype == pl.Time:
        return series.cast(pl.String)
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


def _durations(series: pl.Series, apart: dict[int, Apart]) -> pl.Series:
    """Milliseconds of which Python has a timedelta; the others stand apart."""
    long = series.to_physical().abs() > _LONGEST_MS
    for row in long.fill_null(False).arg_true().to_list():
        apart.setdefault(row, Apart()).cells[series.name] = Unreadable("is a duration out of range")
    return series.set(long.fill_null(False), None)


def _storable(series: pl.Series, apart: dict[int, Apart]) -> pl.Series:
    """Text without those that Postgres can't store."""
    nul = series.str.contains("\x00", literal=True).fill_null(False)
    if nul.any():
        for row in nul.arg_true().to_list():
            apart.setdefault(row, Apart()).cells[series.name] = Unreadable("can't be read: text with a NUL character")
        series = series.set(nul, None)
    return series
