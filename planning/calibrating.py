"""What work costs on this machine, in about a minute.  trial_farm, generated_rules -> [calibrating] -> calibration

The engine is timed by itself, then a farm: jobs one after the other, a backlog that is drained in groups, a batch. What
judging takes is taken off, so that the rest holds for any number of rules. Compares with nothing: that is `trials`."""

import os
import platform
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from engine import compile_ruleset
from planning.calibration import Calibration
from planning.generated_rules import products, rules_text
from planning.trial_farm import BATCH_DOMAIN, DOMAIN, WIDTH, TrialFarm, Used, orders
from rulefarm.routing import BACKLOG
from rulesets.loader import SHIPPED, load_domain
from workers.drill.subjects import AS_OF, product

#: Told what is being measured.
OnStep = Callable[[str], None]
#: Rules of two rulesets, from which the cost of a rule follows; records and rows that are judged by each.
_FEW, _MANY = 100, 1_000
_PASSES = 3
#: Jobs first, that are not measured; seconds that one may take.
_FIRST, _PATIENCE_S = 10, 120.0


@dataclass(frozen=True, slots=True)
class Pains:
    """How much is measured."""

    #: Records and rows that are judged by each ruleset.
    records: int = 400
    rows: int = 10_000
    #: Jobs one after the other; of a backlog; rows of a batch.
    alone: int = 80
    backlog: int = 2_000
    batch: int = 5_000
    #: Messages that wait, to see how long one takes; no more than a queue gets.
    messages: int = BACKLOG - 10


#: What takes a minute.
WHOLE = Pains()


def calibrate(farm: TrialFarm, on_step: OnStep = lambda step: None, pains: Pains = WHOLE) -> Calibration:
    """Measure everything.

    Args:
        farm: that was just started.
        on_step: told what is being measured; default: nothing.
        pains: how much is measured; default: what takes a minute.

    Raises:
        TrialFailed: jobs are not judged.
    """
    on_step("the engine")
    few, many = _judging(_FEW, pains), _judging(_MANY, pains)
    record_rule_s, row_rule_s = (max(0.0, (b - a) / (_MANY - _FEW)) for a, b in zip(few, many, strict=True))
    record_s, row_s = (max(0.0, a - _FEW * b) for a, b in zip(few, (record_rule_s, row_rule_s), strict=True))
    judging_s = _judging_orders(pains.records)
    for pair in orders("first", _FIRST):
        farm.farm.evaluate(DOMAIN, pair[1], key=pair[0], timeout=_PATIENCE_S)
    on_step("jobs one after the other")
    submit, alone, waits = _alone(farm, pains.alone)
    messages = messages_used(farm, "each", pains.messages)
    on_step("a backlog")
    drained, submitted, message_bytes, broker_bytes, job_bytes, verdict_bytes = _backlog(farm, pains.backlog)
    on_step("a batch")
    batch, row_bytes = _batch(farm, pains.batch)
    main_bytes, process_bytes = farm.memory()
    alone_s = max(0.0, alone.worker_s / pains.alone - judging_s)
    alone_database_s = max(0.0, (alone.database_s - submit.database_s) / pains.alone)
    groups = max(1, round(pains.backlog / farm.settings.group_size))
    counts = _Counts(pains.messages, pains.backlog, groups)
    message_s, job_s = _shared_out(alone_s, judging_s, messages.worker_s, drained.worker_s, counts)
    message_database_s, job_database_s = _shared_out(
        alone_database_s, 0.0, messages.database_s, drained.database_s, counts
    )
    cores = os.cpu_count() or 1
    return Calibration(
        machine=f"{_processor()}, {cores} cores, Python {platform.python_version()}",
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=cores,
        record_s=record_s,
        record_rule_s=record_rule_s,
        row_s=row_s,
        row_rule_s=row_rule_s,
        alone_s=alone_s,
        alone_database_s=alone_database_s,
        message_s=message_s,
        message_database_s=message_database_s,
        job_s=job_s,
        job_database_s=job_database_s,
        verdict_s=max(0.0, batch.worker_s / pains.batch - _judging_products(pains.batch)),
        verdict_database_s=batch.database_s / pains.batch,
        submit_s=submitted.own_s / pains.backlog,
        submit_database_s=submitted.database_s / pains.backlog,
        held_s=max(
            0.0,
            messages.clock_s * WIDTH / pains.messages
            - (message_s + message_database_s + job_s + judging_s + job_database_s),
        ),
        # What follows the verdict is waited for by nobody: half of what the message costs.
        waits_s=waited_beside(waits, alone_s + judging_s + alone_database_s - message_s / 2),
        busy_cores=min(float(cores), (drained.worker_s + drained.database_s) / drained.clock_s),
        job_bytes=job_bytes,
        verdict_bytes=verdict_bytes,
        row_bytes=row_bytes,
        process_bytes=process_bytes,
        main_bytes=main_bytes,
        message_bytes=message_bytes,
        broker_bytes=broker_bytes,
    )


