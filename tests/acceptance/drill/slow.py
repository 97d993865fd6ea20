"""A worker like any other, but slow: messages wait for it, so that there are some to lose."""

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


if __name__ == "__main__":
    tasks.evaluate.store_verdict = store_verdict
    sys.exit(main(*sys.argv[2:]))
