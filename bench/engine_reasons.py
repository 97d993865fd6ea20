"""Why the engine missed a target, in the figures of the run.  rows of the table -> [engine_reasons] -> __main__

Each target has one reason that can keep it from being met by code as it is; of some the rows beside it tell how much of
the time, or memory, went where. What the machine did besides is seen by those who write by hand: they took so much
longer than where the target was set."""

from collections.abc import Sequence

from bench.chain_suite import ANSWERS, RECORD_BACK
from bench.chained_networks import DROOLS
from bench.compile_suite import BEFORE_RULES, INDEX, PARSE, PEAK, TABLE, WHOLE
from bench.suites import CHUNK, HALF, RECORD, ROW_BY_ROW, A, B, C, D
from bench.timing import ReportRow
from bench.worker_start import CPU, FIRST, IMPORTS

#: What (b) took of the chain where the targets in microseconds were set.
_BY_HAND_THEN = 0.75
_CHAIN = "chained, 60 rules"

_WORDS = {
    A: "it checks nothing that it reads: the engine first holds twelve numbers against the schema, as decimals",
    B: "it is made for these rules alone: floats, no null, nothing but names, and no field is checked",
    C: "a mask a rule costs the less the more rows there are; the engine gives outcome and reasons too",
    D: "as (c), and only the rules of a category are asked",
    RECORD: "to read and check the facts is all but constant; a chunk has steps that cost the same for few rows",
    ROW_BY_ROW: "columns or rows are chosen by the size of a frame alone, by what either took when it was measured",
    DROOLS: "each step is an event whose value Python computed, so that part of its time is as fast as it is by hand",
    "parse, time per rule": "each size is compiled in a process of its own: what else ran then falls on one of them",
    "index, time per rule": "each size is compiled in a process of its own: what else ran then falls on one of them",
}


def reasons(rows: Sequence[ReportRow]) -> list[str]:
    """Why targets were missed, a line for each name; for each row, where figures beside it tell.

    Args:
        rows: the whole table.
    """
    missed = [row for row in rows if row.met is False]
    lines = [f"  why, {name}: {_WORDS[name]}" for name in dict.fromkeys(row.name for row in missed) if name in _WORDS]
    lines += [
        f"  why, {row.section}, {row.name}: {_FIGURES[row.name](row, rows)}" for row in missed if row.name in _FIGURES
    ]
    by_hand = next((row.sample.middle for row in rows if (row.section, row.name) == (_CHAIN, B)), None)
    if by_hand is not None and any(row.target.endswith("µs") for row in missed):
        then = f"{_BY_HAND_THEN} µs where these targets were set"
        slower = f"this machine is {by_hand / _BY_HAND_THEN:.1f} x as slow, with what else it did"
        lines.append(f"  why, microseconds: {B} took {by_hand:.2f} µs of the chain, and {then}: {slower}")
    return lines


def _beside(row: ReportRow, rows: Sequence[ReportRow], name: str) -> float:
    """The figure of another row of its section."""
    return next(other.sample.middle for other in rows if (other.section, other.name) == (row.section, name))


def _of_rules(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    compiler = row.sample.middle / (row.ratio.middle if row.ratio else 1)
    parse, index = (_beside(row, rows, name) / compiler for name in (PARSE, INDEX))
    return (
        f"to read and check takes {parse:.1f} x as long as Python's own compiler, which is C, the index {index:.1f} x"
    )


def _of_a_table(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    parse, index = (_beside(row, rows, name) for name in (PARSE, INDEX))
    return f"{parse:.0f} ms are its cells, each read and checked as a condition of its own, {index:.0f} ms the index"


def _of_a_process(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    before = _beside(row, rows, BEFORE_RULES)
    rest = "the rest is what the rules are read into, judged by and say"
    return f"{before:.0f} MB are there before any rule is read, interpreter, libraries and text; {rest}"


def _of_a_start(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    imports, cpu = _beside(row, rows, IMPORTS), _beside(row, rows, CPU)
    return (
        f"a process that only imports the same takes {imports:.2f} s; until then its processes took {cpu:.2f} s of CPU"
    )


def _of_a_record(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    few = next(other for other in rows if other.name == RECORD)
    more = "what is more is for the rules that hold, ten times as many, and for tables that no cache holds"
    return f"{few.section}: {few.sample.middle:.1f} µs; {more}"


def _of_answers(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    names = _beside(row, rows, CHUNK)
    return f"{names:.2f} µs of it are the pass and the names; the rest makes reasons and a dict of changes for each row"


def _of_rules_that_lead_back(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    forward = _beside(row, rows, RECORD)
    return f"without them {forward:.2f} µs; here each rule is asked in its turn, and again when what it reads is set"


def _of_orders(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    record = _beside(row, rows, RECORD)
    return f"by itself an order takes {record:.1f} µs; in columns all lines are checked before any rule is asked"


#: What is told of a row by those beside it.
_FIGURES = {
    ANSWERS: _of_answers,
    RECORD_BACK: _of_rules_that_lead_back,
    CHUNK: _of_orders,
    WHOLE: _of_rules,
    TABLE: _of_a_table,
    PEAK: _of_a_process,
    FIRST: _of_a_start,
    HALF: _of_a_record,
}
