"""Judge a file of facts line by line, without a farm.  jsonl -> [replay] -> number, subject, evaluation of each line

Gives the evaluation that a worker would give each line after those before it: shared facts are added by the same
`tasks.shared_facts.provider`, from a file and from windows in memory. A line that can't be taken is an error with its
number, and no event; the rest are judged."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from engine import Evaluation, Schema, error_evaluation
from rulefarm import wire
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_FACTS_CHARACTERS
from rulesets.loader import LoadedRuleset
from tasks.judge import evaluate_complete
from tasks.shared_facts import MemoryWindows, SharedFacts, Subject, event_of, event_time, key_text


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one line."""

    #: Counted from 1, empty lines too.
    number: int
    #: The key of its subject; None if it says none.
    subject: str | None
    evaluation: Evaluation


class DocumentFacts:
    """Reference facts out of a document: fact to key to fields."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Keep the document.

        Args:
            document: `{"Customer": {"2375": {"limit": 500}}}`.
        """
        self._document = document

    def texts(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
        """The texts of facts, as Redis would hold them; None where there is none.

        Args:
            keys: pairs of fact and key.
        """
        return {pair: self._text(*pair) for pair in keys}

    def _text(self, fact: str, key: str) -> str | None:
        by_key = self._document.get(fact)
        fields = by_key.get(key) if isinstance(by_key, Mapping) else None
        return None if fields is None else json.dumps(fields)


def replay(
    loaded: LoadedRuleset,
    lines: IO[str],
    *,
    reference: DocumentFacts,
    as_of: datetime | None,
    clock: Callable[[], float],
) -> Iterator[Replayed]:
    """Judge a file, line by line.

    Args:
        loaded: the ruleset of its domain.
        lines: of facts, as JSON; events of one key in the order of time.
        reference: reference facts.
        as_of: the instant to judge each line at. None: when its event happened, where a stream of the domain says
            when, else now.
        clock: seconds since 1970.

    Returns:
        What came of each line that is not empty, in order.
    """
    shared = SharedFacts(reference, MemoryWindows(clock))
    for number, text in enumerate(_bounded(lines), 1):
        if not text.strip():
            continue
        try:
            document = _facts(text)
        except JobRejected as error:
            yield Replayed(number, None, error_evaluation(error.code, error.message, {}))
            continue
        moment = as_of or _moment(loaded.schema, document, datetime.fromtimestamp(clock(), UTC))
        # Events of one instant stand in the order of their ids: of their lines.
        [complete] = shared.complete(loaded, [Subject(f"{number:012}", document, moment)])
        yield Replayed(number, _subject(loaded.schema, document), evaluate_complete(loaded, complete, moment))


def _bounded(lines: IO[str]) -> Iterator[str]:
    """The lines, each cut off where no facts can be that long: a file may be one line without an end."""
    # Canonical text is shorter than what a producer may write: spaces, and characters as \\u.
    most = 12 * MAX_FACTS_CHARACTERS
    while text := lines.readline(most):
        whole = text
        while len(whole) == most and not whole.endswith("\n"):
            whole = lines.readline(most)
        yield text


def _facts(text: str) -> dict[str, Any]:
    return wire.parse(wire.canonical(wire.parse(text, source="the line")))


def _moment(schema: Schema, document: Mapping[str, Any], now: datetime) -> datetime:
    for stream in schema.streams:
        if stream.time is not None:
            _, event = event_of(schema, stream, document, now)
            try:
                return event_time(stream, event, now, schema.zone) if event else now
            except JobRejected:
                return now
    return now


def _subject(schema: Schema, document: Mapping[str, Any]) -> str | None:
    fact = schema.with_own_names(document).get(schema.subject)
    return key_text(fact.get(schema.key)) if isinstance(fact, Mapping) else None
