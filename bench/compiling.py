"""What compiling costs, in a process of its own.  [compiling] -> suites

`python -m bench.compiling RULES [memory]` prints one line of JSON. A process of its own, because the engine keeps code
that it generated for one program for the next one like it, and the first compilation is the one that a worker waits
for. With `memory` the size is measured in place of the times: tracing allocations makes everything slow."""

import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.baselines import inlined, specialised
from bench.ours import AS_OF
from bench.workload import make_workload
from engine import Program, read_sources

#: Rows of the first chunk: enough to make whatever a program leaves until it is asked for.
_FIRST = 200


def measured(rules: int, *, memory: bool = False) -> dict[str, float]:
    """Start a process that compiles so many rules, and wait for its figures.

    Args:
        rules: how many.
        memory: default False: seconds, by step; True: megabytes.
    """
    command = [sys.executable, "-m", "bench.compiling", str(rules), *(["memory"] if memory else [])]
    root = Path(__file__).parents[1]
    printed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(printed)
    return figures


def times(rules: int) -> dict[str, float]:
    """Seconds of each step, and of `compile()` on what (a) and (b) are written as."""
    workload = make_workload(rules, _FIRST)
    sources, schema, frame = {"workload.grl": workload.grl}, workload.schema, workload.frame
    # One rule first, so that no import and no compiled pattern is counted.
    Program(read_sources({"one.grl": make_workload(1, 1).grl}, schema))
    gc.collect()
    gc.disable()
    ruleset, parse = _timed(lambda: read_sources(sources, schema))
    program, index = _timed(lambda: Program(ruleset))
    _, record = _timed(lambda: program.evaluate({"Product": workload.products[0]}, as_of=AS_OF))
    _, chunk = _timed(lambda: program.evaluate_frame(frame, fact="Product", as_of=AS_OF))
    _, one = _timed(lambda: inlined(workload.rules))
    _, split = _timed(lambda: specialised(workload.rules))
    return {"parse": parse, "index": index, "record": record, "chunk": chunk, "a": one, "b": split}


def _timed(step: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = step()
    return result, time.perf_counter() - start


def size(rules: int) -> dict[str, float]:
    """Megabytes that a program holds, its rules and all that its first record and chunk make it build included."""
    workload = make_workload(rules, _FIRST)
    sources, schema, frame = {"workload.grl": workload.grl}, workload.schema, workload.frame
    Program(read_sources({"one.grl": make_workload(1, 1).grl}, schema))
    gc.collect()
    tracemalloc.start()
    program = Program(read_sources(sources, schema))
    program.evaluate({"Product": workload.products[0]}, as_of=AS_OF)
    program.evaluate_frame(frame, fact="Product", as_of=AS_OF)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    # Until here the program has to live.
    del program
    return {"megabytes": held / 1e6}


if __name__ == "__main__":
    figures = size if "memory" in sys.argv[2:] else times
    print(json.dumps(figures(int(sys.argv[1]))))
