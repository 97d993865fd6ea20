"""Poison does what its name says, and nothing else is touched."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from rulesets.loader import LoadedRuleset
from tests.shipped import shipped
from workers.drill.poison import EVIDENCE, KINDS, PoisonError, codes, poisoned, read_evidence
from workers.drill.subjects import AS_OF, batch_rows


@pytest.fixture(scope="module")
def loaded() -> LoadedRuleset:
    return shipped()["pricing"]


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(EVIDENCE, str(tmp_path / "evidence"))
    return tmp_path / "evidence"


def facts(key: str) -> dict[str, Any]:
    [row] = batch_rows(7, 0, 1, {0: key})
    return {"Product": row}


def judge_row(loaded: LoadedRuleset, key: str) -> Any:
    return poisoned(loaded).program.evaluate(facts(key), as_of=AS_OF)


def judge_frame(loaded: LoadedRuleset, key: str) -> Any:
    frame = pl.DataFrame(batch_rows(7, 0, 3, {1: key}), infer_schema_length=None)
    return poisoned(loaded).program.evaluate_frame(frame, fact="Product", as_of=AS_OF)


def ends(judge: Callable[[], Any]) -> int:
    """How a process ends that judges."""
    child = os.fork()
    if child == 0:
        judge()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("judge", [judge_row, judge_frame])
def test_what_is_no_poison_is_judged_as_ever(
    loaded: LoadedRuleset, evidence: Path, judge: Callable[[LoadedRuleset, str], Any]
) -> None:
    judged = judge(loaded, "b0-000001")
    if judge is judge_row:
        assert judged == loaded.program.evaluate(facts("b0-000001"), as_of=AS_OF)
    assert poisoned(loaded).program.digest == loaded.digest
    assert read_evidence(evidence) == []


@pytest.mark.parametrize("judge", [judge_row, judge_frame])
def test_poison_raises(loaded: LoadedRuleset, evidence: Path, judge: Callable[[LoadedRuleset, str], Any]) -> None:
    with pytest.raises(PoisonError, match="poison-raise-1 raises"):
        judge(loaded, "poison-raise-1")
    assert read_evidence(evidence) == [("begin", "poison-raise-1", os.getpid())]


def test_poison_kills_its_process(loaded: LoadedRuleset, evidence: Path) -> None:
    program = poisoned(loaded).program
    assert ends(lambda: program.evaluate(facts("poison-kill-1"), as_of=AS_OF)) == -signal.SIGKILL
    [(what, key, pid)] = read_evidence(evidence)
    assert (what, key) == ("begin", "poison-kill-1")
    assert pid != os.getpid()


def test_poison_that_hangs_ignores_the_soft_limit(loaded: LoadedRuleset, evidence: Path) -> None:
    program, softly, hardly = poisoned(loaded).program, [0.05, 0.05], 0.2

    def limit(number: int, frame: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, softly.pop() if softly else hardly)
        if not softly:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        raise SoftTimeLimitExceeded

    def judge() -> None:
        signal.signal(signal.SIGALRM, limit)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        program.evaluate(facts("poison-hang-1"), as_of=AS_OF)

    assert ends(judge) == -signal.SIGALRM


def test_what_is_slow_is_judged_like_any_other(loaded: LoadedRuleset, evidence: Path) -> None:
    judged = judge_row(loaded, "slow-1")
    assert judged == loaded.program.evaluate(facts("slow-1"), as_of=AS_OF)
    assert [what for what, _, _ in read_evidence(evidence)] == ["begin", "end"]


def test_every_kind_has_a_code_of_its_own() -> None:
    own = [codes(f"poison-{kind}-1") - {"worker-lost", "worker-silent"} for kind in KINDS]
    assert own == [frozenset(), {"evaluation-failed"}, {"time-limit"}]
    assert codes("slow-1") == codes("one-000001") == codes("poison-none-1") == frozenset()
