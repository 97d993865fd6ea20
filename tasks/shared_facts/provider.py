"""The shared facts of a worker.  subjects -> [shared] -> store.fact_cache, store.event_windows -> all that they are
judged with

What a domain shares is fetched for a whole chunk at once. Without an answer nothing is judged: the error goes up, and
the job or chunk is tried again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine import Stream
from rulefarm.errors import JobRejected
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.event_windows import Event, Windows
from store.fact_cache import CachedFacts
from tasks.shared_facts.events import event_of, event_text, event_time, with_events, with_window
from tasks.shared_facts.lookups import CompleteFacts, look_up


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject that is about to be judged."""

    #: The id of its verdict.
    job_id: str
    #: Its facts, as they were sent.
    document: Mapping[str, Any]
    as_of: datetime


class Reference(Protocol):
    """Where facts are looked up by key: `store.fact_cache.ReferenceFacts`, or a file."""

    def texts(self, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None]:
        """The texts of facts; None where there is none."""


class Recorder(Protocol):
    """Where events are kept: `store.event_windows.Windows`, or `tasks.shared_facts.memory_windows.MemoryWindows`."""

    def record(self, domain: str, stream: Stream, events: Sequence[Event]) -> list[list[str]]:
        """Add events, and read the window of each."""


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """Where the shared facts are."""

    #: Those that are looked up by key.
    reference: Reference
    #: Those that happened just before.
    windows: Recorder

    def see(self, loaded: LoadedRuleset, subjects: Sequence[Subject]) -> list[CompleteFacts]:
        """Add the shared facts; to the streams of the domain, add the subjects.

        Args:
            loaded: the ruleset of the domain.
            subjects: a job, or the rows of a chunk.

        Raises:
            FactsUnreachable: Redis does not answer.
        """
        seen = look_up(loaded.schema, [subject.document for subject in subjects], self.reference.texts)
        if loaded.schema.streams:
            # What can't be judged is no event: else one odd job would refuse every job after it.
            fit = [
                i
                for i, (one, subject) in enumerate(zip(seen, subjects, strict=True))
                if one.refusal is None and not loaded.program.refuses(one.document, as_of=subject.as_of)
            ]
            for stream in loaded.schema.streams:
                self._record(loaded, stream, subjects, seen, fit)
        return seen

    def _record(
        self,
        loaded: LoadedRuleset,
        stream: Stream,
        subjects: Sequence[Subject],
        seen: list[CompleteFacts],
        fit: list[int],
    ) -> None:
        events, places = [], []
        for i in fit:
            subject, one = subjects[i], seen[i]
            if one.document.get(stream.name) is not None:
                continue
            key, event = event_of(loaded.schema, stream, one.document, subject.as_of)
            if key is None:
                # Without a key it is nobody's event but its own.
                seen[i] = with_events(one, stream, [event] if event else [])
                continue
            try:
                at, text = event_time(stream, event, subject.as_of), event_text(stream, event)
            except JobRejected as error:
                seen[i] = CompleteFacts(one.document, one.shared, (error.code, error.message))
                continue
            events.append(Event(subject.job_id, key, at, text))
            places.append(i)
        known: dict[str, Any] = {}
        for i, texts in zip(places, self.windows.record(loaded.domain, stream, events), strict=True):
            seen[i] = with_window(seen[i], stream, texts, known)


def open_shared(settings: Settings) -> SharedFacts:
    """The shared facts as the settings name them; nothing is connected yet.

    Raises:
        SettingsError: nothing names a Redis.
    """
    facts = ReferenceFacts(settings.require_facts())
    reference = CachedFacts(facts, ttl_s=settings.facts_ttl_s, size=settings.facts_cache_size)
    return SharedFacts(reference, Windows(facts))
