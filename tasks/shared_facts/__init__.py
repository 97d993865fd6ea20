"""Facts of a job that do not come with it: reference facts looked up by key, and windows of recent events."""

from tasks.shared_facts.events import event_of, event_time, with_own_events
from tasks.shared_facts.lookups import REFUSALS, CompleteFacts, key_text, look_up
from tasks.shared_facts.memory_windows import MemoryWindows
from tasks.shared_facts.provider import CompletesFacts, SharedFacts, Subject, open_shared

__all__ = [
    "REFUSALS",
    "CompleteFacts",
    "CompletesFacts",
    "MemoryWindows",
    "SharedFacts",
    "Subject",
    "event_of",
    "event_time",
    "key_text",
    "look_up",
    "open_shared",
    "with_own_events",
]
