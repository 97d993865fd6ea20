"""Why the engine missed a target, in the figures of the run.  rows of the table -> [engine_reasons] -> __main__

Each target has one reason that can keep it from being met by code as it is; what the machine did besides is seen by
those who write by hand: they took so much longer than where the target was set."""

from collections.abc import Sequence

from bench.chain_suite import ANSWERS, RECORD_BACK
from bench.suites import CHUNK, RECORD, ROW_BY_ROW, A, B, C, D
from bench.timing import ReportRow

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
    RECORD_BACK: "each rule is asked when its turn comes, and again when what it reads is set",
    ANSWERS: "a list of names and a dict of changes are made for each row, which is most of what is beyond the pass",
    CHUNK: "the lines of all orders are read and checked, one by one in their columns, before any rule is asked",
    "parse, time per rule": "each size is compiled in a process of its own: what else ran then falls on one of them",
    "index, time per rule": "each size is compiled in a process of its own: what else ran then falls on one of them",
}


def reasons(rows: Sequence[ReportRow]) -> list[str]:
    """Why targets were missed, a line for each name.

    Args:
        rows: the whole table.
    """
    missed = [row for row in rows if row.met is False]
    lines = [f"  why, {name}: {_WORDS[name]}" for name in dict.fromkeys(row.name for row in missed) if name in _WORDS]
    by_hand = next((row.sample.middle for row in rows if (row.section, row.name) == (_CHAIN, B)), None)
    if by_hand is not None and any(row.target.endswith("µs") for row in missed):
        then = f"{_BY_HAND_THEN} µs where these targets were set"
        slower = f"this machine is {by_hand / _BY_HAND_THEN:.1f} x as slow, with what else it did"
        lines.append(f"  why, microseconds: {B} took {by_hand:.2f} µs of the chain, and {then}: {slower}")
    return lines
