"""Files and queries sent as batches. Needs the extra `rulefarm[batch]`."""

from rulefarm.batch.chunk_codec import APART_COLUMN, JSON_COLUMN, SUBJECT_COLUMN, Apart, Unreadable, decode, encode
from rulefarm.batch.columns import compare_columns, own_columns, subject_names
from rulefarm.batch.jsonl_source import names_in, value_at
from rulefarm.batch.source_options import MAX_COLUMNS_NOTED, Progress, SourceOptions
from rulefarm.batch.sources import OpenedSource, is_source, open_source
from rulefarm.batch.submit import BatchTerms, record_batch
from rulefarm.batch.text_lines import read_lines

__all__ = [
    "APART_COLUMN",
    "JSON_COLUMN",
    "MAX_COLUMNS_NOTED",
    "SUBJECT_COLUMN",
    "Apart",
    "BatchTerms",
    "OpenedSource",
    "Progress",
    "SourceOptions",
    "Unreadable",
    "compare_columns",
    "decode",
    "encode",
    "is_source",
    "names_in",
    "open_source",
    "own_columns",
    "read_lines",
    "record_batch",
    "subject_names",
    "value_at",
]
