"""Messages of jobs and chunks, and the way to the broker. Writes no row."""

from rulefarm.messaging.broker import (
    CONNECT_TIMEOUT_S,
    call_broker,
    create_app,
    queue_depths,
    refuse_cluster,
    send_messages,
)
from rulefarm.messaging.guest_app import FARM_HEADER, GuestApp
from rulefarm.messaging.messages import (
    ChunkMessage,
    JobMessage,
    TaskMessage,
    chunk_message,
    job_message,
)
from rulefarm.messaging.sender import MessageSender

__all__ = [
    "CONNECT_TIMEOUT_S",
    "FARM_HEADER",
    "ChunkMessage",
    "GuestApp",
    "JobMessage",
    "MessageSender",
    "TaskMessage",
    "call_broker",
    "chunk_message",
    "create_app",
    "job_message",
    "queue_depths",
    "refuse_cluster",
    "send_messages",
]
