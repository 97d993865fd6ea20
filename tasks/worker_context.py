"""What one worker process holds: settings, database, rulesets, broker.  start -> [worker_context] -> every task

Opened once, before the pool forks, so that the children share the compiled rulesets' memory."""

import gc
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from rulefarm.errors import NotFound
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.attempts import LeaseTerms
from tasks.program_versions import RulesetUnusable
from tasks.published_rulesets import PublishedRulesets
from tasks.shadow import ShadowJudge
from tasks.shared_facts import SharedFacts

#: Seconds that a lease outlasts the time limit of what it is for: until then the attempt may still come to an end.
LEASE_MARGIN_S = 5


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What the tasks of one worker process work with."""

    settings: Settings
    #: Postgres, through one pool of connections.
    database: Engine
    #: Domain to its compiled ruleset; only the domains that this worker serves.
    rulesets: dict[str, LoadedRuleset]
    #: The Celery application, to send messages with.
    app: Any
    #: Whether it takes from the bulk queues of its domains instead of the interactive ones.
    bulk: bool = False
    #: Where the facts are that do not come with a job; None: no domain that it serves shares any.
    shared: SharedFacts | None = None
    #: Keeps the rulesets at what is published; None: they stay what they are.
    published: PublishedRulesets | None = None
    #: Has drafts judge what was judged; None: nobody does.
    shadow: ShadowJudge | None = None

    def ruleset(self, domain: str, digest: str | None = None) -> LoadedRuleset:
        """The compiled ruleset of a domain: the one that is published, or was a few seconds ago.

        Args:
            domain: whose.
            digest: of the version that is wanted, whichever is published. Default: that one.

        Raises:
            NotFound: this worker does not serve it.
            RulesetUnusable: it can't judge by the version that is wanted.
            DatabaseUnreachable: nobody says which one is published.
            RulesetLate: it can't be compiled in the time that a job has.
        """
        if self.published is not None:
            self.published.refresh_when_due()
        if domain not in self.rulesets:
            served = ", ".join(sorted(self.rulesets)) or "none"
            raise NotFound("domain-not-served", f"this worker does not serve {domain!r}", f"it serves {served}")
        loaded = self.rulesets[domain]
        if digest is None or loaded.digest == digest:
            return loaded
        if self.published is None:
            raise RulesetUnusable("ruleset-unusable", f"this worker judges {domain} by {loaded.digest[:12]} alone")
        return self.published.version(domain, digest)

    def terms(self, worker: str, *, chunk: bool = False) -> LeaseTerms:
        """The terms of an attempt at a job, or at a chunk.

        Args:
            worker: who makes it.
            chunk: whether it is one at a chunk.
        """
        limit_s = self.settings.chunk_time_limit_s if chunk else self.settings.job_time_limit_s
        return LeaseTerms(worker=worker, lease_s=limit_s + LEASE_MARGIN_S, max_attempts=self.settings.max_attempts)


_current: list[WorkerContext] = []


def set_context(context: WorkerContext) -> None:
    """Make it what this process, and every child that it forks, works with."""
    _current[:] = [context]
    # What is alive now stays: the collector need not walk it again, nor copy its pages in every child.
    gc.collect()
    gc.freeze()


def current() -> WorkerContext:
    """What this process works with.

    Raises:
        RuntimeError: it is no worker.
    """
    if not _current:
        raise RuntimeError("this process holds no rulesets: it was not started as a worker")
    return _current[0]
