"""One drill, from start to report.  options -> [drill] -> farm, producers, strikes -> report

Everything lives in one directory: the farm's home, the sources of the batches, the producers' records and logs. Only
what was started here is ever hurt."""

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workers.drill.checker import Expected, check, open_work
from workers.drill.context import DrillContext, DrillFailed
from workers.drill.faults import FAULTS
from workers.drill.impact import InjectedFault, measure
from workers.drill.plan import Options, Plan, Strike, farm_settings, make_plan
from workers.drill.poison import EVIDENCE
from workers.drill.producers import GO, ORDERS, Producer, Spec
from workers.drill.reference import ReferenceEvaluation
from workers.drill.report import Report
from workers.drill.subjects import batch_rows, write_source
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
_LOOK_S = 0.5
#: Verdicts before the first strike.
_FLOWING = 10
#: Jobs a second of a producer that need not wait.
_AT_ONCE = 1000.0
#: Seconds between two lines about what is open.
_TOLD_S = 10.0
#: Looks that must find nothing open: a producer's last job may just be on its way.
_QUIET_LOOKS = 2

#: Told what happens: seconds after the first job (None: before it), and a line.
Tell = Callable[[float | None, str], None]


def run_drill(
    options: Options,
    folder: Path,
    migrate: Migrate,
    *,
    environ: Mapping[str, str],
    tell: Tell = lambda at, line: None,
    parts: Mapping[str, str] = PARTS,
) -> Report:
    """Run a drill.

    Args:
        options: what is asked for.
        folder: an empty directory for all of it.
        migrate: makes the tables.
        environ: what the parts and producers inherit.
        tell: told what happens.
        parts: the farm's parts; another farm is drilled to see whether the drill notices.

    Raises:
        DrillFailed: the drill could not be carried out; it says nothing about the farm.
        ServiceError: the farm can't be started.
    """
    plan = make_plan(options, FAULTS)
    settings = farm_settings(plan, folder / "home")
    procfile = folder / "Procfile"
    procfile.write_text("".join(f"{name}: {command}\n" for name, command in parts.items()), encoding="utf-8")
    inherited = {**environ, EVIDENCE: str(folder / "evidence")}
    tell(None, f"starting Postgres, Valkey and {len(parts)} parts")
    with running_farm(settings, migrate, environ=inherited, procfile=procfile, keep=False) as farm:
        return _Drill(plan, folder, farm, environ_of(farm.settings, inherited), tell).run()


