"""Messages of jobs and chunks, and the way to the broker. Writes no row."""

from rulefarm.messaging.broker import CONNECT_TIMEOUT_S, asked, create_app, queue_depths, ring
from rulefarm.messaging.messages import (
    Bell,
    ChunkMessage,
    JobMessage,
    checked_chunk_message,
    checked_job_message,
    chunk_bell,
    job_bell,
)
from rulefarm.messaging.sender import Doorbell

__all__ = [
    "Bell",
    "CONNECT_TIMEOUT_S",
    "ChunkMessage",
    "Doorbell",
    "JobMessage",
    "asked",
    "checked_chunk_message",
    "checked_job_message",
    "chunk_bell",
    "create_app",
    "job_bell",
    "queue_depths",
    "ring",
]
