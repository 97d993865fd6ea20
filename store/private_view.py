"""What people see of facts on record.  a verdict, facts, a dead letter -> [private_view] -> without private values

Hidden is what the version that judged calls private, or the one that is active now: a field that was found to be
private yesterday is so in the verdicts of last year. Every command that shows facts on record has `--show-private`,
and the console a scope. Most farms call no field private; then neither a schema is read nor the engine loaded."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from rulefarm.database import active_digests
from rulefarm.verdict import Verdict
from store.private_domains import domains_with_private_fields

if TYPE_CHECKING:
    from engine import PrivateFields


class PrivateView:
    """What is shown of one database.

    Args:
        engine: the database.
        everything: whether private values are shown.

    Raises:
        DatabaseUnreachable: no answer; so do the others.
    """

    def __init__(self, engine: Engine, *, everything: bool) -> None:
        self._engine = engine
        self._domains = frozenset() if everything else domains_with_private_fields(engine)
        self._active = active_digests(engine) if self._domains else {}
        self._known: dict[tuple[str, str], PrivateFields] = {}

    def fields(self, domain: str, digest: str | None = None) -> "PrivateFields | None":
        """The private fields of a domain that are hidden; None: none are.

        Args:
            domain: its name.
            digest: of the version that judged, besides that which is active. Default: of none.
        """
        if domain not in self._domains:
            return None
        key = (domain, digest or "")
        if key not in self._known:
            self._known[key] = import_module("store.hidden_fields").private_fields(
                self._engine, domain, {digest, self._active.get(domain)} - {None}
            )
        return self._known[key]

    def verdict(self, verdict: Verdict) -> Verdict:
        """A verdict as it is shown."""
        private = self.fields(verdict.domain, verdict.ruleset_digest)
        if not private:
            return verdict
        shared = verdict.shared_facts
        return replace(
            verdict,
            changes=private.masked_paths(verdict.changes),
            shared_facts=None if shared is None else private.masked(shared),
        )

    def facts(self, facts: Mapping[str, Any] | None, domain: str, digest: str | None = None) -> Any:
        """Facts as they are shown.

        Args:
            facts: of a job, or of a row of a batch; None: there are none.
            domain: whose they are.
            digest: of the version that judged them. Default: nobody has.
        """
        private = self.fields(domain, digest)
        return private.masked(facts) if private and facts is not None else facts

    def letter(self, letter: Mapping[str, Any]) -> dict[str, Any]:
        """A dead letter as it is shown: of a message that was refused nobody can say where its private values stand."""
        content, domain = letter["content"], letter["domain"]
        hidden = content and (domain in self._domains if domain in self._active else self._domains)
        return {**letter, "content": f"({len(content):,} characters, maybe private)"} if hidden else dict(letter)
