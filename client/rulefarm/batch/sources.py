"""Read a source, a portion at a time.  readers of each form -> [sources] -> frames with subjects -> submit

However long the source, a few portions of it are in memory. Each row is named by its subject; what can't be read or
named is refused with its place, whatever a reader's library raises. Whether a subject is named twice is not seen here:
that takes all rows at once."""

import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from rulefarm.batch.chunk_codec import SUBJECT_COLUMN
from rulefarm.batch.csv_source import read_csv_file
from rulefarm.batch.jsonl_source import read_jsonl
from rulefarm.batch.parquet_source import read_parquet
from rulefarm.batch.query_source import read_query
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.text_lines import PACKED
from rulefarm.errors import RulefarmError, SourceRejected
from rulefarm.limits import MAX_KEY_CHARACTERS
from rulefarm.normalize import abbreviate
from rulefarm.optional_imports import require_extra

#: How a chunk's columns are to be read. columns: typed, as in parquet. text: what is text is read by the kinds that the
#: domain declares, as in csv. json: one canonical document a row.
FORMS = {
    ".parquet": "columns",
    ".csv": "text",
    ".tsv": "text",
    ".xlsx": "text",
    ".xlsm": "text",
    ".jsonl": "json",
    ".ndjson": "json",
    ".sql": "columns",
}
#: Formats that may be packed, and that a folder may hold the parts of.
_STREAMED = (".csv", ".tsv", ".jsonl", ".ndjson")
_PARTS = (".parquet", *_STREAMED)
#: The form of text whose decimals are said by whoever sent it, not by the domain.
_DECIMAL_FORMS = {".": "text-point", ",": "text-comma"}
#: What writers of folders leave beside the parts: _SUCCESS, .crc.
_BESIDE = ("_", ".")

#: An identifier that a spreadsheet took for a number, of which digits are lost.
_ROUNDED = re.compile(r"\d[.,]?\d*E\+\d+")

_Read = Callable[[Path, SourceOptions, int, Progress], Iterator[pl.DataFrame]]


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that is about to be read."""

    #: One of FORMS, or of text whose decimals are said.
    form: str
    #: Frames with SUBJECT_COLUMN, in the order of the source; reading on may raise SourceRejected.
    portions: Iterator[pl.DataFrame]
    #: What has been read so far.
    progress: Progress


def open_source(
    source: str | os.PathLike[str],
    options: SourceOptions | None = None,
    *,
    rows: int,
    database_url: str | None = None,
    progress: Progress | None = None,
) -> OpenedSource:
    """The rows of a source, each with its subject.

    Args:
        source: path of a file, which is read as its ending says; or of a folder whose files are parts of one source.
        options: how it is to be read. Default: subject first, UTF-8, first sheet, decimals as the domain says.
        rows: of a portion, at most.
        database_url: where a query is asked.
        progress: takes what comes to light; default: a new one.

    Raises:
        SourceRejected: no known format, or an option that the format has no use for. What else is wrong with the source
            comes to light while it is read.
    """
    path = Path(source)
    known = options or SourceOptions()
    # What is no name of a file, or lies where this user may not look, is refused when it is read.
    is_folder = os.path.isdir(path)
    parts = _parts(path) if is_folder else [path]
    ending = _format(parts[0])
    if os.path.exists(path) and not (is_folder or os.path.isfile(path)):
        # Whoever reads a pipe waits for a writer, who may never come.
        raise SourceRejected("unreadable-source", f"{path} is a pipe or a device, and no file")
    _check_options(path, ending, known)
    form = FORMS[ending]
    if form == "text" and known.decimal is not None:
        form = _DECIMAL_FORMS[known.decimal]
    progress = progress or Progress()
    read = _reader(ending, database_url)
    frames = _parts_in_turn(parts, read, known, rows, progress)
    return OpenedSource(form, _portions(frames, path, progress), progress)


def is_source(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named as a source is, or is a folder; what is named otherwise is refused as one.

    >>> [is_source(name) for name in ("a.csv", "a.jsonl.gz", "a.CSV.ZST", "a.json", "-")]
    [True, True, True, False, False]
    """
    name = Path(path)
    inner = Path(name.stem) if name.suffix.lower() in PACKED else name
    return inner.suffix.lower() in FORMS or os.path.isdir(name)


def _format(path: Path) -> str:
    ending = path.suffix.lower()
    packed = ending in PACKED
    if packed:
        ending = Path(path.stem).suffix.lower()
    if ending not in FORMS:
        message = f"{path}: {path.suffix or 'no suffix'!r} is no format"
        raise SourceRejected("unknown-format", message, f"known: {', '.join(sorted(FORMS))}")
    if packed and ending not in _STREAMED:
        raise SourceRejected("unknown-format", f"{path}: {ending} is not read packed", "unpack it first")
    return ending


def _check_options(path: Path, ending: str, options: SourceOptions) -> None:
    if options.decimal is not None and options.decimal not in _DECIMAL_FORMS:
        raise SourceRejected("bad-option", f"decimals stand behind . or , and not {options.decimal!r}")
    is_workbook = ending in (".xlsx", ".xlsm")
    for name, value, fits in (
        ("sheet", options.sheet, is_workbook),
        ("decimal", options.decimal, FORMS[ending] == "text"),
        ("encoding", options.encoding, not is_workbook and ending != ".parquet"),
    ):
        if value is not None and not fits:
            raise SourceRejected("bad-option", f"{path}: {ending} has no use for --{name}")


