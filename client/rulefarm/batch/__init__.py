"""Files and queries sent as batches. Needs the extra `rulefarm[batch]`."""

from rulefarm.batch.chunk_codec import JSON_COLUMN, SUBJECT_COLUMN, decode, encode
from rulefarm.batch.sources import open_source
from rulefarm.batch.submit import record_batch

__all__ = ["JSON_COLUMN", "SUBJECT_COLUMN", "decode", "encode", "open_source", "record_batch"]
