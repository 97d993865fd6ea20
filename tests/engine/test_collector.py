"""The collector is off while a ruleset is compiled, and afterwards as it was."""

import gc
import os
import threading

import pytest

from engine import RulesetRejected, compile_ruleset
from engine.collector import forget_blocks, no_collector

RULE = 'rule R { when P.price < 1 then P.price = P.price + 1; Reject("cheap"); }'


def test_nothing_is_collected_while_a_ruleset_is_compiled() -> None:
    collected: list[str] = []

    def note(phase: str, info: object) -> None:
        collected.append(phase)

    gc.collect()
    gc.callbacks.append(note)
    try:
        # Left to itself the collector comes after every 700 objects, a hundred times.
        compile_ruleset({"a.grl": "\n".join(RULE.replace("rule R", f"rule R{i}") for i in range(200))})
    finally:
        gc.callbacks.remove(note)
    # Once it is on again, it may come once for each of its three generations.
    assert collected.count("start") <= 3


@pytest.mark.parametrize("text", [RULE, "rule R {"])
@pytest.mark.parametrize("is_on", [True, False])
def test_afterwards_it_is_as_it_was(text: str, is_on: bool) -> None:
    (gc.enable if is_on else gc.disable)()
    try:
        try:
            compile_ruleset({"a.grl": text})
        except RulesetRejected:
            assert text != RULE
        assert gc.isenabled() is is_on
    finally:
        gc.enable()


def test_blocks_within_each_other_and_side_by_side_end_with_the_last() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with no_collector():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with no_collector():
        thread.start()
        assert entered.wait(60)
        with no_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert not gc.isenabled()
    leave.set()
    thread.join(60)
    assert gc.isenabled()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_is_forked_while_another_thread_compiles_collects_as_before() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with no_collector():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(60)
    child = os.fork()
    if child == 0:
        forget_blocks()
        was_on = gc.isenabled()
        with no_collector():
            is_off = not gc.isenabled()
        os._exit(0 if was_on and is_off and gc.isenabled() else 1)
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert gc.isenabled()
