"""What is measured, part by part, and what it has to come to.  baselines, engines, ours -> [suites] -> report

Every part checks the hits of all its contenders against the engine's first, then lets them race. A ratio is a
contender's time over the engine's: above one, the engine is faster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from bench.baselines import GroupedMasks, Masks, inlined, specialised
from bench.engines import Absent, Judge, installed
from bench.ours import by_chunk, by_record, by_row, chunks_of
from bench.timing import Contender, Goal, ReportRow, Sample, check, fitting, race
from bench.workload import Workload
from engine import Program

#: Rows that are judged at least, however small their chunks.
_ROWS = 1_000

#: How the engine is called in the tables.
RECORD = "engine, one record"
CHUNK = "engine, chunk"
#: What a chunk has to be faster than, however few rows it has.
ROW_BY_ROW = "engine, each row of the chunk by itself"
#: The shipped rules are judged in chunks of so many rows, too.
_FEW = (20, 50)
#: As fast as row by row, but for what the clock is out by.
_NOT_SLOWER = Goal(0.95, "≥ 1 x")
#: Medians of three processes, 10,000 rules and products, in turns with the build after it, of which (b) took 2.6 times.
_BEFORE = 2.1
HALF = f"the same, to be twice as fast as the build of which (b) took {_BEFORE} x"
_HALF = Goal(2 * _BEFORE, f"≥ {2 * _BEFORE:.1f} x")
A, B = "(a) one Python function", "(b) a function per category"
FASTEST = "fastest installed: "
C, D = "(c) NumPy masks", "(d) NumPy masks per category"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    products: int
    rounds: int
    #: Seconds that one contender may take in one round of single records.
    budget_s: float
    #: Rounds of the slow parts: 10,000 rules, and every compilation.
    slow_rounds: int
    #: Rules of the largest program that is compiled.
    largest: int
    #: Products of the shipped rules, and items of the chain; of the long chain half as many.
    shipped: int


FULL = Effort(products=10_000, rounds=15, budget_s=0.15, slow_rounds=3, largest=10_000, shipped=10_000)
QUICK = Effort(products=10_000, rounds=3, budget_s=0.02, slow_rounds=1, largest=2_000, shipped=2_000)


def records(
    workload: Workload, program: Program, goals: dict[str, Goal], effort: Effort, *, others: bool = False
) -> tuple[list[ReportRow], list[Absent]]:
    """One record at a time.

    Args:
        workload: rules and products.
        program: the rules, compiled.
        goals: by contender.
        effort: how much to measure.
        others: whether the installed engines take part.
    """
    facts = [{"Product": product} for product in workload.products]
    ours = by_record(program, facts)
    judges, absent = installed(workload.rules) if others else ({}, [])
    one, split = inlined(workload.rules), specialised(workload.rules)
    judges = {
        A: lambda products: [one(product) for product in products],
        B: lambda products: [split(product) for product in products],
        **judges,
    }
    contenders = [_fitted(RECORD, lambda some: by_record(program, some), facts, ours, effort)]
    contenders += [_fitted(name, judge, workload.products, ours, effort) for name, judge in judges.items()]
    samples = race(contenders, effort.rounds)
    categories = len({product["category"] for product in workload.products})
    section = f"one record, {len(workload.rules):,} rules, {categories} categories"
    rows = rows_of(section, samples, samples[RECORD], goals)
    rivals = [name for name in judges if name not in (A, B)]
    if rivals:
        fastest = min(rivals, key=lambda name: samples[name].middle)
        ratio = samples[fastest].over(samples[RECORD])
        rows.append(_row(section, f"{FASTEST}{fastest}", samples[fastest], ratio, Goal(10, "≥ 10 x")))
    return rows, absent


def twice_as_fast(rows: Sequence[ReportRow]) -> ReportRow:
    """The engine beside the build before, which is known by how many times as long as it (b) took.

    Args:
        rows: of single records and 10,000 rules.
    """
    [engine], [by_hand] = ([row for row in rows if row.name == name] for name in (RECORD, B))
    ratio = by_hand.sample.over(engine.sample)
    return ReportRow(engine.section, HALF, engine.sample, "µs", ratio, _HALF.words, _HALF.is_met(ratio.middle))


def _fitted(
    name: str, judge: Judge | Callable[[Any], Any], items: Sequence[Any], ours: Any, effort: Effort
) -> Contender:
    """A contender with as many items as it can judge in its time, its hits compared on twice as many."""
    count = fitting(judge, items, effort.budget_s)
    check(name, judge(items[: 2 * count]), ours)
    some = items[:count]
    return Contender(name, lambda: judge(some), count)


def chunks(
    workload: Workload, program: Program, sizes: Sequence[int], goals: dict[str, Goal], effort: Effort
) -> list[ReportRow]:
    """Columns in, fired rules per row out.

    Args:
        workload: rules and products.
        program: the rules, compiled.
        sizes: rows of a chunk; the goals hold for the largest, and none may be slower than single records.
        goals: by contender.
        effort: how much to measure.
    """
    facts = [{"Product": product} for product in workload.products]
    expected = by_record(program, facts)
    masks, grouped = Masks(workload.rules), GroupedMasks(workload.rules)
    rows = []
    for size in sizes:
        taken = facts if size == max(sizes) else facts[: max(_ROWS, size)]
        pieces = chunks_of(workload.frame[: len(taken)], size)
        judges: dict[str, Callable[[], list[list[str]]]] = {
            CHUNK: lambda pieces=pieces: by_chunk(program, pieces, "Product"),  # type: ignore[misc]
            RECORD: lambda taken=taken: by_record(program, taken),  # type: ignore[misc]
            C: lambda pieces=pieces: [hits for piece in pieces for hits in masks(piece)],  # type: ignore[misc]
            D: lambda pieces=pieces: [hits for piece in pieces for hits in grouped(piece)],  # type: ignore[misc]
        }
        for name, judge in judges.items():
            check(name, judge(), expected)
        samples = race(
            [Contender(name, judge, len(taken)) for name, judge in judges.items()],
            effort.rounds if len(workload.rules) <= 1_000 else effort.slow_rounds,
        )
        own = {**(goals if size == max(sizes) else {}), RECORD: Goal(1, "≥ 1 x")}
        rows += rows_of(f"chunks of {size:,} rows, {len(workload.rules):,} rules", samples, samples[CHUNK], own)
    return rows


def rows_of(section: str, samples: dict[str, Sample], own: Sample, goals: dict[str, Goal]) -> list[ReportRow]:
    """The rows of a section.

    Args:
        section: its title.
        samples: what each contender took.
        own: the one that the others are compared with.
        goals: by contender: of microseconds, where it says so, else of the ratio.
    """
    return [
        _row(section, name, sample, None if sample is own else sample.over(own), goals.get(name))
        for name, sample in samples.items()
    ]


def _row(section: str, name: str, sample: Sample, ratio: Sample | None, goal: Goal | None) -> ReportRow:
    micros = Sample(tuple(value * 1e6 for value in sample.values))
    figure = micros if goal is not None and goal.words.endswith("µs") else ratio
    met = None if goal is None or figure is None else goal.is_met(figure.middle)
    return ReportRow(section, name, micros, "µs", ratio, goal.words if goal else "", met)


def orders(
    domain: str, program: Program, taken: Sequence[dict[str, Any]], record: Goal, chunk: Goal, effort: Effort
) -> list[ReportRow]:
    """The rules of a domain of orders that ships, on the orders of the examples with their lines.

    Args:
        domain: its name.
        program: its rules.
        taken: the orders, as whole facts.
        record: what one order may take.
        chunk: what an order may take in a chunk of all of them.
        effort: how much to measure.
    """
    frame, sizes = pl.DataFrame(taken, infer_schema_length=None), (*_FEW, 200, len(taken))
    words, wanted = f"shipped {domain} rules, chunks of {{:,}} orders", (record, chunk)
    return _in_chunks(words, program, frame, taken, None, sizes, effort, wanted)


def shipped(program: Program, frame: pl.DataFrame, effort: Effort) -> list[ReportRow]:
    """The pricing rules that ship, on the products of the examples.

    Args:
        program: the rules.
        frame: the products.
        effort: how much to measure.
    """
    facts = [{"Product": row} for row in frame.iter_rows(named=True)]
    sizes = (*_FEW, 200, _ROWS, len(facts))
    words = "shipped pricing rules, chunks of {:,} products"
    return _in_chunks(words, program, frame, facts, "Product", sizes, effort)


def _in_chunks(
    words: str,
    program: Program,
    frame: pl.DataFrame,
    facts: Sequence[dict[str, Any]],
    fact: str | None,
    sizes: Sequence[int],
    effort: Effort,
    wanted: tuple[Goal, Goal] | None = None,
) -> list[ReportRow]:
    """A frame in chunks of several sizes, its rows by themselves, and single records.

    Args:
        words: of the sections, with a place for the size.
        program: the rules.
        frame: one row per record.
        facts: the same as records.
        fact: whose fields the columns are; None: each is a whole fact.
        sizes: rows of a chunk.
        effort: how much to measure.
        wanted: of a record, and of a row of the longest chunk; default: nothing.
    """
    expected = by_record(program, facts)
    rows = []
    for size in sizes:
        taken = facts[: max(_ROWS, size)]
        pieces = chunks_of(frame[: len(taken)], size)
        judges: dict[str, Callable[[], list[list[str]]]] = {
            CHUNK: lambda pieces=pieces: by_chunk(program, pieces, fact),  # type: ignore[misc]
            ROW_BY_ROW: lambda pieces=pieces: by_row(program, pieces, fact),  # type: ignore[misc]
            RECORD: lambda taken=taken: by_record(program, taken),  # type: ignore[misc]
        }
        for name, judge in judges.items():
            check(name, judge(), expected)
        contenders = [Contender(name, judge, len(taken)) for name, judge in judges.items()]
        samples = race(contenders, effort.slow_rounds)
        goals = {ROW_BY_ROW: _NOT_SLOWER} | ({} if size in _FEW else {RECORD: Goal(1, "≥ 1 x")})
        if wanted is not None and size == sizes[0]:
            goals[RECORD] = wanted[0]
        if wanted is not None and size == sizes[-1]:
            goals[CHUNK] = wanted[1]
        rows += rows_of(words.format(size), samples, samples[CHUNK], goals)
    return rows
