"""Who gives the verdicts of a farm in memory.  canned answers, rulesets -> [judges] -> memory_farm

With the farm's own engine, where it is installed, verdicts are those that a worker would give: the same code gives
them. Canned answers need nothing but the client. Neither guesses: a domain that has neither is unknown."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rulefarm import wire
from rulefarm.errors import SettingsError
from rulefarm.jobs import Job
from rulefarm.messaging import JobMessage
from rulefarm.testing.memory_facts import MemoryFacts
from rulefarm.verdict import Outcome, Verdict

#: The verdict on every job of a domain: an outcome, fields of `Verdict`, or a function of key and facts that gives
#: either of them, or raises what `Job.wait` is to raise. None: there is no verdict yet.
Answer = Outcome | Mapping[str, Any] | None | Callable[[str, dict[str, Any]], "Outcome | Mapping[str, Any] | None"]


class Engine:
    """The engine of the farm, in this process."""

    def __init__(self, rulesets: Path | str | None, facts: MemoryFacts) -> None:
        """Compile the rulesets.

        Args:
            rulesets: a folder with a folder per domain. None: those that ship.
            facts: looked up by the domains that look facts up.

        Raises:
            SettingsError: `no-engine`: the farm is not installed here.
            RulefarmError: a ruleset can't be read, or domains do not go together.
        """
        try:
            loader, self._judge = import_module("rulesets.loader"), import_module("tasks.judge")
            shared = import_module("tasks.shared_facts")
        except ModuleNotFoundError as error:
            hint = "install rulefarm-server from its checkout for the tests, or give MemoryFarm canned answers"
            raise SettingsError("no-engine", f"{error.name} is not installed, which judges", hint) from error
        self.rulesets: dict[str, Any] = loader.load_all(rulesets or loader.SHIPPED)
        self.shared: Any = shared.SharedFacts(_Looked(facts), shared.MemoryWindows(time.time))

    def judge(self, job: Job, text: str) -> Verdict:
        """The verdict on a job.

        Args:
            job: of a domain among `rulesets`.
            text: its facts, canonical.
        """
        about = {name: getattr(job, name) for name in ("domain", "subject", "as_of", "enqueued_at", "on_record")}
        message = JobMessage(job_id=job.id, facts=text, **about)
        verdict: Verdict = self._judge.judge_job(self.rulesets[job.domain], message, "memory", self.shared)
        return verdict


class _Looked:
    def __init__(self, facts: MemoryFacts) -> None:
        self.texts = facts.by_pair


def canned(answer: Answer, job: Job, text: str) -> Verdict | None:
    """The verdict that somebody wants on a job.

    Args:
        answer: what is wanted.
        job: whose verdict it is.
        text: its facts, canonical.
    """
    wanted = answer(job.subject, dict(wire.parse(text))) if callable(answer) else answer
    if wanted is None:
        return None
    fields = dict(wanted) if isinstance(wanted, Mapping) else {"outcome": wanted}
    return Verdict(
        **{name: getattr(job, name) for name in ("id", "enqueued_at", "domain", "subject", "as_of")},
        **{
            "batch": None,
            "outcome": "accept",
            "fired": [],
            "reasons": [],
            "changes": {},
            "ruleset_digest": wire.digest("canned"),
            "facts_digest": wire.digest(text),
            "worker": "memory",
            "evaluated_at": datetime.now(UTC),
            "micros": 0,
        }
        | fields,
    )
