"""What the tests of processes share: waiting with a deadline, and programs that run beside the test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

CHECKOUT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], Found], deadline_s: float = 30.0) -> Found:
    """The first true value of the condition; fails the test when the deadline passes before."""
    give_up = time.monotonic() + deadline_s
    while not (found := condition()):
        assert time.monotonic() < give_up, f"not within {deadline_s:g} s: {condition}"
        time.sleep(0.02)
    return found


@contextmanager
def python(code: str, *arguments: object, path: tuple[Path, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that sees the checkout; it is killed, if it still runs, when the block ends."""
    folders = [*path, CHECKOUT, CHECKOUT / "client"]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(str(folder) for folder in folders)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def says(process: subprocess.Popen[str]) -> str:
    """The next line the program prints; fails the test with its errors when it prints none."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline().strip()
    assert line, process.stderr.read()
    return line
