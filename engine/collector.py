"""Python's garbage collector, off while a ruleset is compiled.  [collector] -> ruleset, program

Compiling makes millions of objects that all stay: a collector that goes through them again and again finds nothing, and
took half of the time for ten thousand rules. Takes nothing and gives a block without it; several may be within each
other, in one thread or in many. In a process that is forked meanwhile the threads of the blocks are not: who forks has
it begin afresh. It collects nothing itself, and leaves a collector that was off as it was."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
#: How many blocks are open, and whether the first of them found the collector on.
_open = 0
_was_on = False


@contextmanager
def no_collector() -> Iterator[None]:
    """Nothing is collected within, in any thread; what has no circle is freed as ever."""
    global _open, _was_on
    with _lock:
        if not _open:
            _was_on = gc.isenabled()
            gc.disable()
        _open += 1
    try:
        yield
    finally:
        with _lock:
            # In a child that was forked within the block there is nothing left to end.
            if _open:
                _open -= 1
                if not _open and _was_on:
                    gc.enable()


def forget_blocks() -> None:
    """Have the collector as it was before all blocks; in a child, where their threads, and the lock's, are not."""
    global _lock, _open
    _lock = threading.Lock()
    if _open and _was_on:
        gc.enable()
    _open = 0
