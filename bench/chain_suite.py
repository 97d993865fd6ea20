"""Rules that feed each other, beside Python by hand and engines that chain.  chained -> [chain_suite] -> report

Every contender's rules and values are compared with those of Python by hand first."""

from collections.abc import Sequence
from typing import Any

from bench import chained
from bench.chained_networks import DROOLS, Judge, installed
from bench.engines import Absent
from bench.ours import AS_OF, answers_by_chunk, by_chunk, by_record
from bench.suites import CHUNK, RECORD, A, B, Effort, rows_of
from bench.timing import Contender, Goal, ReportRow, check, fitting, race
from engine import compile_ruleset

#: With rules that could set what those before them read.
RECORD_BACK = "engine, one record, rules that lead back"
#: With outcome, reasons and changes of each row; else only the fired rules are asked for.
ANSWERS = "engine, chunk, all answers"

_GOALS = {
    RECORD: Goal(4, "≤ 4 µs", is_least=False),
    RECORD_BACK: Goal(8, "≤ 8 µs", is_least=False),
    ANSWERS: Goal(2.8, "≤ 2.8 µs", is_least=False),
    DROOLS: Goal(3, "≥ 3 x"),
}
#: Of the rules of many categories.
_LONG = Goal(16, "≤ 16 µs", is_least=False)


def chain(effort: Effort) -> tuple[list[ReportRow], list[Absent]]:
    """Sixty rules that feed each other, and ten thousand, or a thousand."""
    program = compile_ruleset({"chain.grl": chained.grl()}, chained.schema())
    leading_back = compile_ruleset({"chain.grl": chained.grl(leading_back=True)}, chained.schema())
    items = chained.make_items(effort.shipped)
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
    check(ANSWERS, [chained.comparable(fired, changes) for _, fired, _, changes in answers], expected)
    others, absent = installed()
    samples = race(
        [
            Contender(RECORD, lambda: by_record(program, facts), len(items)),
            Contender(RECORD_BACK, lambda: by_record(leading_back, facts), len(items)),
            Contender(A, lambda: [one(item) for item in items], len(items)),
            Contender(B, lambda: [split(item) for item in items], len(items)),
            Contender(CHUNK, lambda: by_chunk(program, [frame], "Item"), len(items)),
            Contender(ANSWERS, lambda: answers_by_chunk(program, [frame], "Item"), len(items)),
            *(_fitted(name, judge, items, expected, effort) for name, judge in others.items()),
        ],
        effort.rounds,
    )
    rows = rows_of("chained, 60 rules", samples, samples[RECORD], _GOALS)
    return rows + _long_chain(effort), absent


def _fitted(name: str, judge: Judge, items: Sequence[Any], expected: Sequence[object], effort: Effort) -> Contender:
    """A contender with as many items as it can judge in its time, what it finds compared on twice as many."""
    count = fitting(judge, items, effort.budget_s)
    check(name, [chained.comparable(*each) for each in judge(items[: 2 * count])], expected)
    return Contender(name, lambda: judge(items[:count]), count)


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
    return rows_of(f"chained, {6 * len(names):,} rules", samples, samples[RECORD], {RECORD: _LONG})
