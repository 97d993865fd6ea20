"""Judge again what was judged.  verdicts, jobs, chunks on record -> [verify_verdicts] -> those that differ

A verdict must follow from what is on record: its facts, with the shared ones as they were then, under the ruleset that
it names, as of its instant. It is judged by the code that workers run, by columns where they had columns. What can't be
judged again is counted and never taken for right: a shared fact that was missing then can't be so again. Of what was
pruned nothing is on record. Writes nothing."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, select

from engine import EngineError
from rulefarm.batch import SUBJECT_COLUMN, decode
from rulefarm.database import batches, chunks, jobs, translate_errors, verdicts
from rulefarm.errors import NotFound, RulefarmError
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from rulesets.recorded import load_recorded
from store.facts_on_record import FactsPart
from store.ruleset_versions import source_of
from tasks.judge import judge_chunk, judge_job, row_ids
from tasks.shared_facts import REFUSALS, CompleteFacts, Subject

#: What must come out again.
COMPARED = ("outcome", "fired", "reasons", "changes", "logs", "events", "facts_digest")
#: Rows of single jobs read at a time.
_PAGE = 500


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
        """Single jobs, in the order of their ids, each page of which is as good as drawn."""
        facts = jobs.c.facts.label("job_facts")
        statement = (
            select(verdicts, facts)
            .join(jobs, (jobs.c.id == verdicts.c.id) & (jobs.c.enqueued_at == verdicts.c.enqueued_at))
            .where(verdicts.c.batch.is_(None), *self._wanted(), func.random() < self._share)
            .order_by(jobs.c.id)
            .limit(_PAGE)
        )
        last = None
        if part is not None:
            statement = statement.where(jobs.c.id.between(*part.ids))
        while True:
            page = statement if last is None else statement.where(jobs.c.id > last)
            with translate_errors(self._engine), self._engine.connect() as connection:
                rows = connection.execute(page).mappings().all()
            for row in rows:
                document = dict(row)
                submitted = document.pop("job_facts")
                self._job(Verdict.from_json(document), submitted)
            if len(rows) < _PAGE:
                return
            last = rows[-1]["id"]

    def _job(self, verdict: Verdict, submitted: Mapping[str, Any]) -> None:
        loaded = self._ruleset(verdict)
        if loaded is not None and not self._was_refused(verdict):
            names = ("id", "domain", "subject", "as_of", "enqueued_at")
            row = SimpleNamespace(
                facts=submitted, traceparent=None, digest=None, **{name: getattr(verdict, name) for name in names}
            )
            message = JobMessage.of_row(row)
            self._compare(verdict, judge_job(loaded, message, verdict.worker, FactsOfThen([verdict])))

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
                self._compare(verdict, again)

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

    def _compare(self, verdict: Verdict, again: Verdict) -> None:
        self._found.judged += 1
        was, now = verdict.to_json(), again.to_json()
        if differences := {name: (was[name], now[name]) for name in COMPARED if was[name] != now[name]}:
            self._found.mismatches.append(Mismatch(verdict, differences))


class FactsOfThen:
    """The shared facts of verdicts, as they were when these were reached."""

    def __init__(self, on_record: Iterable[Verdict]) -> None:
        self._shared = {str(verdict.id): verdict.shared_facts or {} for verdict in on_record}

    def complete(self, loaded: LoadedRuleset, subjects: Sequence[Subject]) -> list[CompleteFacts]:
        """Each subject with what its verdict has on record.

        Args:
            loaded: the ruleset of the domain.
            subjects: a job, or the rows of a chunk.
        """
        shared = [self._shared.get(subject.job_id, {}) for subject in subjects]
        return [
            CompleteFacts({**subject.document, **facts}, facts) for subject, facts in zip(subjects, shared, strict=True)
        ]
