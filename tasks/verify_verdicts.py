"""Judge again what was judged.  verdicts, jobs, chunks on record -> [verify_verdicts] -> those that differ

A verdict must follow from what is on record: its facts, with the shared ones as they were then, under the ruleset that
it names, as of its instant. It is judged by the code that workers run, by columns where they had columns. What can't be
judged again is counted and never taken for right: a shared fact that was missing then can't be so again. Of what was
pruned nothing is on record. Writes nothing."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Text, cast, func, select

from engine import EngineError
from rulefarm.batch import SUBJECT_COLUMN, decode
from rulefarm.database import batches, chunks, jobs, translate_errors, verdicts
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from rulesets.recorded import load_recorded
from store.facts_on_record import FactsPart
from store.ruleset_versions import source_of
from tasks.judge import judge_chunk, row_ids
from tasks.judge_again import FactsOfThen, JobToVerify, JudgesAgain
from tasks.shared_facts import REFUSALS

#: What must come out again.
COMPARED = ("outcome", "fired", "reasons", "changes", "logs", "events", "facts_digest")
#: Rows of single jobs read at a time.
_PAGE = 500
#: Jobs that are judged at once, and characters of their facts from which on they need not be as many.
_AT_ONCE, _CHARACTERS = 2_000, 32_000_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A verdict that does not follow from what is on record."""

    verdict: Verdict
    #: What differs: name to what is on record and what came out. Empty: it can't be judged again, and `why` says why.
    differences: dict[str, tuple[Any, Any]]
    why: str = ""


@dataclass(slots=True)
class Verified:
    """What was found."""

    #: How many verdicts were judged again.
    judged: int = 0
    #: How many could not be, for a shared fact was missing or unreadable then.
    skipped: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    def add(self, other: "Verified") -> None:
        """Take in what was found elsewhere."""
        self.judged += other.judged
        self.skipped += other.skipped
        self.mismatches += other.mismatches

    def to_json(self) -> dict[str, Any]:
        """It as plain data."""
        mismatches = [
            {"verdict": one.verdict.to_json(), "why": one.why, "differences": one.differences}
            for one in self.mismatches
        ]
        return {"judged": self.judged, "skipped": self.skipped, "mismatches": mismatches}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Verified":
        """What `to_json` wrote."""
        mismatches = [
            Mismatch(
                Verdict.from_json(one["verdict"]),
                {name: (was, now) for name, (was, now) in one["differences"].items()},
                one["why"],
            )
            for one in document["mismatches"]
        ]
        return cls(document["judged"], document["skipped"], mismatches)


