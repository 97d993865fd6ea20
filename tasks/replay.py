"""Judge the rows of a source one by one, without a farm.  replay_rows -> [replay] -> number, subject, evaluation

Gives the evaluation that a worker would give each row after those before it: shared facts are added by the same
`tasks.shared_facts.provider`, from a file and from windows in memory. A row that can't be taken is an error with its
number, and no event; the rest are judged."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import Evaluation, Schema, error_evaluation
from rulefarm.errors import JobRejected
from rulesets.loader import LoadedRuleset
from tasks.judge import evaluate_complete
from tasks.replay_rows import ReplayRow
from tasks.shared_facts import MemoryWindows, SharedFacts, Subject, event_of, event_time


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of one row."""

    #: Of its line or row, from 1.
    number: int
    #: What it is called; None if it says nothing.
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
    rows: Iterable[ReplayRow],
    *,
    reference: DocumentFacts,
    as_of: datetime | None,
    clock: Callable[[], float],
) -> Iterator[Replayed]:
    """Judge the rows of a source, one by one.

    Args:
        loaded: the ruleset of its domain.
        rows: of facts; events of one key in the order of time.
        reference: reference facts.
        as_of: the instant to judge each row at. None: when its event happened, where a stream of the domain says when,
            else now.
        clock: seconds since 1970.

    Returns:
        What came of each row, in order.
    """
    shared = SharedFacts(reference, MemoryWindows(clock))
    for row in rows:
        if row.refusal is not None:
            yield Replayed(row.number, row.subject, error_evaluation(*row.refusal, row.document))
            continue
        moment = as_of or _moment(loaded.schema, row.document, datetime.fromtimestamp(clock(), UTC))
        # Events of one instant stand in the order of their ids: of their rows.
        [complete] = shared.complete(loaded, [Subject(f"{row.number:012}", row.document, moment)])
        yield Replayed(row.number, row.subject, evaluate_complete(loaded, complete, moment))


def _moment(schema: Schema, document: Mapping[str, Any], now: datetime) -> datetime:
    for stream in schema.streams:
        if stream.time is not None:
            _, event = event_of(schema, stream, document, now)
            try:
                return event_time(stream, event, now, schema.zone) if event else now
            except JobRejected:
                return now
    return now