class _Drill:
    """A drill that runs, on a farm that answers."""

    def __init__(self, plan: Plan, folder: Path, farm: LocalFarm, environ: dict[str, str], tell: Tell) -> None:
        self._plan = plan
        self._folder = folder
        self._environ = environ
        self._tell = tell
        self._started = 0.0
        self._url = farm.settings.require_database()
        seed = plan.options.seed
        self._ground = DrillContext(farm, random.Random(seed), seed, Path(environ[EVIDENCE]), self._send)

    def run(self) -> Report:
        """Carry it out."""
        try:
            self._ground.sql(f"create table {ORDERS} (key text primary key)")
            for name, count, lot in self._plan.producers:
                rate, outbox = count / self._plan.length_s, name == "outbox"
                self._hire(self._spec(name, count=count, rate=rate, lot=lot, outbox=outbox))
            self._hire(self._spec("batches", count=len(self._plan.batches), rate=1.0, sources=self._sources()))
            self._go()
            options = self._plan.options
            self._say(f"{options.jobs:,} jobs and {options.batches} batches over {self._plan.length_s:.0f} s")
            # There must be something to hurt.
            self._ground.until(lambda: self._count("verdicts") >= _FLOWING, "no verdicts come", 120)
            struck = [self._strike(strike) for strike in self._plan.strikes]
            finished_s = self._finish()
        finally:
            for producer in self._ground.producers:
                if producer.code is None:
                    producer.kill()
        return self._report(struck, finished_s)

    def _go(self) -> None:
        """Let the producers begin together, once all of them have started."""
        producers = self._ground.producers
        self._ground.until(lambda: all(producer.ready for producer in producers), "a producer does not start", 120)
        self._started = time.time()
        draft = self._folder / f"{GO}.draft"
        draft.write_text(str(self._started), encoding="utf-8")
        draft.rename(self._folder / GO)

    def _strike(self, strike: Strike) -> InjectedFault:
        time.sleep(strike.after_s)
        met = self._ground.sql("select id from jobs where state = 'open'")
        met += self._ground.sql("select batch || ' ' || n from chunks where state = 'open'")
        began = time.time()
        hit = FAULTS[strike.fault].inflict(self._ground)
        self._say(f"{strike.fault:<10} {hit.what}", at=began)
        return InjectedFault(
            strike.fault, hit.what, hit.worker, began, time.time(), frozenset(str(one) for (one,) in met)
        )

    def _finish(self) -> float | None:
        """Wait until everything accepted is closed: seconds after the first job; None when the deadline came first."""
        quiet, told = 0, time.time()
        while quiet < _QUIET_LOOKS:
            if time.time() > self._started + self._plan.options.deadline_s:
                return None
            for producer in self._ground.producers:
                if producer.code not in (None, 0):
                    raise DrillFailed("producer-failed", f"producer {producer.spec.name}: {producer.last_words}")
            working = any(producer.code is None for producer in self._ground.producers)
            left = self._open()
            quiet = 0 if working or left else quiet + 1
            if left and time.time() > told + _TOLD_S:
                told = time.time()
                self._say(f"{left:,} jobs, chunks and batches are open")
            time.sleep(_LOOK_S)
        return time.time() - self._started

    def _open(self) -> int:
        return sum(self._count(f"{table} where state = 'open'") for table in ("jobs", "chunks", "batches"))

    def _count(self, rows: str) -> int:
        return int(self._ground.sql(f"select count(*) from {rows}")[0][0])

    def _report(self, struck: list[InjectedFault], finished_s: float | None) -> Report:
        still = open_work(self._url)
        if finished_s is None:
            self._say(f"the deadline is over, {len(still):,} jobs and chunks are open")
        self._say("evaluating everything again, undisturbed")
        expected, withdrawn = self._expected()
        self._say("checking")
        poison = frozenset(identity for identity, wanted in expected.items() if wanted.deadly)
        rows = sum(1 for wanted in expected.values() if wanted.batch is not None)
        return Report(
            options=self._plan.options,
            finished_s=finished_s,
            jobs=len(expected) - rows,
            rows=rows,
            poison=len(poison),
            malformed=self._ground.malformed,
            refused=self._count("dead_letters where kind = 'message'"),
            borne=tuple(measure(self._url, struck, self._started, poison)),
            findings=tuple(check(self._url, expected, withdrawn=withdrawn)),
            open=tuple(still),
        )

    def _expected(self) -> tuple[dict[str, Expected], frozenset[str]]:
        undisturbed, seed = ReferenceEvaluation(), self._plan.options.seed
        expected: dict[str, Expected] = {}
        withdrawn: set[str] = set()
        for producer in self._ground.producers:
            accepted = producer.accepted()
            if producer.spec.sources:
                for batch in accepted:
                    expected |= undisturbed.rows(seed, batch, *self._plan.batches[batch.n])
            else:
                expected |= undisturbed.jobs(seed, [line for line in accepted if not line.withdrawn])
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

    def _spec(self, name: str, *, count: int, rate: float, **more: Any) -> Spec:
        return Spec(name=name, seed=self._plan.options.seed, count=count, begin_s=0, rate=rate, **more)

    def _send(self, name: str, keys: tuple[str, ...]) -> None:
        self._hire(self._spec(name, count=len(keys), rate=_AT_ONCE, keys=keys))

    def _hire(self, spec: Spec) -> None:
        producer = Producer(self._folder, spec, self._environ)
        producer.start()
        self._ground.producers.append(producer)

    def _say(self, line: str, *, at: float | None = None) -> None:
        self._tell((time.time() if at is None else at) - self._started, line)