def messages_used(farm: TrialFarm, name: str, count: int) -> Used:
    """What it takes until so many messages that wait are done with. Whoever is woken first takes all their jobs.

    Args:
        farm: that has nothing to do.
        name: begins the keys of the jobs.
        count: how many wait.
    """
    with farm.paused():
        for key, facts in orders(name, count):
            farm.farm.submit(DOMAIN, facts, key=key)
        began = farm.used()
    farm.wait_until_idle()
    return farm.used() - began


def waited_beside(waits_s: Iterable[float], computed_s: float) -> tuple[float, ...]:
    """What jobs that came alone waited for beside what was computed for them, sorted.

    Args:
        waits_s: how long each waited in all.
        computed_s: what was computed for each.
    """
    return tuple(sorted(max(0.0, wait - computed_s) for wait in waits_s))


@dataclass(frozen=True, slots=True)
class _Counts:
    #: Messages of which each found its job in other hands, but for one a process.
    messages: int
    #: Jobs that waited, and the groups in which they were drained.
    backlog: int
    groups: int


def _shared_out(
    alone_s: float, judging_s: float, messages_s: float, drained_s: float, counts: _Counts
) -> tuple[float, float]:
    """What a message costs, and a further job of a group, of what two runs took: of many messages whose jobs somebody
    takes together, and of many jobs of which few have a message that is taken.

    What a job alone costs without its message, a group costs once:

        messages_s = messages * (message + job) + WIDTH * (alone - message)
        drained_s = backlog * job + groups * (alone - message)

    >>> shared_out = _shared_out(0.005, 0.0, 90 * (0.002 + 0.0001) + 2 * 0.003, 2_000 * 0.0001 + 10 * 0.003,
    ...     _Counts(90, 2_000, 10))
    >>> [round(each, 6) for each in shared_out]
    [0.002, 0.0001]
    """
    share = counts.messages / counts.backlog
    message_s = (messages_s - WIDTH * alone_s - share * (drained_s - counts.groups * alone_s)) / (
        counts.messages - WIDTH + share * counts.groups
    )
    # Neither is less than nothing, whatever the clocks of processes, which tick, say of something short.
    message_s = min(alone_s, max(0.0, message_s))
    return message_s, max(0.0, (drained_s - counts.groups * (alone_s - message_s)) / counts.backlog - judging_s)


def _judging(rules: int, pains: Pains) -> tuple[float, float]:
    """CPU of judging a record, and a row of a frame, by so many rules."""
    program = compile_ruleset({"rules.grl": rules_text(rules)})
    records = products(pains.rows)
    frame = pl.DataFrame(records)
    # What is made when it is first needed is not of each record.
    program.evaluate({"Product": records[0]}, as_of=AS_OF)
    program.evaluate_frame(frame.head(100), fact="Product", as_of=AS_OF)
    record_s = row_s = float("inf")
    # The quickest of some: what disturbs only makes slower, and a rule adds little to it.
    for _ in range(_PASSES):
        began = time.process_time()
        for record in records[: pains.records]:
            program.evaluate({"Product": record}, as_of=AS_OF)
        between = time.process_time()
        program.evaluate_frame(frame, fact="Product", as_of=AS_OF)
        record_s = min(record_s, (between - began) / pains.records)
        row_s = min(row_s, (time.process_time() - between) / pains.rows)
    return record_s, row_s


