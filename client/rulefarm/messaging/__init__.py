"""Messages of jobs and chunks, and the way to the broker. Writes no row."""

import sys
from typing import TYPE_CHECKING

from rulefarm.lazy_face import lazily

# For type checkers, and for whoever reads what stands where; a program loads what it asks for.
if TYPE_CHECKING:
    from rulefarm.messaging.announcements import Announcement, Ask, at_once
    from rulefarm.messaging.broker import (
        CONNECT_TIMEOUT_S,
        call_broker,
        create_app,
        queue_depths,
        refuse_cluster,
        send_messages,
        warm_up_broker,
    )
    from rulefarm.messaging.guest_app import FARM_HEADER, GuestApp
    from rulefarm.messaging.messages import (
        ChunkMessage,
        JobMessage,
        TaskMessage,
        chunk_message,
        job_message,
    )
    from rulefarm.messaging.queues import queue
    from rulefarm.messaging.sender import MessageSender
else:
    __getattr__ = lazily(
        sys.modules[__name__],
        {
            "Announcement": "announcements",
            "Ask": "announcements",
            "at_once": "announcements",
            "CONNECT_TIMEOUT_S": "broker",
            "call_broker": "broker",
            "create_app": "broker",
            "queue_depths": "broker",
            "refuse_cluster": "broker",
            "send_messages": "broker",
            "warm_up_broker": "broker",
            "FARM_HEADER": "guest_app",
            "GuestApp": "guest_app",
            "ChunkMessage": "messages",
            "JobMessage": "messages",
            "TaskMessage": "messages",
            "chunk_message": "messages",
            "job_message": "messages",
            "queue": "queues",
            "MessageSender": "sender",
        },
    )

__all__ = [
    "CONNECT_TIMEOUT_S",
    "FARM_HEADER",
    "Announcement",
    "Ask",
    "ChunkMessage",
    "GuestApp",
    "JobMessage",
    "MessageSender",
    "TaskMessage",
    "at_once",
    "call_broker",
    "chunk_message",
    "create_app",
    "job_message",
    "queue",
    "queue_depths",
    "refuse_cluster",
    "send_messages",
    "warm_up_broker",
]
