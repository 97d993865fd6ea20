"""What the tests of processes share: waiting with a deadline, and programs that run beside the test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

CHECKOUT = Path(__file__).resolve().parents[1]


def until(condition: Callable[[], Found], deadline_s: float = 60.0, *, every_s: float = 0.02) -> Found:
    """The first true value of the condition; fails the test when the deadline passes before."""
    give_up = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < give_up, f"not within {deadline_s:g} s: {condition}"
        time.sleep(every_s)
    return found


@contextmanager
def python(
    code: str, *arguments: object, path: tuple[Path, ...] = (), environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that sees the checkout; it is killed, if it still runs, when the block ends."""
    folders = [*path, CHECKOUT, CHECKOUT / "client"]
    python_path = os.pathsep.join(str(folder) for folder in folders)
    process = subprocess.Popen(
        [sys.executable, "-c", code, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**(os.environ if environ is None else environ), "PYTHONPATH": python_path},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def says(process: subprocess.Popen[str], containing: str = "") -> str:
    """The next line the program prints that has these words in it; fails the test with its errors when none comes."""
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if line.strip() and containing in line:
            return line.strip()
    raise AssertionError(process.stderr.read())
