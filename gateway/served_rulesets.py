"""The rulesets that a gateway judges by.  Postgres -> [served_rulesets] -> evaluation, page

As in a worker, judged is what is published, and `tasks.published_rulesets` keeps it up to date. A gateway starts before
anything is published, or while Postgres is away: it looks again until what it is to serve is there. A domain that can't
be judged by is said once, and keeps no other from being served. Publishes nothing and reads no folder."""

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import Engine

from engine import EngineError, PrivateFields
from rulefarm.database import active_digests
from rulefarm.errors import FarmUnreachable, NotFound, RulefarmError
from rulesets.loader import LoadedRuleset
from tasks.published_rulesets import PublishedRulesets

log = logging.getLogger("rulefarm.gateway")


class ServedRulesets:
    """The active rulesets of the domains that a gateway serves."""

    def __init__(self, database: Engine, domains: Sequence[str], *, has_facts: bool) -> None:
        """Serve none yet: `refresh` compiles them.

        Args:
            database: where they are published.
            domains: which ones; none: every one that is published, at any time.
            has_facts: whether shared facts can be reached.
        """
        self._database = database
        self._domains = domains
        self._has_facts = has_facts
        self._published: PublishedRulesets | None = None
        #: Domain to the digest that can't be judged by.
        self._refused: dict[str, str] = {}
        #: Domain to the digest of what judged last, and its private fields: to look for them takes as long as judging.
        self._private: dict[str, tuple[str, PrivateFields]] = {}

    @property
    def by_domain(self) -> Mapping[str, LoadedRuleset]:
        """What can be judged by now."""
        return {} if self._published is None else self._published.by_domain

    def ruleset(self, domain: str) -> LoadedRuleset:
        """The ruleset of a domain.

        Raises:
            NotFound: this gateway does not serve it.
        """
        rulesets = self.by_domain
        if domain not in rulesets:
            served = ", ".join(sorted(rulesets)) or "none yet: nothing is published"
            raise NotFound("domain-not-served", f"this gateway does not serve {domain!r}", f"it serves {served}")
        return rulesets[domain]

    def private_fields(self, loaded: LoadedRuleset) -> PrivateFields:
        """The private fields of a ruleset that is served."""
        digest, private = self._private.get(loaded.domain, ("", None))
        if private is None or digest != loaded.digest:
            private = PrivateFields([loaded.schema])
            self._private[loaded.domain] = (loaded.digest, private)
        return private

    def missing(self) -> list[str]:
        """The domains that it is to serve and can't yet.

        Raises:
            DatabaseUnreachable: nobody can say.
        """
        active = active_digests(self._database)
        return sorted(set(self._domains or active) - self.by_domain.keys())

    def refresh(self) -> None:
        """Take what was published since.

        Raises:
            DatabaseUnreachable: no answer.
        """
        active = active_digests(self._database)
        if self._published is None:
            self._published = PublishedRulesets(self._database, (), has_facts=self._has_facts, prepare=_warm)
        for domain in self._domains or sorted(active):
            if domain in active and domain not in self.by_domain and active[domain] != self._refused.get(domain):
                self._add(domain, active[domain])
        self._published.refresh()

    def _add(self, domain: str, digest: str) -> None:
        assert self._published is not None
        try:
            self._published.add(domain)
            log.info("%s: judged by %s", domain, digest[:12])
        except FarmUnreachable:
            raise
        except (EngineError, RulefarmError) as error:
            self._refused[domain] = digest
            log.error("%s: this gateway can't judge by %s, which is published: %s", domain, digest[:12], error)


def _warm(loaded: LoadedRuleset) -> LoadedRuleset:
    # Else the first requests after each publishing would wait for code that is generated, and others behind them.
    loaded.program.warm_up()
    return loaded
