"""What compiling costs, in a process of its own.  [compiling] -> suites

`python -m bench.compiling RULES [size|table|peak]` prints one line of JSON. A process of its own, because the engine
keeps code that it generated for one program for the next one like it, and the first compilation is the one that a
worker waits for. Sizes are measured in place of the times: tracing allocations makes everything slow, and the peak of
a process that did anything else is no peak of compiling."""

import gc
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.baselines import inlined, specialised
from bench.ours import AS_OF
from bench.workload import CATEGORIES, Workload, make_workload
from engine import Program, Schema, read_sources

#: Rows of the first chunk: enough to make whatever a program leaves until it is asked for.
_FIRST = 200
#: Rules of a file, where there are too many for one.
_RULES_OF_A_FILE = 5_000


def measured(rules: int, what: str = "times") -> dict[str, float]:
    """Start a process that compiles so many rules, and wait for its figures.

    Args:
        rules: how many, or rows of a table.
        what: one of `MEASURES`; default: seconds, by step.
    """
    command = [sys.executable, "-m", "bench.compiling", str(rules), what]
    root = Path(__file__).parents[1]
    printed = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(printed)
    return figures


def times(rules: int) -> dict[str, float]:
    """Seconds of CPU of each step, and of `compile()` on what (a) and (b) are written as."""
    workload = make_workload(rules, _FIRST)
    sources, schema, frame = {"workload.grl": workload.grl}, workload.schema, workload.frame
    # One rule first, so that no import and no compiled pattern is counted.
    Program(read_sources({"one.grl": make_workload(1, 1).grl}, schema))
    gc.collect()
    gc.disable()
    ruleset, parse = _timed(lambda: _versioned(sources, schema))
    program, index = _timed(lambda: Program(ruleset))
    _, record = _timed(lambda: program.evaluate({"Product": workload.products[0]}, as_of=AS_OF))
    _, chunk = _timed(lambda: program.evaluate_frame(frame, fact="Product", as_of=AS_OF))
    _, one = _timed(lambda: inlined(workload.rules))
    _, split = _timed(lambda: specialised(workload.rules))
    return {"parse": parse, "index": index, "record": record, "chunk": chunk, "a": one, "b": split}


def _versioned(sources: Mapping[str, str | bytes], schema: Schema) -> Any:
    """Rules that were read and checked, with their digest: what it takes until they can be published."""
    ruleset = read_sources(sources, schema)
    if not ruleset.digest:
        raise AssertionError("no digest")
    return ruleset


def _timed(step: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = step()
    return result, time.process_time() - start


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


def table(rows: int) -> dict[str, float]:
    """Seconds of CPU of reading a decision table, its checks too, and of compiling it, with the collector as it is."""
    schema = make_workload(1, 1).schema
    Program(read_sources({"one.csv": table_of(1)}, schema))
    sources = {"bands.csv": table_of(rows)}
    gc.collect()
    ruleset, parse = _timed(lambda: _versioned(sources, schema))
    program, index = _timed(lambda: Program(ruleset))
    if len(program.rules) != rows:
        raise AssertionError(f"{len(program.rules)} rules of {rows} rows")
    return {"parse": parse, "index": index}


def table_of(rows: int) -> str:
    """A table of as many rows: a category, a range of prices, a review that says which.

    Args:
        rows: how many; no two overlap.
    """
    lines = ["when Product.category,when Product.price,then Review"]
    for number in range(rows):
        place, category = divmod(number, CATEGORIES)
        lines.append(f'"category {category:02d}",[{place / 10}..{(place + 1) / 10}),"band {number}"')
    return "\n".join(lines) + "\n"


def peak(rules: int) -> dict[str, float]:
    """Megabytes that were resident before any rule was there, and at most until a first record and chunk are judged."""
    workload = make_workload(rules, _FIRST)
    sources, schema, frame = files_of(workload), workload.schema, workload.frame
    before = _most_resident_mb()
    program = Program(read_sources(sources, schema))
    program.evaluate({"Product": workload.products[0]}, as_of=AS_OF)
    program.evaluate_frame(frame, fact="Product", as_of=AS_OF)
    return {"before": before, "megabytes": _most_resident_mb()}


def files_of(workload: Workload) -> dict[str, str]:
    """The rules in several files: all in one would be longer than a file may be.

    Args:
        workload: whose rules.
    """
    parts = range(0, len(workload.rules), _RULES_OF_A_FILE)
    return {f"from{first}.grl": Workload(workload.rules[first : first + _RULES_OF_A_FILE], ()).grl for first in parts}


def _most_resident_mb() -> float:
    """The most memory that this process had at once."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux `getrusage` tells the most that whoever started this process held, if that was more.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1_024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


#: What can be measured, by what it is called.
MEASURES: dict[str, Callable[[int], dict[str, float]]] = {"times": times, "size": size, "table": table, "peak": peak}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[2] if len(sys.argv) > 2 else "times"](int(sys.argv[1]))))