def _judging_orders(count: int) -> float:
    program = load_domain(SHIPPED, DOMAIN).program
    facts = [each for _, each in orders("judged", count)]
    program.evaluate(facts[0], as_of=AS_OF)
    quickest_s = float("inf")
    for _ in range(_PASSES):
        began = time.process_time()
        for each in facts:
            program.evaluate(each, as_of=AS_OF)
        quickest_s = min(quickest_s, time.process_time() - began)
    return quickest_s / count


def _judging_products(count: int) -> float:
    program = load_domain(SHIPPED, BATCH_DOMAIN).program
    frame = _frame(count)
    program.evaluate_frame(frame.head(100), fact="Product", as_of=AS_OF)
    began = time.process_time()
    program.evaluate_frame(frame, fact="Product", as_of=AS_OF)
    return (time.process_time() - began) / len(frame)


def _frame(count: int) -> pl.DataFrame:
    chance = random.Random(7)
    return pl.DataFrame([product(chance, f"P{number:05d}") for number in range(count)], infer_schema_length=None)


def _alone(farm: TrialFarm, count: int) -> tuple[Used, Used, list[float]]:
    """What taking a job uses while nobody works; what all of it uses; and how long each verdict took."""
    with farm.paused():
        began = farm.used()
        for key, facts in orders("taken", count):
            farm.farm.submit(DOMAIN, facts, key=key)
        submit = farm.used() - began
    farm.wait_until_done()
    began = farm.used()
    for key, facts in orders("alone", count):
        farm.farm.evaluate(DOMAIN, facts, key=key, timeout=_PATIENCE_S)
    return submit, farm.used() - began, [waited for _, waited in farm.latencies("alone")]


def _backlog(farm: TrialFarm, count: int) -> tuple[Used, Used, float, float, float, float]:
    """What draining and taking it used; a message's bytes and the broker's; a job's on disk, and its verdict's."""
    jobs, verdicts = farm.number(_SIZE_OF_JOBS), farm.number(_SIZE_OF_VERDICTS)
    with farm.paused():
        began = farm.used()
        for key, facts in orders("waiting", count):
            farm.farm.submit(DOMAIN, facts, key=key)
        submitted = farm.used() - began
        messages, size = farm.messages()
        broker = farm.broker_bytes()
        began = farm.used()
    farm.wait_until_done()
    drained = farm.used() - began
    job_bytes = (farm.number(_SIZE_OF_JOBS) - jobs) / count
    verdict_bytes = (farm.number(_SIZE_OF_VERDICTS) - verdicts) / count
    return drained, submitted, size / max(1, messages), max(0.0, broker - size), job_bytes, verdict_bytes


def _batch(farm: TrialFarm, count: int) -> tuple[Used, float]:
    """What a batch used, and what a row of it takes on disk with its verdict."""
    path = farm.folder / "products.parquet"
    _frame(count).write_parquet(path)
    size = farm.number(_SIZE_OF_CHUNKS) + farm.number(_SIZE_OF_VERDICTS)
    began = farm.used("batch")
    farm.farm.submit_batch(BATCH_DOMAIN, path).wait(timeout=_PATIENCE_S)
    used = farm.used("batch") - began
    return used, (farm.number(_SIZE_OF_CHUNKS) + farm.number(_SIZE_OF_VERDICTS) - size) / count


_SIZE_OF_JOBS = "select pg_total_relation_size('jobs')"
_SIZE_OF_CHUNKS = "select pg_total_relation_size('chunks')"
_SIZE_OF_VERDICTS = (
    "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'verdicts'::regclass"
)


def _processor() -> str:
    """Its name, as Linux has it; else what Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()
