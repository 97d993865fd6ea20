"""Kombu's and Celery's locks in a process that was forked.  os.fork -> [forked_locks] -> locks that nobody holds

Each of their cached properties has a lock of its class, taken at every read. A thread of the parent that was reading
when the process was forked does not exist in the child, so nobody there would ever give the lock back, and the first
message that the child sends would wait for ever. Whoever makes an application has this done at each fork. Connects to
nothing."""

import sys
from collections.abc import Iterator
from functools import cached_property
from threading import RLock

_PACKAGES = ("kombu", "celery")


def cached_properties() -> Iterator[cached_property]:  # type: ignore[type-arg]
    """Every cached property with a lock, of every class of theirs that was imported."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] not in _PACKAGES:
            continue
        # By what they are, not by what they say they are: a proxy that is asked does what it stands for.
        for kind in tuple(vars(module).values()):
            if issubclass(type(kind), type):
                for attribute in tuple(vars(kind).values()):
                    if issubclass(type(attribute), cached_property) and hasattr(attribute, "lock"):
                        yield attribute


def renew_locks() -> None:
    """Give each a lock that nobody holds."""
    for attribute in cached_properties():
        attribute.lock = RLock()  # type: ignore[attr-defined]
