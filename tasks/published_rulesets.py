"""The published rulesets that a process judges by, kept up to date.  active_rulesets -> [published_rulesets] -> context

Judged is what is published, and never what lies in a folder. The process asks which digests are the active ones when it
is given work and has not asked for `FRESH_S`; the main process of a worker asks from a thread, so that the processes
that it forks later share what it compiled. What can't be judged by here, as when a worker of an older release does not
know a word of it, is said once, and the ruleset of before goes on. Reads no file."""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Collection

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine

from engine import EngineError, forget_blocks
from rulefarm.database import active_digests
from rulefarm.errors import FarmUnreachable, NotFound, RulefarmError, SettingsError
from rulesets.loader import LoadedRuleset
from rulesets.recorded import load_recorded
from store.ruleset_versions import source_of
from tasks.durable_rules import require_durable_rules
from tasks.program_versions import ProgramVersions

log = logging.getLogger("rulefarm.tasks")

# A process of the pool may be forked while the thread that watches what is published compiles.
os.register_at_fork(after_in_child=forget_blocks)
# What it shares with its parent, rulesets that were published since the start among them, it shares as long as nothing
# is written there: a collector writes to whatever it walks.
os.register_at_fork(after_in_child=gc.freeze)

#: Seconds for which the answer is used without asking again: so long after a publishing, at most, is a job begun by the
#: ruleset of before.
FRESH_S = 3.0
#: Seconds after a publishing by which every process judges by it, that is promised: it has to compile, too.
WITHIN_S = 5.0

#: Changes a ruleset before it is judged by.
Prepare = Callable[[LoadedRuleset], LoadedRuleset]


class RulesetLate(FarmUnreachable):
    """What is published can't be compiled in the time that a job has. The job is not to blame, and waits."""


class PublishedRulesets:
    """The active rulesets of some domains, compiled.

    Args:
        database: where they are published.
        domains: which ones; each has an active ruleset.
        has_facts: whether shared facts can be reached; a ruleset that shares some is refused otherwise.
        prepare: changes each before it is judged by. Default: nothing.
        compiled: rulesets that need not be compiled again, if they are the active ones. Default: none.

    Raises:
        SettingsError: one shares facts and there are none, or has patterns, and durable-rules is not installed.
        NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: one can't be judged by.
        DatabaseUnreachable: no answer.
    """

    def __init__(
        self,
        database: Engine,
        domains: Collection[str],
        *,
        has_facts: bool,
        prepare: Prepare | None = None,
        compiled: Collection[LoadedRuleset] = (),
    ) -> None:
        self._database = database
        self._has_facts = has_facts
        self._prepare = prepare
        #: Domain to what is active and can't be judged by here: its digest, and why.
        self.refused: dict[str, tuple[str, str]] = {}
        self._versions = ProgramVersions(self._load)
        active = active_digests(database)
        known = {(one.domain, one.digest): one for one in compiled}
        #: Domain to its ruleset. Entries are replaced; with one that is added comes a new mapping.
        self.by_domain = {
            domain: self._load(domain, active[domain], known.get((domain, active[domain]))) for domain in domains
        }
        self._ask_again = time.monotonic() + FRESH_S

    def add(self, domain: str) -> None:
        """Judge by the active ruleset of another domain, too.

        Raises:
            SettingsError, NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: as at the start.
            DatabaseUnreachable: no answer.
        """
        digest = active_digests(self._database).get(domain)
        if digest is None:
            raise NotFound("unknown-domain", f"domain {domain!r} is not published", "'rulefarm rules publish' does it")
        self.by_domain = {**self.by_domain, domain: self._load(domain, digest)}
        gc.collect()

    def version(self, domain: str, digest: str) -> LoadedRuleset:
        """A ruleset by its digest, whichever is the active one.

        Args:
            domain: whose.
            digest: of it, whole.

        Raises:
            RulesetUnusable: this process can't judge by it.
            DatabaseUnreachable: its source can't be read.
        """
        active = self.by_domain.get(domain)
        if active is not None and active.digest == digest:
            return active
        return self._versions.get(domain, digest)

    def refresh_when_due(self) -> None:
        """Take what was published since, if nobody has asked for `FRESH_S`.

        Raises:
            DatabaseUnreachable: no answer.
            RulesetLate: the time limit of the task came first.
        """
        if time.monotonic() >= self._ask_again:
            self.refresh()

    def refresh(self) -> None:
        """Take what was published since.

        Raises:
            DatabaseUnreachable, RulesetLate: as `refresh_when_due`.
        """
        active = active_digests(self._database)
        self._versions.drop_unused()
        for domain, before in tuple(self.by_domain.items()):
            digest = active.get(domain, before.digest)
            if digest == before.digest:
                self.refused.pop(domain, None)
            elif digest != self.refused.get(domain, ("", ""))[0]:
                self._replace(before, digest)
        # Not before: whoever could not read what is new asks again.
        self._ask_again = time.monotonic() + FRESH_S

    def watch(self) -> None:
        """Take what is published from now on, in a thread; once, and in the main process of a worker."""
        threading.Thread(target=self._watch, name="published-rulesets", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(FRESH_S)
            try:
                self.refresh()
            except FarmUnreachable as error:
                log.debug("the active rulesets can't be read: %s", error)
            except Exception:
                # Whatever it is, the next look may fare better, and the processes of the pool look by themselves.
                log.exception("the active rulesets can't be read")

    def _replace(self, before: LoadedRuleset, digest: str) -> None:
        try:
            kept = self._versions.known(before.domain, digest)
            self.by_domain[before.domain] = kept or self._load(before.domain, digest)
        except FarmUnreachable:
            raise
        except SoftTimeLimitExceeded:
            message = f"the ruleset {digest[:12]} of {before.domain} is not compiled within the time limit of a job"
            raise RulesetLate("ruleset-late", message, "raise RULEFARM_JOB_TIME_LIMIT_S") from None
        except Exception as error:
            # Whatever it is: a job that fails for it would be one that the ruleset of before can judge.
            known = isinstance(error, (EngineError, RulefarmError))
            self.refused[before.domain] = (digest, str(error) if known else repr(error))
            log.error(
                "%s: this worker can't judge by %s, which was published, and goes on by %s: %s",
                before.domain, digest[:12], before.digest[:12], error, exc_info=not known,
            )  # fmt: skip
            return
        # The ruleset of before is freed by counting, when the last who judges by it has done so. What was made since is
        # walked here, and not by a job; nothing else is: a walk through all that a process shares would copy it,
        # and take longer than to compile.
        gc.collect()
        self.refused.pop(before.domain, None)
        log.info("%s: judged by %s from now on; it was %s", before.domain, digest[:12], before.digest[:12])

    def _load(self, domain: str, digest: str, compiled: LoadedRuleset | None = None) -> LoadedRuleset:
        loaded = compiled or load_recorded(domain, digest, source_of(self._database, domain, digest))
        require_durable_rules(loaded.program)
        if loaded.schema.is_shared and not self._has_facts:
            message = f"domain {domain!r} shares facts, and nothing says where"
            raise SettingsError("no-facts", message, "set RULEFARM_FACTS_URL")
        return self._prepare(loaded) if self._prepare else loaded
