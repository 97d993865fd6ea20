"""What was measured, as rows of the table, each beside what is wanted.  measures, nightly … -> [targets] -> report

Ratios are taken turn by turn. A rate's ratio is how many times as fast, a time's how many times as long."""

from collections.abc import Callable, Mapping, Sequence

from bench.farm.broker_loss import Recovery
from bench.farm.celery_queues import EmptyCelery
from bench.farm.killing import Killed
from bench.farm.measures import Turn
from bench.farm.nightly import Night
from bench.farm.rulefarm_farm import Rulefarm
from bench.timing import Goal, ReportRow, Sample

#: Turns by the name of the queue.
Turns = Mapping[str, Sequence[Turn]]

#: Whose figures the others are compared with, and the peer that shows a row soonest and takes many jobs fastest.
EMPTY, PGQUEUER = EmptyCelery.name, "pgqueuer"
OURS = Rulefarm.name
#: Who is no peer: ours, what stores nothing, what is no queue.
_NO_PEERS = (OURS, EMPTY, "a loop: claim 200, COPY")

_ANSWER_50 = Goal(1.6, "≤ 1.6 x", is_least=False)
_ANSWER_99 = Goal(2, "≤ 2 x", is_least=False)
_ROW = Goal(1, "≤ 1 x", is_least=False)
_SUBMIT = Goal(2, "≤ 2 x", is_least=False)
_MANY = Goal(16_000, "≥ 16,000 jobs/s")
_RATE = Goal(8, "≥ 8 x")
_BEST = Goal(2, "≥ 2 x")
_NIGHT = Goal(1.8, "≤ 1.8 x", is_least=False)
_RECOVERY = Goal(60, "≤ 60 s", is_least=False)


def rows_of(turns: Turns) -> list[ReportRow]:
    """The table of the queues.

    Args:
        turns: of each; all have as many.
    """
    answer = _collected(turns, lambda turn: turn.answer_s and turn.answer_s[0] * 1e3)
    worst = _collected(turns, lambda turn: turn.answer_s and turn.answer_s[1] * 1e3)
    row = _collected(turns, lambda turn: turn.row_s and turn.row_s[0] * 1e3)
    late = _collected(turns, lambda turn: turn.row_s and turn.row_s[1] * 1e3)
    submit = _collected(turns, lambda turn: turn.submit_s * 1e3)
    many = _collected(turns, lambda turn: turn.many_rate)
    rate = _collected(turns, lambda turn: turn.rate)
    cpu = _collected(turns, lambda turn: turn.cpu_s * 1e3)
    memory = _collected(turns, lambda turn: turn.child_bytes / 2**20 if turn.child_bytes else None)
    x_empty, x_pgqueuer = f"x {EMPTY}", f"x {PGQUEUER}"
    return [
        *_section(f"one order at idle, from submit to its answer, median ({x_empty})", answer, "ms", EMPTY, _ANSWER_50),
        *_section(f"the same, 99 of 100 ({x_empty})", worst, "ms", EMPTY, _ANSWER_99),
        *_section(f"one order at idle, until its row is seen, median ({x_pgqueuer})", row, "ms", PGQUEUER, _ROW),
        *_section(f"the same, 99 of 100 ({x_pgqueuer})", late, "ms", PGQUEUER),
        *_section(f"submit, one job ({x_empty})", submit, "ms", EMPTY, _SUBMIT),
        *_section(f"submit_many ({x_pgqueuer})", many, "jobs/s", PGQUEUER, _MANY, absolute=True),
        *_section(f"single jobs with a backlog, two processes ({x_empty})", rate, "jobs/s", EMPTY, _RATE),
        *_best(rate),
        *_section(f"CPU of the workers for a job ({x_empty})", cpu, "ms", EMPTY),
        *_section("resident memory of a worker's process after the backlog", memory, "MB", ""),
    ]


def _collected(turns: Turns, figure: Callable[[Turn], float | None]) -> dict[str, Sample]:
    """A figure of all queues that have it."""
    found = {name: [figure(turn) for turn in each] for name, each in turns.items()}
    return {
        name: Sample(tuple(value for value in values if value is not None))
        for name, values in found.items()
        if None not in values
    }


def _section(
    title: str, samples: Mapping[str, Sample], unit: str, against: str, goal: Goal | None = None, absolute: bool = False
) -> list[ReportRow]:
    base = samples.get(against)
    rows = []
    for name, sample in samples.items():
        ratio = None if base is None or name == against else sample.over(base)
        wanted = goal if name == OURS else None
        figure = sample if absolute else ratio
        met = None if wanted is None or figure is None else wanted.is_met(figure.middle)
        rows.append(ReportRow(title, name, sample, unit, ratio, wanted.words if wanted else "", met))
    return rows


def _best(rate: Mapping[str, Sample]) -> list[ReportRow]:
    """The farm's rate over that of the fastest peer."""
    others = [name for name in rate if name not in _NO_PEERS]
    if not others:
        return []
    best = max(others, key=lambda name: rate[name].middle)
    ratio = rate[OURS].over(rate[best])
    title = "single jobs with a backlog, beside the best peer (x that peer)"
    return [
        ReportRow(title, f"{OURS}, to {best}", rate[OURS], "jobs/s", ratio, _BEST.words, _BEST.is_met(ratio.middle))
    ]


def rows_of_nights(nights: Sequence[Night], title: str) -> list[ReportRow]:
    """The table of the nightly batch.

    Args:
        nights: one a turn.
        title: with how many products and rules.
    """
    batch = Sample(tuple(night.batch_s * 1e3 for night in nights))
    least = Sample(tuple(night.least_s * 1e3 for night in nights))
    columns = Sample(tuple(night.columns_s * 1e3 for night in nights))
    copy = Sample(tuple(night.copy_s * 1e3 for night in nights))
    ratio = batch.over(least)
    return [
        ReportRow(title, f"{OURS}, to the last verdict", batch, "ms", ratio, _NIGHT.words, _NIGHT.is_met(ratio.middle)),
        ReportRow(title, "columnar pass and COPY", least, "ms"),
        ReportRow(title, "  columnar pass, one process", columns, "ms"),
        ReportRow(title, "  COPY of the same rows", copy, "ms"),
    ]


def rows_of_recovery(found: Recovery) -> list[ReportRow]:
    """The table of what follows the loss of a broker."""
    title = f"{found.jobs:,} open jobs after the broker lost everything, four processes"
    seconds = Sample((found.seconds,))
    return [
        ReportRow(title, OURS, seconds, "s", None, _RECOVERY.words, _RECOVERY.is_met(found.seconds)),
        ReportRow(title, "  messages that waited at most", Sample((found.messages,)), ""),
    ]


def rows_of_killed(deaths: Sequence[Killed]) -> list[ReportRow]:
    """The table of the workers that were killed.

    Args:
        deaths: one a queue.
    """
    rows = []
    for death in deaths:
        title = f"{death.jobs:,} jobs, the workers killed at 40 % and started again: seconds to the last row"
        name = f"{death.name}: {death.lost:,} lost, {death.doubled:,} doubled"
        wanted = ("0 lost, 0 doubled", death.lost == death.doubled == 0) if death.name == OURS else ("", None)
        rows.append(ReportRow(title, name, Sample((death.seconds,)), "s", None, *wanted))
    return rows
