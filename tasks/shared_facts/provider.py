"""Complete the facts of jobs with what their domain shares.  subjects -> [provider] -> CompleteFacts, to be judged

Looks facts up by key and records each job's event in the windows of its domain, for a whole chunk at once. Without an
answer of Redis nothing is judged: the error goes up, and the job or chunk is tried again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from engine import Stream
from rulefarm.errors import JobRejected
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulesets.loader import LoadedRuleset
from store.event_windows import Event, RedisWindows
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


class CompletesFacts(Protocol):
    """Adds the shared facts to those of subjects: `SharedFacts`, or `tasks.judge_again`, as they were then."""

    def complete(self, loaded: LoadedRuleset, subjects: Sequence[Subject]) -> list[CompleteFacts]:
        """As `SharedFacts.complete`.

        Args:
            loaded: the ruleset of the domain.
            subjects: a job, or the rows of a chunk.
        """


class FactTexts(Protocol):
    """Reference facts by name and key: `store.fact_cache.CachedFacts`, or `tasks.replay.DocumentFacts`."""

    def texts(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str | None]:
        """The canonical texts of facts.

        Args:
            keys: pairs of the fact's name and its key.

        Returns:
            For each its text; None where there is none.
        """


class EventWindows(Protocol):
    """Recent events by key: `store.event_windows.RedisWindows`, or `tasks.shared_facts.MemoryWindows`."""

    def record(self, domain: str, stream: Stream, events: Sequence[Event]) -> list[list[str]]:
        """Add events, and read the window of each.

        Args:
            domain: whose stream.
            stream: how far back a window reaches.
            events: of a job, or of a whole chunk.

        Returns:
            For each the texts of its window, by time, its own among them.
        """


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """Where the shared facts are."""

    #: Those that are looked up by key.
    reference: FactTexts
    #: Those that happened just before.
    windows: EventWindows

    def complete(self, loaded: LoadedRuleset, subjects: Sequence[Subject]) -> list[CompleteFacts]:
        """Add the shared facts to those of the subjects, and the subjects to the streams of their domain.

        Args:
            loaded: the ruleset of the domain.
            subjects: a job, or the rows of a chunk.

        Returns:
            One a subject, in order.

        Raises:
            FactsUnreachable: Redis does not answer.
        """
        facts = look_up(loaded.schema, [subject.document for subject in subjects], self.reference.texts)
        if loaded.schema.streams:
            # What can't be judged is no event: else one such job would refuse every job after it.
            judgeable = [
                i
                for i, (each, subject) in enumerate(zip(facts, subjects, strict=True))
                if each.refusal is None and not loaded.program.refuses(each.document, as_of=subject.as_of)
            ]
            for stream in loaded.schema.streams:
                self._add_windows(loaded, stream, subjects, facts, judgeable)
        return facts

    def _add_windows(
        self,
        loaded: LoadedRuleset,
        stream: Stream,
        subjects: Sequence[Subject],
        facts: list[CompleteFacts],
        judgeable: list[int],
    ) -> None:
        """Record the event of each judgeable subject, and add its window to the subject's facts, in place."""
        events, places = [], []
        for i in judgeable:
            subject, each = subjects[i], facts[i]
            if each.document.get(stream.name) is not None:
                continue
            key, event = event_of(loaded.schema, stream, each.document, subject.as_of)
            if key is None:
                # Without a key it is in no window but its own.
                facts[i] = with_events(each, stream, [event] if event else [])
                continue
            try:
                at, text = event_time(stream, event, subject.as_of, loaded.schema.zone), event_text(stream, event)
            except JobRejected as error:
                facts[i] = CompleteFacts(each.document, each.shared, (error.code, error.message))
                continue
            events.append(Event(subject.job_id, key, at, text))
            places.append(i)
        parsed: dict[str, Any] = {}
        for i, texts in zip(places, self.windows.record(loaded.domain, stream, events), strict=True):
            facts[i] = with_window(facts[i], stream, texts, parsed)


def open_shared(settings: Settings) -> SharedFacts:
    """The shared facts as the settings name them; nothing is connected yet.

    Raises:
        SettingsError: nothing names a Redis.
    """
    facts = ReferenceFacts(settings.require_facts())
    reference = CachedFacts(facts, ttl_s=settings.facts_ttl_s, size=settings.facts_cache_size)
    return SharedFacts(reference, RedisWindows(facts))
