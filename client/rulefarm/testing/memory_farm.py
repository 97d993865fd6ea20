"""A farm in memory with the face of `Farm`.  facts -> [memory_farm] -> verdicts, without a service

    farm = MemoryFarm("rulesets")                     # judged by the engine, where it is installed
    farm = MemoryFarm(answers={"payment": "reject"})  # canned

Keys, instants, limits and errors are those of `Farm`: the same code checks them. What only services can do is not here:
a job is judged when it is submitted, its message is never late, and a transaction of the caller's is not waited for."""

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rulefarm.errors import FarmUnreachable, NotFound, QueueFull, RulefarmError, VerdictPending
from rulefarm.jobs import Job, id_of, new_jobs, pairs_of
from rulefarm.known_domains import checked_known, unknown_ruleset
from rulefarm.regions import producer_regions
from rulefarm.seconds import wait_seconds
from rulefarm.settings import Settings
from rulefarm.testing.judges import Answer, Engine, canned
from rulefarm.testing.memory_facts import MemoryFacts
from rulefarm.verdict import Verdict


class MemoryFarm:
    """A farm that is gone with its process. Safe to share between threads.

    Args:
        rulesets: a folder with a folder per domain, whose rules judge; the engine has to be installed. Default: those
            that ship, unless there are answers.
        answers: domain to its canned answer, which comes before its rules.
        region: whose farm it is. Default: there are no regions.
        fallback: regions that take what this one does not: after `fail(DatabaseUnreachable(…))` the first of them does.

    Raises:
        SettingsError: `no-engine`: rules are to judge, and the engine is not installed; `bad-region`: a fallback, and
            no region.
        RulefarmError: a ruleset can't be read.
    """

    def __init__(
        self,
        rulesets: Path | str | None = None,
        *,
        answers: Mapping[str, Answer] | None = None,
        region: str | None = None,
        fallback: Sequence[str] = (),
    ) -> None:
        #: Its own region, and those that take what it does not.
        self._regions = producer_regions(Settings(), region, fallback)
        #: Reference facts, which domains look up.
        self.facts = MemoryFacts()
        #: Domain to its canned answer; may be changed at any time.
        self.answers: dict[str, Answer] = dict(answers or {})
        self._engine = Engine(rulesets, self.facts) if rulesets is not None or answers is None else None
        self._jobs: dict[uuid.UUID, tuple[Job, str]] = {}
        self._verdicts: dict[uuid.UUID, Verdict] = {}
        self._failure: RulefarmError | None = None
        self._lock = threading.RLock()

    @property
    def jobs(self) -> list[Job]:
        """Every job that was taken, in order; once each."""
        return [job for job, _ in self._jobs.values()]

    def fail(self, error: RulefarmError) -> None:
        """Let the next call that takes jobs raise an error, and take none: DatabaseUnreachable, QueueFull, say."""
        self._failure = error

    def submit(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        digest: str | None = None,
        connection: Any = None,
        wait_for_room: float | None = 0.0,
    ) -> Job:
        """Take one job, as `Farm.submit` does.

        Args:
            domain: who judges.
            facts: fact name to object, or to a list of objects.
            key: what is judged; the same key with the same facts is the same job.
            as_of: the instant to judge at. Default: now.
            digest: of the ruleset that judges; there is but one of a domain, and answers go with any.
            connection: not used, but that the job's message counts as not sent. Its transaction is not waited for.
            wait_for_room: not used: there is always room.

        Raises:
            JobRejected: unknown domain or ruleset, or facts or key that can't be taken.
            RulefarmError: what `fail` was given.
        """
        wait_seconds(wait_for_room, "wait_for_room")
        [job] = self._take(domain, [(facts, key)], as_of, digest)
        return replace(job, sent=connection is None)

    def submit_many(
        self,
        domain: str,
        items: Iterable[Mapping[str, Any] | tuple[str | None, Mapping[str, Any]]],
        *,
        as_of: datetime | None = None,
        digest: str | None = None,
        wait_for_room: float | None = 0.0,
    ) -> list[Job]:
        """Take many jobs at once, all or none.

        Args:
            domain: who judges.
            items: facts, or pairs of key and facts.
            as_of: the instant to judge at. Default: now.
            digest: as for `submit`.
            wait_for_room: not used.

        Raises:
            JobRejected, RulefarmError: as `submit`.
        """
        wait_seconds(wait_for_room, "wait_for_room")
        return self._take(domain, list(pairs_of(items)), as_of, digest)

    def send(self, *jobs: Job) -> bool:
        """Nothing is to be sent.

        Args:
            jobs: what `submit` returned.
        """
        return True

    def evaluate(
        self,
        domain: str,
        facts: Mapping[str, Any],
        *,
        key: str | None = None,
        as_of: datetime | None = None,
        digest: str | None = None,
        timeout: float | None = 30.0,
    ) -> Verdict:
        """Submit one job and give its verdict.

        Args:
            domain: who judges.
            facts: fact name to object, or to a list of objects.
            key: what is judged. Default: every call is a new job.
            as_of: the instant to judge at. Default: now.
            digest: as for `submit`.
            timeout: as for `wait`.

        Raises:
            VerdictPending: the canned answer is None. Otherwise as `submit`.
        """
        timeout = wait_seconds(timeout)
        return self.submit(domain, facts, key=key, as_of=as_of, digest=digest).wait(timeout)

    def wait(self, job: Job, timeout: float | None = 30.0) -> Verdict:
        """The verdict of a job, at once.

        Args:
            job: as `submit` returned it.
            timeout: not waited for: what is not there now does not come by waiting.

        Raises:
            VerdictPending: the canned answer is None.
            NotFound: no job of this farm.
        """
        timeout = wait_seconds(timeout)
        verdict = self.verdict(job.id)
        if verdict is None:
            said = "" if timeout is None else f" after {timeout:g} s"
            raise VerdictPending("verdict-pending", f"no verdict on job {job.id}{said}", "its canned answer is None")
        return verdict

    def verdict(self, job_id: uuid.UUID | str) -> Verdict | None:
        """The verdict of a job; None while there is none.

        Args:
            job_id: the job's id.

        Raises:
            NotFound: no job of that id was taken.
        """
        wanted = id_of(job_id)
        with self._lock:
            if wanted not in self._jobs:
                raise NotFound("no-such-job", f"no job {wanted} is on record")
            if wanted not in self._verdicts and (verdict := self._judged(*self._jobs[wanted])) is not None:
                self._verdicts[wanted] = verdict
            return self._verdicts.get(wanted)

    def batch(self, batch_id: uuid.UUID | str) -> dict[str, Any]:
        """There are no batches: a source is judged here and now by `rulefarm eval`.

        Raises:
            NotFound: always.
        """
        raise NotFound("no-such-batch", f"no batch {id_of(batch_id)} is on record")

    def close(self) -> None:
        """Nothing to close; what is on record stays."""

    def __enter__(self) -> "MemoryFarm":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(
        self,
        domain: str,
        items: Iterable[tuple[Mapping[str, Any], str | None]],
        as_of: datetime | None,
        digest: str | None,
    ) -> list[Job]:
        new = list(new_jobs(domain, items, as_of=as_of, on_record=True, farm=self, digest=digest))
        checked_known(domain, {*self.answers, *(self._engine.rulesets if self._engine else ())})
        if digest and domain not in self.answers and self._engine and digest != self._engine.rulesets[domain].digest:
            raise unknown_ruleset(domain, digest)
        with self._lock:
            failure, self._failure = self._failure, None
            # Of regions the next takes what the first could not.
            away = isinstance(failure, FarmUnreachable | QueueFull) and len(self._regions) > 1
            if failure is not None and not away:
                raise failure
            home = self._regions[away] if self._regions else None
            taken = []
            for job, text in new:
                first, _ = self._jobs.setdefault(job.id, (replace(job, region=home), text))
                if domain not in self.answers:
                    # Now, with the facts and the events of now.
                    self.verdict(job.id)
                taken.append(replace(job, region=home).recorded(first.as_of, first.enqueued_at))
        return taken

    def _judged(self, job: Job, text: str) -> Verdict | None:
        if self._engine is None or job.domain in self.answers:
            return canned(self.answers[job.domain], job, text)
        return self._engine.judge(job, text)
