"""The command of a host whose clock is wrong: `python -m tests.workers.monitoring.clock_moved SECONDS ARGUMENTS`.

Everything that a worker can tell the time by is moved, before it is imported."""

import datetime
import sys
import time

AHEAD_S = float(sys.argv.pop(1))
_time, _datetime = time.time, datetime.datetime


class MovedDatetime(_datetime):
    """A datetime that is now later."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _datetime:  # type: ignore[override]
        return _datetime.now(tz) + datetime.timedelta(seconds=AHEAD_S)


if __name__ == "__main__":
    # First what parses datetimes, or makes classes of them: it needs the true one.
    import celery.worker.request

    from cli.main import main

    time.time = lambda: _time() + AHEAD_S
    celery.worker.request.datetime = MovedDatetime
    main()
