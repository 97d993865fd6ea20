"""The command of a host whose clock is wrong: `python -m tests.workers.monitoring.clock_moved SECONDS ARGUMENTS`."""

import sys

from cli.main import main
from workers.drill.moved_clock import move_clock

if __name__ == "__main__":
    move_clock(float(sys.argv.pop(1)))
    main()
