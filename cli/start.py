"""Start the command; Ctrl-C while it loads ends it without a word.  the console's `rulefarm` -> [start] -> cli.main

Loading a command takes up to two seconds, in which Python would print where it was. Nothing is begun by then, and
nothing is to be put in order: the process just ends. From when a command is loaded until it has ended, Ctrl-C is its
affair. What Python does before it comes here, some hundredths of a second, nobody can settle from here.

What is loaded stays, so the garbage collector, which would go through it again and again, is off meanwhile and leaves
it alone later: that is a quarter of the time."""

import gc
import os
import signal
import sys
from importlib import import_module

#: What a shell says of a command that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Entry point of the console command."""
    signal.signal(signal.SIGINT, _leave)
    gc.disable()
    try:
        if sys.argv[1:] == ["alive"]:
            # Asked every few seconds of every worker: the command line alone takes three times as long as the answer.
            import_module("workers.alive").answer()
        import_module("cli.main").main()
    finally:
        # Python's own end takes a while too.
        signal.signal(signal.SIGINT, _leave)


def hand_over() -> None:
    """Let Ctrl-C interrupt the command, which is loaded now, and the collector look at what it makes.

    Nothing happens in a process that began otherwise."""
    if signal.getsignal(signal.SIGINT) is _leave:
        gc.freeze()
        gc.enable()
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(*_: object) -> None:
    os._exit(INTERRUPTED)