class VerdictVerifier:
    """Judges a sample of the verdicts of a farm again.

    Args:
        engine: the database; allows long statements.
        share: of the jobs, and of the chunks of batches, that are judged again: from 0 to 1, each by chance.
        since: those that were judged earlier are left out. Default: none.
        domain: of this domain only. Default: of all.
        load: gives the version of a domain by its digest, or fails. Default: it is read, and a verdict whose version
            can't be judged by is one that differs.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        share: float = 1.0,
        since: datetime | None = None,
        domain: str | None = None,
        load: Callable[[str, str], LoadedRuleset] | None = None,
    ) -> None:
        self._engine = engine
        self._share = share
        self._since = since
        self._domain = domain
        self._load = load
        self._rulesets: dict[tuple[str, str], LoadedRuleset | str] = {}
        self._judging: dict[tuple[str, str], JudgesAgain] = {}
        self._found = Verified()

    def run(self) -> Verified:
        """Judge.

        Raises:
            DatabaseUnreachable: no answer.
        """
        self._jobs()
        self._chunks()
        return self._found

    def run_part(self, part: FactsPart) -> Verified:
        """Judge one part: a chunk, whole; of a range of jobs the share.

        Args:
            part: of the facts on record of the domain.

        Raises:
            DatabaseUnreachable: no answer; and what `load` raises.
        """
        self._found = Verified()
        if part.batch is not None:
            self._chunk(part.batch, part.n)
        else:
            self._jobs(part)
        return self._found

    def _wanted(self) -> list[ColumnElement[bool]]:
        conditions = []
        if self._domain is not None:
            conditions.append(verdicts.c.domain == self._domain)
        if self._since is not None:
            conditions.append(verdicts.c.evaluated_at >= self._since)
        return conditions

    def _jobs(self, part: FactsPart | None = None) -> None:
        """Single jobs, in the order of their ids; some thousand are judged at once, however few are drawn."""
        known: list[JobToVerify] = []
        for page in self._pages(part):
            known += page
            if len(known) >= _AT_ONCE or sum(len(job.facts) for job in known) >= _CHARACTERS:
                self._judge(known)
                known = []
        self._judge(known)

    def _pages(self, part: FactsPart | None) -> Iterator[list[JobToVerify]]:
        """The jobs that are drawn, a page at a time, each page of which is as good as drawn."""
        statement = (
            select(verdicts, cast(jobs.c.facts, Text).label("job_facts"))
            .join(jobs, (jobs.c.id == verdicts.c.id) & (jobs.c.enqueued_at == verdicts.c.enqueued_at))
            .where(verdicts.c.batch.is_(None), *self._wanted(), func.random() < self._share)
            .order_by(jobs.c.id)
            .limit(_PAGE)
        )
        for ids in [None] if part is None else part.ranges(max(1, part.rows) / self._share):
            within = statement if ids is None else statement.where(jobs.c.id.between(*ids))
            last = None
            while True:
                page = within if last is None else within.where(jobs.c.id > last)
                with translate_errors(self._engine), self._engine.connect() as connection:
                    rows = connection.execute(page).mappings().all()
                yield [JobToVerify(Verdict.from_json(dict(row)), row["job_facts"]) for row in rows]
                if len(rows) < _PAGE:
                    break
                last = rows[-1]["id"]

    def _judge(self, known: Sequence[JobToVerify]) -> None:
        """Judge jobs again, those of one version together."""
        together: dict[tuple[str, str], list[int]] = {}
        for place, job in enumerate(known):
            if self._ruleset(job.verdict) is not None and not self._was_refused(job.verdict):
                together.setdefault((job.verdict.domain, job.verdict.ruleset_digest), []).append(place)
        again: dict[int, Mapping[str, Any] | str] = {}
        for key, places in together.items():
            if key not in self._judging:
                loaded = self._ruleset(known[places[0]].verdict)
                assert loaded is not None
                self._judging[key] = JudgesAgain(loaded)
            again |= zip(places, self._judging[key].judge([known[place] for place in places]), strict=True)
        for place in sorted(again):
            verdict, came_out = known[place].verdict, again[place]
            if isinstance(came_out, str):
                self._found.mismatches.append(Mismatch(verdict, {}, came_out))
            else:
                self._compare(verdict, came_out)

    def _chunks(self) -> None:
        """Batches chunk by chunk: a worker judged a chunk at once, and so is it judged again."""
        chosen = select(chunks.c.batch, chunks.c.n).join(batches, batches.c.id == chunks.c.batch)
        if self._domain is not None:
            chosen = chosen.where(batches.c.domain == self._domain)
        chosen = chosen.where(func.random() < self._share).order_by(chunks.c.batch, chunks.c.n)
        with translate_errors(self._engine), self._engine.connect() as connection:
            places = connection.execute(chosen).all()
        for batch, n in places:
            self._chunk(batch, n)

    def _chunk(self, batch: uuid.UUID, n: int) -> None:
        statement = (
            select(chunks, batches.c.domain, batches.c.as_of, batches.c.enqueued_at)
            .join(batches, batches.c.id == chunks.c.batch)
            .where(chunks.c.batch == batch, chunks.c.n == n)
        )
        with translate_errors(self._engine), self._engine.connect() as connection:
            chunk = connection.execute(statement).mappings().first()
            if chunk is None:
                # Pruned meanwhile.
                return
            ids = row_ids(batch, decode(chunk["facts"])[SUBJECT_COLUMN].to_list())
            of_chunk = select(verdicts).where(verdicts.c.enqueued_at == chunk["enqueued_at"], *self._wanted())
            of_chunk = of_chunk.where(verdicts.c.id.in_([uuid.UUID(row) for row in ids]))
            known = [Verdict.from_json(dict(row)) for row in connection.execute(of_chunk).mappings()]
        by_digest: dict[str, dict[str, Verdict]] = {}
        for verdict in known:
            by_digest.setdefault(verdict.ruleset_digest, {})[verdict.subject] = verdict
        for of_digest in by_digest.values():
            self._rows(dict(chunk), of_digest)

    def _rows(self, chunk: Mapping[str, Any], on_record: Mapping[str, Verdict]) -> None:
        """The rows of a chunk that one version of the ruleset judged."""
        loaded = self._ruleset(next(iter(on_record.values())))
        if loaded is None:
            return
        for again in judge_chunk(loaded, chunk, "", FactsOfThen(on_record.values())):
            verdict = on_record.get(again.subject)
            if verdict is not None and not self._was_refused(verdict):
                self._compare(verdict, again.to_json())

    def _was_refused(self, verdict: Verdict) -> bool:
        refused = bool({reason["code"] for reason in verdict.reasons} & set(REFUSALS))
        self._found.skipped += refused
        return refused

    def _ruleset(self, verdict: Verdict) -> LoadedRuleset | None:
        """The version that judged; None, and a mismatch on record, if it is not there or not understood any more."""
        key = (verdict.domain, verdict.ruleset_digest)
        if self._load is not None:
            return self._load(*key)
        if key not in self._rulesets:
            try:
                self._rulesets[key] = load_recorded(*key, source_of(self._engine, *key))
            except (EngineError, NotFound, RulefarmError) as error:
                self._rulesets[key] = str(error)
        loaded = self._rulesets[key]
        if isinstance(loaded, str):
            self._found.mismatches.append(Mismatch(verdict, {}, loaded))
            return None
        return loaded

    def _compare(self, verdict: Verdict, now: Mapping[str, Any]) -> None:
        self._found.judged += 1
        was = {name: getattr(verdict, name) for name in COMPARED}
        if differences := {name: (was[name], now[name]) for name in COMPARED if was[name] != now[name]}:
            self._found.mismatches.append(Mismatch(verdict, differences))
