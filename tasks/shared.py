"""The shared facts of a worker.  subjects -> [shared] -> store.facts -> subjects with all that they are judged with

What a domain shares is fetched for a whole chunk at once. Without an answer nothing is judged: the error goes up, and
the job or chunk is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rulefarm.facts import Facts
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.facts import ReferenceFacts
from tasks.lookups import Seen, look_up


@dataclass(frozen=True, slots=True)
class Shared:
    """Where the shared facts are."""

    #: Those that are looked up by key.
    reference: ReferenceFacts

    def see(self, loaded: LoadedRuleset, documents: Sequence[Mapping[str, Any]]) -> list[Seen]:
        """Add the shared facts.

        Args:
            loaded: the ruleset of the domain.
            documents: facts as they were sent, one set a subject.

        Raises:
            FactsUnreachable: Redis does not answer.
        """
        return look_up(loaded.schema, documents, self.reference.texts)


def open_shared(settings: Settings) -> Shared:
    """The shared facts as the settings name them; nothing is connected yet.

    Raises:
        SettingsError: nothing names a Redis.
    """
    facts = Facts(settings.require_facts())
    return Shared(ReferenceFacts(facts, fresh_s=settings.facts_fresh_s, most=settings.facts_cache))
