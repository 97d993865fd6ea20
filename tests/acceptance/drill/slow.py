"""A worker that is slow, so that messages wait for it and there are some to lose; and takes nothing without its own."""

import sys
import time
from typing import Any

import tasks.evaluate
from workers.drill.worker import main

#: Seconds before every verdict is stored.
PAUSE_S = 0.1
_store_verdict = tasks.evaluate.store_verdict


def store_verdict(*arguments: Any, **more: Any) -> bool:
    time.sleep(PAUSE_S)
    return _store_verdict(*arguments, **more)


def drain(*_: Any, **__: Any) -> int:
    return 0


if __name__ == "__main__":
    tasks.evaluate.store_verdict, tasks.evaluate.drain = store_verdict, drain
    sys.exit(main(*sys.argv[2:]))