def _parts(folder: Path) -> list[Path]:
    """The files of a folder, in the order of their names; all of one format."""
    try:
        files = sorted(entry for entry in folder.iterdir() if not entry.name.startswith(_BESIDE))
    except OSError as error:
        raise _unreadable(folder, error, may_pass=True) from error
    if not files:
        raise _empty(f"{folder} has no files in it")
    formats: set[str] = set()
    for file in files:
        if not os.path.isfile(file):
            hint = "put all parts into one folder, with what the folders' names say as a column"
            raise SourceRejected("bad-parts", f"{folder}: {file.name} is no file", hint)
        formats.add(_format(file))
    if len(formats) > 1 or not formats <= set(_PARTS):
        message = f"{folder} holds {', '.join(sorted(formats))}: the parts of one source have one format"
        raise SourceRejected("bad-parts", message, f"one of {', '.join(_PARTS)}")
    return files


def _reader(ending: str, database_url: str | None) -> _Read:
    match ending:
        case ".parquet":
            return read_parquet
        case ".csv" | ".tsv":
            return read_csv_file
        case ".jsonl" | ".ndjson":
            return read_jsonl
        case ".sql":
            return partial(read_query, database_url=database_url)
    # openpyxl takes a quarter of a second to import: too much for every start of a worker, few of which read workbooks.
    read: _Read = require_extra("rulefarm.batch.workbook_source", "batch").read_workbook
    return read


def _parts_in_turn(
    parts: list[Path], read: _Read, options: SourceOptions, rows: int, progress: Progress
) -> Iterator[pl.DataFrame]:
    is_table = FORMS[_format(parts[0])] != "json"
    for place, part in enumerate(parts):
        own = Progress(remarks=progress.remarks)
        columns = progress.columns
        for frame in read(part, options, rows, own):
            if place and is_table and own.columns.keys() != columns.keys():
                odd = ", ".join(sorted(own.columns.keys() ^ columns.keys()))
                raise SourceRejected("bad-parts", f"{part} has not the columns of {parts[0].name}: {odd}")
            columns.update(own.columns)
            progress.read += len(frame)
            progress.refused += own.refused
            own.refused = 0
            yield frame


def _portions(frames: Iterator[pl.DataFrame], path: Path, progress: Progress) -> Iterator[pl.DataFrame]:
    try:
        while True:
            before = progress.read
            frame = _next(frames, path)
            if frame is None:
                break
            _check_subjects(frame[SUBJECT_COLUMN], path, before, progress)
            yield frame
    finally:
        # At once, also when a row is refused: it may hold a connection.
        frames.close()  # type: ignore[attr-defined]
    if not progress.read:
        raise _empty(f"{path} has no rows")


def _next(frames: Iterator[pl.DataFrame], path: Path) -> pl.DataFrame | None:
    try:
        return next(frames, None)
    except SourceRejected as error:
        error.may_pass = error.may_pass or error.code in ("unreadable-source", "empty-source")
        raise
    except (RulefarmError, SoftTimeLimitExceeded):
        raise
    # Libraries raise what they like, and a panic of polars is not even an Exception.
    except (Exception, pl.exceptions.PanicException, zlib.error) as error:
        # A file that is not there yet, or half written, a database that is away: tonight, not for ever. A query that a
        # database does not take is another matter.
        is_away = isinstance(error, OperationalError | InterfaceError) or not isinstance(error, SQLAlchemyError)
        raise _unreadable(path, error, may_pass=is_away) from error


def _empty(message: str) -> SourceRejected:
    """Refuse a source without rows; whoever writes it may only have begun."""
    rejected = SourceRejected("empty-source", message)
    rejected.may_pass = True
    return rejected


def _unreadable(path: Path, error: BaseException, *, may_pass: bool = False) -> SourceRejected:
    lines = str(error).strip().splitlines()
    rejected = SourceRejected(
        "unreadable-source", f"{path} can't be read: {lines[0] if lines else type(error).__name__}"
    )
    rejected.may_pass = may_pass
    return rejected


def _check_subjects(subjects: Iterable[str | None], path: Path, before: int, progress: Progress) -> None:
    for row, subject in enumerate(subjects, before + 1):
        if not subject:
            flaw = "names no subject"
        elif len(subject) > MAX_KEY_CHARACTERS:
            flaw = f"names a subject of more than {MAX_KEY_CHARACTERS} characters: {abbreviate(subject)}"
        elif "\x00" in subject:
            flaw = f"names a subject with a NUL character: {abbreviate(subject)}"
        else:
            if "E+" in subject and not progress.has_rounded_subject and _ROUNDED.fullmatch(subject):
                progress.has_rounded_subject = True
                progress.remark(f"row {row} is called {subject}, as a spreadsheet shortens a long number")
            continue
        raise SourceRejected("bad-subject", f"{path}: row {row} {flaw}", "name the column with --subject")
