"""The event that a job is to a stream.  document, schema -> [events] -> event to record, window to judge with

Pure. An event has the fields of its fact that domain.toml declares; what is derived, and what is null, is no part of
it. Where the stream has a time, every event has one."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from engine import Schema, Stream, ValueRefused, parse_moment, start_of
from rulefarm import wire
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_EVENT_CHARACTERS
from tasks.shared_facts.lookups import CompleteFacts, key_text


def event_of(
    schema: Schema, stream: Stream, document: Mapping[str, Any], as_of: datetime
) -> tuple[str | None, dict[str, Any]]:
    """The key of a job's window, and its event.

    Args:
        schema: of the domain.
        stream: which.
        document: the facts of the job.
        as_of: when it is judged; the time of an event that does not say its own.

    Returns:
        The key, None if the job has none; and the fields.
    """
    fact, field = stream.key
    owner = schema.with_own_names(document).get(fact)
    if not isinstance(owner, Mapping):
        return None, {}
    fields = schema.facts[stream.name].fields
    event = {name: owner[name] for name in fields if owner.get(name) is not None}
    if stream.time is not None:
        event.setdefault(stream.time[1], as_of.isoformat())
    return key_text(owner.get(field)), event


def event_time(stream: Stream, event: Mapping[str, Any], as_of: datetime, zone: tzinfo) -> datetime:
    """When an event happened.

    Args:
        stream: which.
        event: of facts that fit the schema.
        as_of: when its job is judged.
        zone: of dates that have none; a day is the moment it starts.

    Raises:
        JobRejected: `event-time`: it says no date. A schema holds only what rules read to its last letter.
    """
    if stream.time is None:
        return as_of
    value = event[stream.time[1]]
    try:
        # A column of dates holds them as such.
        return start_of(parse_moment(value.isoformat() if isinstance(value, date) else value, zone))
    except (ValueRefused, TypeError):
        raise JobRejected("event-time", f"{'.'.join(stream.time)} is no date (ISO 8601 expected)") from None


def event_text(stream: Stream, event: Mapping[str, Any]) -> str:
    """An event as it is kept: canonical JSON.

    Args:
        stream: which, for the message.
        event: its fields.

    Raises:
        JobRejected: `event-too-large`, or it can't be JSON.
    """
    text = wire.canonical(event)
    if len(text) > MAX_EVENT_CHARACTERS:
        message = f"an event of {stream.name} takes {len(text)} characters, over {MAX_EVENT_CHARACTERS}"
        raise JobRejected("event-too-large", message)
    return text


def with_window(facts: CompleteFacts, stream: Stream, texts: Sequence[str], parsed: dict[str, Any]) -> CompleteFacts:
    """The facts of a job with a window of events.

    Args:
        facts: without it.
        stream: which.
        texts: the window, as it is kept.
        parsed: text to event, of those that were parsed before; takes those that are parsed here.

    Returns:
        The facts; with a refusal, `fact-unreadable`, if somebody else wrote what is no event.
    """
    window = []
    for text in texts:
        if text not in parsed:
            try:
                parsed[text] = wire.parse(text)
            except JobRejected as error:
                message = f"an event of {stream.name} as it is kept: {error.message}"
                return CompleteFacts(facts.document, facts.shared, ("fact-unreadable", message))
        window.append(parsed[text])
    return with_events(facts, stream, window)


def with_events(facts: CompleteFacts, stream: Stream, events: list[dict[str, Any]]) -> CompleteFacts:
    """The facts of a job with the events of its window.

    Args:
        facts: without them.
        stream: whose window it is.
        events: by time.
    """
    return CompleteFacts({**facts.document, stream.name: events}, {**facts.shared, stream.name: events}, facts.refusal)


def with_own_events(schema: Schema, facts: CompleteFacts, as_of: datetime) -> CompleteFacts:
    """The facts of a job with windows that hold its own event and no other: where there is no farm to ask.

    Args:
        schema: of the domain.
        facts: without windows; a window that came with the job stays.
        as_of: when the job is judged.
    """
    for stream in schema.streams:
        if facts.document.get(stream.name) is None:
            _, event = event_of(schema, stream, facts.document, as_of)
            events = [json.loads(wire.canonical(event))] if event else []
            facts = with_events(facts, stream, events)
    return facts
