"""Files and queries sent as batches. Needs the extra `rulefarm[batch]`."""

from rulefarm.batch.chunk_codec import APART_COLUMN, JSON_COLUMN, SUBJECT_COLUMN, Apart, Unreadable, decode, encode
from rulefarm.batch.source_options import Progress, SourceOptions
from rulefarm.batch.sources import OpenedSource, open_source
from rulefarm.batch.submit import BatchTerms, record_batch

__all__ = [
    "APART_COLUMN",
    "JSON_COLUMN",
    "SUBJECT_COLUMN",
    "Apart",
    "BatchTerms",
    "OpenedSource",
    "Progress",
    "SourceOptions",
    "Unreadable",
    "decode",
    "encode",
    "open_source",
    "record_batch",
]
