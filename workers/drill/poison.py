"""Subjects that break the process that judges them.  LoadedRuleset -> [poison] -> the same, but for those subjects

A subject's key says what its evaluation does: `poison-kill-…` ends the process as the kernel would when memory is
short, `poison-raise-…` raises, `poison-hang-…` never ends and ignores the soft time limit, `slow-…` takes a second, or
two when somebody has begun it before, and is judged then like any other. Each evaluation of one of them leaves a line
in the evidence file before it acts."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import polars as pl
from celery.exceptions import SoftTimeLimitExceeded

from engine import Evaluation, Program
from rulesets.loader import LoadedRuleset

#: Names the evidence file to the workers of a drill.
EVIDENCE = "DRILL_EVIDENCE"
KINDS = ("kill", "raise", "hang")
#: Seconds that a slow subject takes: the first time, and when somebody has begun it before.
SLOW_S = (1.0, 2.0)
Answer = TypeVar("Answer")
_NAMES = (*(f"poison-{kind}-" for kind in KINDS), "slow-")


class PoisonError(Exception):
    """Raised by the evaluation of a subject `poison-raise-…`."""


def codes(key: str) -> frozenset[str]:
    """The codes that the dead letter of a poison subject may have; none for a subject that is no poison.

    Whatever it does, another fault may end its last attempt first.
    """
    by_kind = {"kill": "worker-lost", "raise": "evaluation-failed", "hang": "time-limit"}
    kind = key.split("-")[1] if key.startswith("poison-") else ""
    return frozenset({by_kind[kind], "worker-lost", "worker-silent"}) if kind in by_kind else frozenset()


def poisoned(loaded: LoadedRuleset) -> LoadedRuleset:
    """The ruleset, with a program that does what a poison or slow subject's key says."""
    return replace(loaded, program=cast(Program, _Poisoned(loaded)))


class _Poisoned:
    """A program; everything but the two ways to judge is that of the ruleset."""

    def __init__(self, loaded: LoadedRuleset) -> None:
        self._program = loaded.program
        self._subject = loaded.schema.subject
        self._key = str(loaded.schema.key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program, name)

    def evaluate(self, facts: Mapping[str, Any], *, as_of: datetime, **more: Any) -> Evaluation:
        """Judge one set of facts, or do what its subject's key says."""
        fact = facts.get(self._subject)
        key = fact.get(self._key) if isinstance(fact, Mapping) else None
        if isinstance(key, str) and key.startswith(_NAMES):
            return _act(key, lambda: self._program.evaluate(facts, as_of=as_of, **more))
        return self._program.evaluate(facts, as_of=as_of, **more)

    def evaluate_frame(self, frame: pl.DataFrame, **more: Any) -> Any:
        """Judge a frame, or do what the key of one of its subjects says."""
        keys = frame[self._key].to_list() if self._key in frame.columns else []
        poison = next((key for key in keys if isinstance(key, str) and key.startswith(_NAMES)), None)
        if poison is not None:
            return _act(poison, lambda: self._program.evaluate_frame(frame, **more))
        return self._program.evaluate_frame(frame, **more)


def _act(key: str, judge: Callable[[], Answer]) -> Answer:
    append_evidence("begin", key)
    if key.startswith("poison-kill-"):
        os.kill(os.getpid(), signal.SIGKILL)
    if key.startswith("poison-raise-"):
        raise PoisonError(f"{key} raises")
    until = time.monotonic() + (_slowness_s(key) if key.startswith("slow-") else float("inf"))
    while (left := until - time.monotonic()) > 0:
        try:
            time.sleep(min(left, 3600))
        except SoftTimeLimitExceeded:
            # The soft limit is a request, and what hangs ignores it.
            continue
    answer = judge()
    append_evidence("end", key)
    return answer


def _slowness_s(key: str) -> float:
    begun = sum(1 for what, of, _ in read_evidence(Path(os.environ[EVIDENCE])) if (what, of) == ("begin", key))
    return SLOW_S[begun > 1]


def append_evidence(what: str, key: str) -> None:
    """Append `what key pid` to the evidence file, in one write.

    Args:
        what: `begin` or `end`.
        key: of the subject.
    """
    path = os.environ.get(EVIDENCE)
    if path:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{what} {key} {os.getpid()}\n".encode())
        os.close(descriptor)


def read_evidence(path: Path) -> list[tuple[str, str, int]]:
    """What the workers have noted so far: begin or end, key, process id."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [(what, key, int(pid)) for what, key, pid in (line.split() for line in lines)]
