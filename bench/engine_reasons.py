"""Why the engine missed a target, in the figures of the run.  rows of the table -> [engine_reasons] -> __main__

Each row that has a target has a reason that can keep it from being met by code as it is, told in what the rows beside
it came to: how much of the time, or memory, went where. What the machine did besides is seen by those who write by
hand: they took so much longer than where the target was set."""

import re
from collections.abc import Callable, Iterator, Sequence

from bench.chain_suite import ANSWERS, RECORD_BACK
from bench.chained_networks import DROOLS
from bench.compile_suite import BEFORE_RULES, GROWTH, HELD, INDEX, OF_A, PARSE, PEAK, TABLE, WHOLE
from bench.suites import CHUNK, FASTEST, HALF, RECORD, ROW_BY_ROW, A, B, C, D
from bench.timing import ReportRow
from bench.worker_start import CPU, FIRST, IMPORTS

#: What (b) took of the chain where the targets in microseconds were set.
_BY_HAND_THEN = 0.75
_CHAIN = "chained, 60 rules"
#: Of the title of a section: how many rows its chunks have.
_SIZE = re.compile(r"chunks of [\d,]+ ")


def reasons(rows: Sequence[ReportRow]) -> list[str]:
    """Why targets were missed, a line for each.

    Args:
        rows: the whole table.
    """
    missed = [row for row in rows if row.met is False]
    lines = [f"  why, {row.section}, {row.name}: {_FIGURES[_kind(row)](row, rows)}" for row in missed]
    by_hand = next((row.sample.middle for row in rows if (row.section, row.name) == (_CHAIN, B)), None)
    if by_hand is not None and any(row.target.endswith("µs") for row in missed):
        then = f"{_BY_HAND_THEN} µs where these targets were set"
        slower = f"this machine is {by_hand / _BY_HAND_THEN:.1f} x as slow, with what else it did"
        lines.append(f"  why, microseconds: {B} took {by_hand:.2f} µs of the chain, and {then}: {slower}")
    return lines


def _kind(row: ReportRow) -> str:
    """What the row is about, without the name of an engine, or a step of compiling, in it."""
    return next((word for word in (FASTEST, GROWTH) if word in row.name), row.name)


def _beside(row: ReportRow, rows: Sequence[ReportRow], name: str) -> float:
    """The figure of another row of its section."""
    return next(other.sample.middle for other in rows if (other.section, other.name) == (row.section, name))


def _sizes(row: ReportRow, rows: Sequence[ReportRow]) -> Iterator[ReportRow]:
    """The chunks of the same rules, whatever their size."""
    title = _SIZE.sub("", row.section)
    return (other for other in rows if other.name == CHUNK and _SIZE.sub("", other.section) == title)


def _of_plain_python(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    engine = _beside(row, rows, RECORD)
    return (
        f"made for these rules alone it takes {row.sample.middle:.1f} µs: floats, no null, and no field is checked; the"
        f" engine's {engine:.1f} µs begin with twelve numbers that are held against the schema, and end with reasons"
    )


def _of_the_fastest(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    engine = _beside(row, rows, RECORD)
    return f"of all that are installed it comes nearest: {row.sample.middle:.1f} µs where the engine takes {engine:.1f}"


def _of_masks(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    engine = _beside(row, rows, CHUNK)
    asked = "only of its category" if row.name == D else "of all rows"
    return (
        f"a mask a rule, {asked}, costs the less the more rows there are: {row.sample.middle:.2f} µs a row;"
        f" the engine's {engine:.2f} hold the check of each field too"
    )


def _of_single_records(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    if row.section.startswith("chained"):
        by_hand = _beside(row, rows, B)
        return f"written by hand for these rules alone, and with no field checked, it takes {by_hand:.2f} µs beside it"
    least = min(_sizes(row, rows), key=lambda other: other.sample.middle)
    if row.target.endswith("µs"):
        return f"in {least.section} it takes {least.sample.middle:.1f} µs; here each line is looked at by itself"
    chunk = _beside(row, rows, CHUNK)
    figures = f"a row of the chunk takes {chunk:.2f} µs, by itself {row.sample.middle:.2f}"
    if least.section == row.section:
        return f"{figures}; in no other size of chunk it takes less"
    return (
        f"{figures}; in {least.section} {least.sample.middle:.2f}: what is done once a chunk has fewer rows to share it"
    )


def _of_row_by_row(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    chunk = _beside(row, rows, CHUNK)
    chosen = "columns or rows are chosen by the size of a frame alone, by what either took when it was measured"
    return f"{chunk:.1f} µs a row as the engine chose, {row.sample.middle:.1f} row by row: {chosen}"


def _of_drools(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    by_hand, share = _beside(row, rows, B), "its steps are events whose values Python computed"
    return f"{share}, so that a part of its {row.sample.middle:.1f} µs is as fast as by hand, which takes {by_hand:.2f}"


def _of_rules(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    compiler = row.sample.middle / (row.ratio.middle if row.ratio else 1)
    parse, index = (_beside(row, rows, name) / compiler for name in (PARSE, INDEX))
    return (
        f"to read and check takes {parse:.1f} x as long as Python's own compiler, which is C, the index {index:.1f} x"
    )


def _of_a_step(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    return (
        f"it takes {row.sample.middle:.0f} ms where Python's own compiler takes {_beside(row, rows, OF_A):.0f} of (a)"
    )


def _of_growth(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    spread = f"{row.sample.low:.2f} to {row.sample.high:.2f} x as long a rule"
    return f"{spread}; each size is compiled in a process of its own: what else ran then falls on one of them"


def _of_memory(row: ReportRow, rows: Sequence[ReportRow]) -> str:
    [rules] = re.findall(r"[\d,]+(?= rules)", row.section)
    each = row.sample.middle * 1e3 / int(rules.replace(",", ""))
    return f"a rule takes {each:.1f} kB: the nodes that it was read into, its conjunctions, its share of the tables"


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
    more = (
        "what is more is for the rules that hold, ten times as many, and for looking a value up among ten times as many"
    )
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
_FIGURES: dict[str, Callable[[ReportRow, Sequence[ReportRow]], str]] = {
    A: _of_plain_python,
    B: _of_plain_python,
    FASTEST: _of_the_fastest,
    C: _of_masks,
    D: _of_masks,
    RECORD: _of_single_records,
    RECORD_BACK: _of_rules_that_lead_back,
    HALF: _of_a_record,
    CHUNK: _of_orders,
    ROW_BY_ROW: _of_row_by_row,
    ANSWERS: _of_answers,
    DROOLS: _of_drools,
    WHOLE: _of_rules,
    PARSE: _of_a_step,
    INDEX: _of_a_step,
    GROWTH: _of_growth,
    HELD: _of_memory,
    TABLE: _of_a_table,
    PEAK: _of_a_process,
    FIRST: _of_a_start,
}
