"""What facts of a job come from elsewhere: reference facts looked up by key, events of a window."""

from tasks.shared_facts.events import alone, event_of, event_time
from tasks.shared_facts.lookups import REFUSALS, CompleteFacts, key_text, look_up
from tasks.shared_facts.memory_windows import MemoryWindows
from tasks.shared_facts.provider import SharedFacts, Subject, open_shared

__all__ = [
    "REFUSALS",
    "CompleteFacts",
    "MemoryWindows",
    "SharedFacts",
    "Subject",
    "alone",
    "event_of",
    "event_time",
    "key_text",
    "look_up",
    "open_shared",
]
