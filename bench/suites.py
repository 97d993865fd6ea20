"""What is measured, part by part, and what it has to come to.  baselines, engines, ours -> [suites] -> report

Every part checks the hits of all its contenders against the engine's first, then lets them race. A ratio is a
contender's time over the engine's: above one, the engine is faster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from bench import chained
from bench.baselines import GroupedMasks, Masks, inlined, specialised
from bench.engines import Absent, Judge, installed
from bench.ours import AS_OF, answers_by_chunk, by_chunk, by_record, by_row, chunks_of
from bench.timing import Contender, Goal, ReportRow, Sample, check, fitting, race
from bench.workload import Workload
from engine import Program, compile_ruleset

#: Rows that are judged at least, however small their chunks.
_ROWS = 1_000

#: How the engine is called in the tables.
RECORD = "engine, one record"
CHUNK = "engine, chunk"
#: With outcome, reasons and changes of each row; else only the fired rules are asked for.
ANSWERS = "engine, chunk, all answers"
#: What a chunk has to be faster than, however few rows it has.
ROW_BY_ROW = "engine, each row of the chunk by itself"
#: The shipped rules are judged in chunks of so many rows, too.
_FEW = (20, 50)
#: As fast as row by row, but for what the clock is out by.
_NOT_SLOWER = Goal(0.95, "≥ 1 x")
#: The same with rules that could set what those before them read.
RECORD_BACK = "engine, one record, rules that lead back"
A, B = "(a) one Python function", "(b) a function per category"
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
    #: Products of the shipped rules, and twice as many as there are items of the chain.
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
    rows = _rows(section, samples, samples[RECORD], goals)
    rivals = [name for name in judges if name not in (A, B)]
    if rivals:
        fastest = min(rivals, key=lambda name: samples[name].middle)
        ratio = samples[fastest].over(samples[RECORD])
        rows.append(_row(section, f"fastest installed: {fastest}", samples[fastest], ratio, Goal(10, "≥ 10 x")))
    return rows, absent


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
        rows += _rows(f"chunks of {size:,} rows, {len(workload.rules):,} rules", samples, samples[CHUNK], own)
    return rows


def chain(effort: Effort) -> list[ReportRow]:
    """Sixty rules that feed each other, and ten thousand, or a thousand."""
    program = compile_ruleset({"chain.grl": chained.grl()}, chained.schema())
    leading_back = compile_ruleset({"chain.grl": chained.grl(leading_back=True)}, chained.schema())
    items = chained.make_items(effort.shipped // 2)
    frame = chained.frame(items)
    facts = [{"Item": item} for item in items]
    one, split = chained.inlined(), chained.specialised()
    expected = [chained.comparable(*one(item)) for item in items]
    check(B, [chained.comparable(*split(item)) for item in items], expected)
    evaluations = [program.evaluate(each, as_of=AS_OF) for each in facts]
    check(RECORD, [chained.comparable(one.fired, one.changes) for one in evaluations], expected)
    looping = [leading_back.evaluate(each, as_of=AS_OF) for each in facts]
    check(RECORD_BACK, [chained.comparable(one.fired, one.changes) for one in looping], expected)
    answers = answers_by_chunk(program, [frame], "Item")
    check(CHUNK, [chained.comparable(fired, changes) for _, fired, _, changes in answers], expected)
    samples = race(
        [
            Contender(RECORD, lambda: by_record(program, facts), len(items)),
            Contender(RECORD_BACK, lambda: by_record(leading_back, facts), len(items)),
            Contender(A, lambda: [one(item) for item in items], len(items)),
            Contender(B, lambda: [split(item) for item in items], len(items)),
            Contender(CHUNK, lambda: by_chunk(program, [frame], "Item"), len(items)),
            Contender(ANSWERS, lambda: answers_by_chunk(program, [frame], "Item"), len(items)),
        ],
        effort.rounds,
    )
    rows = _rows("chained, 60 rules", samples, samples[RECORD], {})
    return rows + _long_chain(effort)


def _long_chain(effort: Effort) -> list[ReportRow]:
    """Many categories of six rules that feed each other."""
    names = chained.categories(effort.largest // 6 + 4)
    program = compile_ruleset({"chain.grl": chained.grl(names)}, chained.schema())
    items = chained.make_items(effort.shipped // 2, among=names)
    facts, split = [{"Item": item} for item in items], chained.specialised(names)
    evaluations = [program.evaluate(each, as_of=AS_OF) for each in facts]
    judged = [chained.comparable(*split(item)) for item in items]
    check(RECORD, [chained.comparable(one.fired, one.changes) for one in evaluations], judged)
    contenders = [
        Contender(RECORD, lambda: by_record(program, facts), len(items)),
        Contender(B, lambda: [split(item) for item in items], len(items)),
    ]
    samples = race(contenders, effort.rounds)
    return _rows(f"chained, {6 * len(names):,} rules", samples, samples[RECORD], {})


def _rows(section: str, samples: dict[str, Sample], own: Sample, goals: dict[str, Goal]) -> list[ReportRow]:
    return [
        _row(section, name, sample, None if sample is own else sample.over(own), goals.get(name))
        for name, sample in samples.items()
    ]


def _row(section: str, name: str, sample: Sample, ratio: Sample | None, goal: Goal | None) -> ReportRow:
    met = None if goal is None or ratio is None else goal.is_met(ratio.middle)
    micros = Sample(tuple(value * 1e6 for value in sample.values))
    return ReportRow(section, name, micros, "µs", ratio, goal.words if goal else "", met)


def orders(domain: str, program: Program, taken: Sequence[dict[str, Any]], effort: Effort) -> list[ReportRow]:
    """The rules of a domain of orders that ships, on the orders of the examples with their lines.

    Args:
        domain: its name.
        program: its rules.
        taken: the orders, as whole facts.
        effort: how much to measure.
    """
    frame, sizes = pl.DataFrame(taken, infer_schema_length=None), (*_FEW, 200, len(taken))
    return _in_chunks(f"shipped {domain} rules, chunks of {{:,}} orders", program, frame, taken, None, sizes, effort)


def shipped(program: Program, frame: Any, effort: Effort) -> list[ReportRow]:
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
        rows += _rows(words.format(size), samples, samples[CHUNK], goals)
    return rows
