"""Refuse jobs of domains and rulesets that are not published.  active rulesets -> [known_domains] -> farm

A job of a domain that nobody has published would wait for ever: it is refused, by the list that the database held
less than 30 s ago. So is one that is pinned to a ruleset which is not on record: for that the database is asked."""

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from rulefarm.errors import JobRejected
from rulefarm.routing import checked_domain

if TYPE_CHECKING:
    from rulefarm.database import Ledger

#: Seconds for which the list is used without asking again.
_FRESH_S = 30.0


class KnownDomains:
    """The published domains, as the database listed them last."""

    def __init__(self, ledger: "Ledger | None") -> None:
        """Ask when first needed.

        Args:
            ledger: asked for the list; None: every domain is taken.
        """
        self._ledger = ledger
        self._domains: dict[str, str] = {}
        self._until = 0.0

    def check(self, domain: str) -> None:
        """Refuse a domain that nobody has published.

        Raises:
            JobRejected: it is no name, or unknown.
            DatabaseUnreachable: the list can't be read.
        """
        checked_domain(domain)
        if not self._ledger or (domain in self._domains and time.monotonic() < self._until):
            return
        self.read()
        checked_known(domain, self._domains)

    def check_pin(self, domain: str, digest: str | None) -> None:
        """Refuse a ruleset that is not on record.

        Args:
            domain: who judges.
            digest: that a job is pinned to; None: to none.

        Raises:
            JobRejected: `unknown-ruleset`.
            DatabaseUnreachable: no answer.
        """
        if digest and self._ledger and not self._ledger.has_ruleset(domain, digest):
            raise unknown_ruleset(domain, digest)

    def read(self) -> None:
        """Ask for the list.

        Raises:
            DatabaseUnreachable: it can't be read.
        """
        if self._ledger:
            self._domains = self._ledger.domains()
            self._until = time.monotonic() + _FRESH_S


def checked_known(domain: str, known: Collection[str]) -> None:
    """Refuse a domain that is not among those that are known.

    Args:
        domain: who is to judge.
        known: the names of the others.

    Raises:
        JobRejected: `unknown-domain`, with the names.
    """
    if domain not in known:
        names = ", ".join(sorted(known)) or "none: no worker has published a ruleset yet"
        raise JobRejected("unknown-domain", f"no domain {domain!r}", f"known: {names}")


def unknown_ruleset(domain: str, digest: str) -> JobRejected:
    """That a job is pinned to a ruleset which is not on record.

    Args:
        domain: whose ruleset it would be.
        digest: that the job is pinned to.
    """
    message = f"no ruleset {digest[:12]} of {domain} is on record"
    return JobRejected("unknown-ruleset", message, "'rulefarm rules history' names those that are")
