"""A program is gone when nobody judges by it any more: a process that takes what is published, again and again, needs
no walk through all its memory for that."""

import gc
import weakref

import polars as pl
import pytest

from engine import Program, explain
from rulesets.cases import Case, read_cases
from rulesets.loader import SHIPPED, available_domains
from rulesets.recorded import compile_recorded
from tests.shipped import shipped

#: Rows of which columns are made, and of which none are.
MANY, FEW = 300, 8


def judge(program: Program, cases: list[Case]) -> None:
    """Have it make whatever it leaves until it is asked."""
    program.warm_up()
    assert program.reads
    for case in cases:
        program.evaluate(case.facts, as_of=case.as_of)
        program.in_force(case.as_of)
    case = cases[0]
    explain(program, case.facts, as_of=case.as_of)
    for rows in (MANY, FEW):
        frame = pl.DataFrame([case.facts] * rows, infer_schema_length=None)
        assert len(program.evaluate_frame(frame, fact=None, as_of=case.as_of).outcome) == rows


@pytest.mark.parametrize("domain", available_domains(SHIPPED))
def test_the_collector_has_nothing_to_do_when_a_program_goes(domain: str) -> None:
    loaded = shipped()[domain]
    program = compile_recorded(loaded.sources)
    judge(program, read_cases(loaded))
    # What reading and judging leave behind is none of the program.
    gc.collect()
    itself, rule = weakref.ref(program), weakref.ref(program.compiled.agenda.rules[0])
    gc.disable()
    try:
        del program
        assert (itself(), rule()) == (None, None)
        assert gc.collect() == 0
    finally:
        gc.enable()
