"""Add looked-up facts to those of a job.  documents, schema -> [lookups] -> which facts, then documents with them

Pure: whoever calls it reads the facts, from Redis or from a file. A fact that came with the job is not looked up. One
that is nowhere is null, or refuses the job where the domain requires it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import Schema, normal_text
from rulefarm import wire
from rulefarm.errors import FactRejected, JobRejected
from rulefarm.normalize import abbreviate, to_json_values
from rulefarm.reference_facts import parsed

#: Codes of what keeps a job from being judged, though its own facts are in order.
REFUSALS = ("fact-missing", "fact-unreadable", "event-time", "event-too-large")
#: Reads the texts of facts by pairs of name and key; None where there is none.
ReadTexts = Callable[[Collection[tuple[str, str]]], Mapping[tuple[str, str], str | None]]


@dataclass(frozen=True, slots=True)
class CompleteFacts:
    """The facts of one subject, as they are judged."""

    #: All of them.
    document: Mapping[str, Any]
    #: The shared ones among them.
    shared: dict[str, Any]
    #: Why it can't be judged: code and message; None if it can.
    refusal: tuple[str, str] | None = None


def look_up(schema: Schema, documents: Sequence[Mapping[str, Any]], read: ReadTexts) -> list[CompleteFacts]:
    """Add the facts that are looked up to those that were sent.

    Args:
        schema: of the domain.
        documents: facts as they were sent, one set a subject.
        read: asked once, for all of them.

    Returns:
        One a document, in order.
    """
    keys = [_keys(schema, document) for document in documents]
    pairs = {(fact, key): None for each in keys for fact, key in each.items() if key is not None}
    texts = read(pairs)
    facts = {pair: _fact(*pair, texts[pair]) for pair in pairs}
    return [_completed(schema, document, each, facts) for document, each in zip(documents, keys, strict=True)]


def _keys(schema: Schema, document: Mapping[str, Any]) -> dict[str, str | None]:
    """The facts to look up for a document, each with its key; None: it has none."""
    keys: dict[str, str | None] = {}
    document = schema.with_own_names(document)
    for lookup in schema.lookups:
        # Null and missing are the same value: only a fact that was sent is the producer's own.
        if document.get(lookup.fact) is None:
            owner = document.get(lookup.by[0])
            keys[lookup.fact] = key_text(owner.get(lookup.by[1]) if isinstance(owner, Mapping) else None)
    return keys


def key_text(value: Any) -> str | None:
    """A field as a key, in Unicode normal form C as all text; None for what can't be one.

    >>> key_text(7.0), key_text("007"), key_text(None), key_text(True)
    ('7', '007', None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        return wire.checked_key(normal_text(str(to_json_values({"key": value})["key"])))
    except JobRejected:
        return None


def _fact(name: str, key: str, text: str | None) -> dict[str, Any] | FactRejected | None:
    try:
        return None if text is None else parsed(name, key, text)
    except FactRejected as error:
        return error


def _completed(
    schema: Schema,
    document: Mapping[str, Any],
    keys: Mapping[str, str | None],
    facts: Mapping[tuple[str, str], dict[str, Any] | FactRejected | None],
) -> CompleteFacts:
    shared: dict[str, Any] = {}
    refusal = None
    for lookup in schema.lookups:
        if lookup.fact not in keys:
            continue
        key, by = keys[lookup.fact], ".".join(lookup.by)
        fact = None if key is None else facts[lookup.fact, key]
        if isinstance(fact, FactRejected):
            refusal, fact = refusal or (fact.code, fact.message), None
        elif fact is None and lookup.required:
            why = f"{by} holds no key" if key is None else f"there is none of {by} {abbreviate(key)}"
            refusal = refusal or ("fact-missing", f"{lookup.fact} is required, and {why}")
        shared[lookup.fact] = fact
    return CompleteFacts({**document, **shared}, shared, refusal)
