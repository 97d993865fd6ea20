"""The files of a drill's batches.  rows of subjects -> [sources] -> csv, jsonl, parquet

Apart from the subjects, for only who writes a table needs what it is written with: a producer, which is killed and
started again and again, starts without."""

import json
from pathlib import Path
from typing import Any

import polars as pl

#: One format a batch, in turn.
SUFFIXES = (".parquet", ".csv", ".jsonl")


def write_source(folder: Path, number: int, records: list[dict[str, Any]]) -> Path:
    """Write the file of one batch; the formats take turns.

    Args:
        folder: exists.
        number: of the batch; chooses the format.
        records: its rows.

    Returns:
        The file.
    """
    path = folder / f"batch-{number}{SUFFIXES[number % len(SUFFIXES)]}"
    if path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
        return path
    frame = pl.DataFrame(records, infer_schema_length=None)
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path
