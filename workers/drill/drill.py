"""One drill, from start to report.  options -> [drill] -> farm, producers, faults -> report

Everything is in one directory: the farm's home, the sources of the batches, the producers' records and logs. Faults act
only on what was started here."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.drill.checker import Expected, check, open_work
from workers.drill.context import DrillContext, DrillFailed
from workers.drill.faults import FAULTS
from workers.drill.impact import InjectedFault, measure
from workers.drill.other_region import OtherRegion, other_region
from workers.drill.plan import Options, Plan, PlannedFault, farm_settings, make_plan
from workers.drill.poison import EVIDENCE
from workers.drill.producers import GO, ORDERS, Producer, ProducerSpec
from workers.drill.reference import ReferenceEvaluation
from workers.drill.report import Report
from workers.drill.ruleset_faults import copy_rulesets
from workers.drill.sources import write_source
from workers.drill.subjects import batch_rows
from workers.local import LocalFarm, Migrate, environ_of, running_farm

#: The parts of the drill's farm: two workers of each kind, so that one may be away.
PARTS = {
    "one": "python -m workers.drill.worker one interactive 2,1",
    "two": "python -m workers.drill.worker two interactive 2,1",
    "bulk-one": "python -m workers.drill.worker bulk-one bulk 2,1",
    "bulk-two": "python -m workers.drill.worker bulk-two bulk 2,1",
    "beat": "rulefarm beat",
}
#: Seconds between two looks at what is still open.
_POLL_S = 0.5
#: Verdicts before the first fault.
_FIRST_VERDICTS = 10
#: Jobs a second of a producer that need not wait.
_AT_ONCE = 1000.0
#: Seconds between two progress lines about what is open.
_PROGRESS_S = 10.0
#: Looks, one after the other, that must see nothing open: a producer's last job may just be on its way.
_CLOSED_LOOKS = 2

#: Called with what happens: seconds after the first job (None: before it), and a line.
OnProgress = Callable[[float | None, str], None]


def run_drill(
    options: Options,
    folder: Path,
    migrate: Migrate,
    *,
    environ: Mapping[str, str],
    on_progress: OnProgress = lambda at, line: None,
    parts: Mapping[str, str] = PARTS,
) -> Report:
    """Run a drill.

    Args:
        options: what is asked for.
        folder: an empty directory for all of it.
        migrate: makes the tables.
        environ: what the parts and producers inherit.
        on_progress: called with what happens; default: nothing.
        parts: the farm's parts, name to command; tests run broken ones, to see that the drill notices.

    Returns:
        What the checker found, and what each fault did.

    Raises:
        DrillFailed: the drill could not be carried out; it says nothing about the farm.
        ServiceError: the farm can't be started.
    """
    plan = make_plan(options, FAULTS)
    settings = replace(farm_settings(plan, folder / "home"), rulesets=copy_rulesets(folder / "rulesets"))
    procfile = folder / "Procfile"
    procfile.write_text("".join(f"{name}: {command}\n" for name, command in parts.items()), encoding="utf-8")
    inherited = {**environ, EVIDENCE: str(folder / "evidence")}
    on_progress(None, f"starting Postgres, Valkey and {len(parts)} parts")
    with ExitStack() as stack:
        farm = stack.enter_context(running_farm(settings, migrate, environ=inherited, procfile=procfile, keep=False))
        other = None
        if any(FAULTS[name].needs_region for name in options.faults):
            on_progress(None, "starting a second region")
            other = stack.enter_context(other_region(farm, folder, migrate, inherited))
        return _Drill(plan, folder, farm, inherited, on_progress, other).run()


class _Drill:
    """A drill that runs, on a farm that answers."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        farm: LocalFarm,
        inherited: Mapping[str, str],
        on_progress: OnProgress,
        other: OtherRegion | None,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._inherited, self._other = inherited, other
        self._environ = environ_of(farm.settings, inherited)
        self._on_progress = on_progress
        self._started = 0.0
        self._url = farm.settings.require_database()
        seed = plan.options.seed
        self._context = DrillContext(
            farm,
            random.Random(seed),
            seed,
            Path(inherited[EVIDENCE]),
            self._submit_keys,
            self._submit_in_regions,
            other=other,
        )

    def run(self) -> Report:
        """Carry it out."""
        try:
            self._context.sql(f"create table {ORDERS} (key text primary key)")
            for name, count, jobs_per_call in self._plan.producers:
                rate, outbox = count / self._plan.length_s, name == "outbox"
                self._start_producer(
                    self._spec(name, count=count, rate=rate, jobs_per_call=jobs_per_call, outbox=outbox)
                )
            self._start_producer(
                self._spec("batches", count=len(self._plan.batches), rate=1.0, sources=self._sources())
            )
            self._go()
            options = self._plan.options
            self._report_progress(
                f"{options.jobs:,} jobs and {options.batches} batches over {self._plan.length_s:.0f} s"
            )
            # A fault that meets an idle farm proves nothing.
            self._context.wait_for(lambda: self._count("verdicts") >= _FIRST_VERDICTS, "no verdicts come", 120)
            injected = [self._inject(planned) for planned in self._plan.schedule]
            finished_s = self._finish()
        finally:
            for producer in self._context.producers:
                if producer.code is None:
                    producer.kill()
        return self._report(injected, finished_s)

    def _go(self) -> None:
        """Let the producers begin together, once all of them have started."""
        producers = self._context.producers
        self._context.wait_for(lambda: all(producer.ready for producer in producers), "a producer does not start", 120)
        self._started = time.time()
        draft = self._folder / f"{GO}.draft"
        draft.write_text(str(self._started), encoding="utf-8")
        draft.rename(self._folder / GO)

    def _inject(self, planned: PlannedFault) -> InjectedFault:
        time.sleep(planned.after_s)
        rows = self._context.sql("select id from jobs where state = 'open'")
        rows += self._context.sql("select batch || ' ' || n from chunks where state = 'open'")
        began = time.time()
        injection = FAULTS[planned.fault].inject(self._context)
        self._report_progress(f"{planned.fault:<10} {injection.what}", at=began)
        open_at_begin = frozenset(str(identity) for (identity,) in rows)
        return InjectedFault(planned.fault, injection.what, injection.worker, began, time.time(), open_at_begin)

    def _finish(self) -> float | None:
        """Wait until everything accepted is closed: seconds after the first job; None when the deadline came first."""
        closed_looks, reported = 0, time.time()
        while closed_looks < _CLOSED_LOOKS:
            if time.time() > self._started + self._plan.options.deadline_s:
                return None
            for producer in self._context.producers:
                if producer.code not in (None, 0):
                    raise DrillFailed("producer-failed", f"producer {producer.spec.name}: {producer.last_words}")
            working = any(producer.code is None for producer in self._context.producers)
            remaining = self._open()
            closed_looks = 0 if working or remaining else closed_looks + 1
            if remaining and time.time() > reported + _PROGRESS_S:
                reported = time.time()
                self._report_progress(f"{remaining:,} jobs, chunks and batches are open")
            time.sleep(_POLL_S)
        return time.time() - self._started

    def _open(self) -> int:
        here = sum(self._count(f"{table} where state = 'open'") for table in ("jobs", "chunks", "batches"))
        return here + len(self._open_elsewhere())

    def _open_elsewhere(self) -> list[tuple[str, str, dict[str, Any]]]:
        return open_work(self._other.database_url) if self._other else []

    def _count(self, rows: str) -> int:
        return int(self._context.sql(f"select count(*) from {rows}")[0][0])

    def _report(self, injected: list[InjectedFault], finished_s: float | None) -> Report:
        remaining = open_work(self._url) + self._open_elsewhere()
        if finished_s is None:
            self._report_progress(f"the deadline is over, {len(remaining):,} jobs and chunks are open")
        self._report_progress("evaluating everything again, without a farm")
        expected, withdrawn = self._expected()
        self._report_progress("checking")
        poison = frozenset(identity for identity, subject in expected.items() if subject.expected_codes)
        rows = sum(1 for subject in expected.values() if subject.batch is not None)
        elsewhere = self._other.database_url if self._other else None
        return Report(
            options=self._plan.options,
            finished_s=finished_s,
            jobs=len(expected) - rows,
            rows=rows,
            poison=len(poison),
            malformed=self._context.malformed,
            refused=self._count("dead_letters where kind = 'message'"),
            impacts=tuple(measure(self._url, injected, self._started, poison)),
            findings=tuple(check(self._url, expected, withdrawn=withdrawn, other_region=elsewhere)),
            open=tuple(remaining),
        )

    def _expected(self) -> tuple[dict[str, Expected], frozenset[str]]:
        reference, seed = ReferenceEvaluation(), self._plan.options.seed
        expected: dict[str, Expected] = {}
        withdrawn: set[str] = set()
        for producer in self._context.producers:
            accepted = producer.accepted()
            if producer.spec.sources:
                for batch in accepted:
                    expected |= reference.rows(seed, batch, *self._plan.batches[batch.n])
            else:
                expected |= reference.jobs(seed, [line for line in accepted if not line.withdrawn])
                withdrawn |= {line.id for line in accepted if line.withdrawn}
        return expected, frozenset(withdrawn)

    def _sources(self) -> tuple[tuple[str, float], ...]:
        """The file of each batch, and when it is due: spread over the first half, the first at once."""
        folder, seed = self._folder / "sources", self._plan.options.seed
        folder.mkdir()
        paths = [
            write_source(folder, n, batch_rows(seed, n, rows, poison))
            for n, (rows, poison) in enumerate(self._plan.batches)
        ]
        step = self._plan.length_s / 2 / max(1, len(paths))
        return tuple((str(path), n * step) for n, path in enumerate(paths))

    def _spec(self, name: str, *, count: int, rate: float, **more: Any) -> ProducerSpec:
        return ProducerSpec(name=name, seed=self._plan.options.seed, count=count, begin_s=0, rate=rate, **more)

    def _submit_keys(self, name: str, keys: tuple[str, ...], jobs_per_call: int) -> None:
        self._start_producer(self._spec(name, count=len(keys), rate=_AT_ONCE, keys=keys, jobs_per_call=jobs_per_call))

    def _submit_in_regions(self, name: str, keys: tuple[str, ...], rate: float) -> Producer:
        assert self._other is not None
        spec = replace(self._spec(name, count=len(keys), rate=rate, keys=keys), begin_s=time.time() - self._started)
        return self._start_producer(spec, environ_of(self._other.producer, self._inherited))

    def _start_producer(self, spec: ProducerSpec, environ: dict[str, str] | None = None) -> Producer:
        producer = Producer(self._folder, spec, self._environ if environ is None else environ)
        producer.start()
        self._context.producers.append(producer)
        return producer

    def _report_progress(self, line: str, *, at: float | None = None) -> None:
        self._on_progress((time.time() if at is None else at) - self._started, line)
