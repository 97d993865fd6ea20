"""What people see of facts on record.  a verdict, facts, a dead letter -> [private_view] -> without private values

Hidden is what the version that judged calls private, or the one that is active now: a field that was found to be
private yesterday is so in the verdicts of last year. Every command that shows facts on record has `--show-private`;
a gateway, and its console, show them to a token that is for `facts`. Most farms call no field private; then neither a
schema is read nor the engine loaded."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from rulefarm.database import active_digests
from rulefarm.verdict import Verdict
from store.private_domains import look_for_private_fields

if TYPE_CHECKING:
    from engine import PrivateFields


class PrivateView:
    """What is shown of one database. It may be asked from several threads."""

    def __init__(self, engine: Engine, *, everything: bool) -> None:
        """Ask nothing yet.

        Args:
            engine: the database.
            everything: whether private values are shown.
        """
        self._engine = engine
        self._everything = everything
        #: Versions that were looked at; None: nobody has looked.
        self._looked_at: frozenset[str] | None = None
        #: Versions that somebody asked for and that are on record no more.
        self._gone: set[str] = set()
        self._domains: frozenset[str] = frozenset()
        self._active: dict[str, str] = {}
        self._known: dict[tuple[str, str], PrivateFields] = {}

    def refresh(self) -> None:
        """Take what was published since: for who looks for longer than a command lasts.

        Raises:
            DatabaseUnreachable: no answer; so do all others that look.
        """
        if self._everything:
            return
        looked_at = self._looked_at or frozenset()
        found = look_for_private_fields(self._engine, besides=looked_at)
        domains = self._domains | found.domains
        active = active_digests(self._engine) if domains else {}
        if active != self._active:
            self._known = {}
        self._domains, self._active, self._looked_at = domains, active, looked_at | found.digests

    def fields(self, domain: str, digest: str | None = None) -> "PrivateFields | None":
        """The private fields of a domain that are hidden; None: none are.

        Args:
            domain: its name.
            digest: of the version that judged, besides that which is active. Default: of none.
        """
        if self._everything:
            return None
        self._look_at(digest)
        if domain not in self._domains:
            return None
        known, key = self._known, (domain, digest or "")
        if key not in known:
            known[key] = import_module("store.hidden_fields").private_fields(
                self._engine, domain, {digest, self._active.get(domain)} - {None}
            )
        return known[key]

    def verdict(self, verdict: Verdict) -> Verdict:
        """A verdict as it is shown."""
        private = self.fields(verdict.domain, verdict.ruleset_digest)
        return masked_verdict(verdict, private) if private else verdict

    def facts(self, facts: Mapping[str, Any] | None, domain: str, digest: str | None = None) -> Any:
        """Facts as they are shown.

        Args:
            facts: of a job, or of a row of a batch; None: there are none.
            domain: whose they are.
            digest: of the version that judged them. Default: nobody has.
        """
        private = self.fields(domain, digest)
        return private.masked(facts) if private and facts is not None else facts

    def reference_fact(self, fact: str, document: Mapping[str, Any]) -> Any:
        """A reference fact as it is shown: it is everybody's, so hidden is what any domain calls private in it.

        Args:
            fact: its name.
            document: its fields.
        """
        self._look_at(None)
        facts: dict[str, Any] = {fact: document}
        for domain in sorted(self._domains):
            facts = self.facts(facts, domain)
        return facts[fact]

    def letter(self, letter: Mapping[str, Any]) -> dict[str, Any]:
        """A dead letter as it is shown: of a message that was refused nobody can say where its private values stand."""
        self._look_at(None)
        content, domain = letter["content"], letter["domain"]
        hidden = content and (domain in self._domains if domain in self._active else self._domains)
        return {**letter, "content": f"({len(content):,} characters, maybe private)"} if hidden else dict(letter)

    def _look_at(self, digest: str | None) -> None:
        if self._looked_at is None or not (digest is None or digest in self._looked_at or digest in self._gone):
            # Published since, or gone: then nobody can say any more, and it is asked for once.
            self.refresh()
            if digest is not None and digest not in (self._looked_at or ()):
                self._gone.add(digest)


def masked_verdict(verdict: Verdict, private: "PrivateFields") -> Verdict:
    """A verdict without private values.

    Args:
        verdict: on record, or not.
        private: the private fields of its domain.
    """
    shared = verdict.shared_facts
    return replace(
        verdict,
        changes=private.masked_paths(verdict.changes),
        shared_facts=None if shared is None else private.masked(shared),
    )
