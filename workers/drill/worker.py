"""A worker of the drill's farm: the one that ships, with poison in its rulesets.  argv -> [worker] -> run_worker

`python -m workers.drill.worker NAME interactive|bulk MAX,MIN`. Nothing else of the product is changed."""

import os
import sys
from pathlib import Path

from rulefarm.settings import Settings
from workers.drill.moved_clock import CLOCKS, clock_of, move_clock
from workers.drill.poison import EVIDENCE, poisoned
from workers.drill.subjects import DOMAINS
from workers.start import WorkerOptions, run_worker


def main(name: str, queue: str, scale: str) -> int:
    """Run the worker until it gets SIGTERM.

    Args:
        name: before the `@` of its node name.
        queue: `interactive` or `bulk`.
        scale: processes, `MAX,MIN`.

    Returns:
        The exit code.
    """
    maximum, minimum = (int(number) for number in scale.split(","))
    clock = clock_of(Path(os.environ[EVIDENCE]), name)
    if clock is not None:
        move_clock(CLOCKS[clock])
        # By their names those who measure know which instants are not to be believed.
        name = f"{name}.{clock}"
    options = WorkerOptions(domains=list(DOMAINS), bulk=queue == "bulk", autoscale=(maximum, minimum), name=name)
    return run_worker(Settings.from_env(os.environ), options, prepare=poisoned)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
