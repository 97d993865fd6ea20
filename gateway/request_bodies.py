"""What a request asks to be judged.  body -> [request_bodies] -> jobs with their canonical facts

Reads a body within its bounds, and makes of it what `Farm.submit` would: the same key with the same
facts is the same job, whichever way it comes. Writes nothing, and knows no ruleset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request

from gateway.problems import RequestRefused
from rulefarm import wire
from rulefarm.errors import JobRejected, RulefarmError
from rulefarm.jobs import identity
from rulefarm.messaging import JobMessage
from rulefarm.normalize import abbreviate
from rulefarm.tracing import current_traceparent

#: Bytes of the body of one request. A file of a batch has a bound of its own.
MAX_BODY_BYTES = 8_000_000
#: Bytes of a larger one that are read and dropped: most clients look for an answer only when they have sent it all.
_DISCARDED_BYTES = 10 * MAX_BODY_BYTES
#: Subjects of one request. More are a batch.
MAX_SUBJECTS = 1_000
INSTANT_HINT = "say 2026-03-01T12:00:00Z; in a query + is written %2B"
_MEMBERS = frozenset({"facts", "key", "as_of", "digest"})


@dataclass(frozen=True, slots=True)
class Submission:
    """One subject, as it was sent."""

    facts: Mapping[str, Any]
    key: str | None
    as_of: datetime | None
    #: Of the ruleset that it is pinned to; None: to none.
    digest: str | None


async def read_body(request: Request) -> bytes:
    """The body of a request.

    Raises:
        RequestRefused: it is too large.
        starlette.requests.ClientDisconnect: nobody waits for an answer.
    """
    announced = announced_bytes(request)
    if announced > _DISCARDED_BYTES:
        raise too_large(MAX_BODY_BYTES)
    parts: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect()
        part, is_more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
        elif announced <= MAX_BODY_BYTES:
            raise too_large(MAX_BODY_BYTES)
    if size > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES)
    return b"".join(parts)


def key_in_head(request: Request) -> str | None:
    """The key that a request has as `Idempotency-Key`; None: it has none.

    Raises:
        RequestRefused: it has two, or one that is no text.
    """
    keys = _in_head(request, b"idempotency-key")
    if len(keys) > 1:
        raise RequestRefused("bad-request", "Idempotency-Key stands twice in the head", "give one of them")
    try:
        # Starlette has a header's bytes as Latin-1; of a body the same key would be another text.
        return keys[0].decode() if keys else None
    except UnicodeDecodeError:
        message = f"Idempotency-Key is not UTF-8: {abbreviate(keys[0].decode('latin-1'))}"
        raise RequestRefused("bad-request", message, "send it as UTF-8, or as key in the body") from None


def announced_bytes(request: Request) -> int:
    """What a request says that its body has; 0: nothing."""
    sizes = _in_head(request, b"content-length")
    return int(sizes[0]) if sizes else 0


def _in_head(request: Request, name: bytes) -> list[bytes]:
    # Starlette would make text of all that stands in a head before it looks for one thing in it.
    return [value for each, value in request.scope["headers"] if each == name]


def too_large(most: int) -> RequestRefused:
    """The error of a body of more than `most` bytes."""
    return RequestRefused("body-too-large", f"the body has more than {most} bytes", "send less at once")


def parse_submissions(body: bytes, key: str | None) -> tuple[list[Submission], bool]:
    """What a body asks to be judged.

    Args:
        body: `{"facts": …}`, with `key`, `as_of` and `digest` if there are any; or `{"subjects": [such, …]}`.
        key: of the header `Idempotency-Key`, for a single subject; None: there was none.

    Returns:
        The subjects, and whether they came as a list.

    Raises:
        JobRejected, RequestRefused: it is no such body; the message names the place.
    """
    document = wire.parse(_text(body), source="the body")
    if "subjects" not in document:
        return [_submission(document, "", key)], False
    subjects = document["subjects"]
    if len(document) > 1 or not isinstance(subjects, list) or not subjects:
        raise RequestRefused("bad-request", "subjects is a list of at least one, with nothing beside it")
    if key is not None:
        raise RequestRefused("bad-request", "Idempotency-Key is the key of one subject", "give each a key of its own")
    if len(subjects) > MAX_SUBJECTS:
        message = f"{len(subjects)} subjects, over {MAX_SUBJECTS}"
        raise RequestRefused("too-many-subjects", message, "send them in several requests, or as a batch")
    return [_submission(each, f"subjects[{place}]", None) for place, each in enumerate(subjects)], True


def job_messages(domain: str, submissions: list[Submission]) -> list[JobMessage]:
    """Jobs that can be taken, as `rulefarm.jobs.new_jobs` makes them.

    Args:
        domain: who judges.
        submissions: the subjects.

    Raises:
        JobRejected: one of them can't be taken; of several the message names its place.
        RequestRefused: one is pinned to a ruleset: a gateway judges by the active one.
    """
    if any(each.digest is not None for each in submissions):
        raise RequestRefused("bad-request", "a job with a digest is judged by a worker", "send it to …/jobs")
    now = datetime.now(UTC)
    return list(_messages(domain, submissions, now, current_traceparent()))


def _messages(
    domain: str, submissions: list[Submission], now: datetime, traceparent: str | None
) -> Iterator[JobMessage]:
    for place, each in enumerate(submissions):
        try:
            text, values = wire.canonical_with_values(each.facts)
            moment = wire.instant(each.as_of) if each.as_of else None
            job_id, subject = identity(domain, each.key, text, moment)
        except JobRejected as error:
            raise _at(error, f"subjects[{place}]" if len(submissions) > 1 else "") from None
        yield JobMessage(
            job_id=job_id,
            domain=domain,
            subject=subject,
            facts=text,
            as_of=moment or now,
            enqueued_at=now,
            on_record=True,
            traceparent=traceparent,
            parsed=values,
        )


def _submission(document: Any, place: str, key: str | None) -> Submission:
    if not isinstance(document, dict) or "facts" not in document:
        where = f"{place}: " if place else ""
        raise RequestRefused(
            "bad-request",
            f"{where}no facts",
            'a subject is {"facts": {…}}, with "key", "as_of" and "digest" if there are any',
        )
    unknown = [name for name in document if name not in _MEMBERS]
    if unknown:
        raise RequestRefused("bad-request", f"{place or 'the body'} has an unknown member {abbreviate(unknown[0])}")
    own = document.get("key")
    if own is not None and key is not None and own != key:
        raise RequestRefused("bad-request", "the key of the body is not that of Idempotency-Key", "give one of them")
    try:
        digest = document.get("digest")
        pinned = None if digest is None else wire.checked_digest(digest)
        moment = parse_as_of(document.get("as_of"))
    except JobRejected as error:
        raise _at(error, place) from None
    return Submission(document["facts"], key if own is None else own, moment, pinned)


def parse_as_of(text: Any) -> datetime | None:
    """The instant that a request says to judge at; None: it says none.

    Raises:
        JobRejected: `bad-as-of`.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return wire.instant(moment)
        message = f"as_of {abbreviate(text)} has no time zone"
    # OverflowError: 0001-01-01 of a place east of Greenwich is no instant in UTC.
    except (TypeError, ValueError, OverflowError):
        message = f"as_of is no instant but {abbreviate(text)}"
    raise JobRejected("bad-as-of", message, INSTANT_HINT)


def _at(error: RulefarmError, place: str) -> RulefarmError:
    return type(error)(error.code, f"{place}: {error.message}" if place else error.message, error.hint)


def _text(body: bytes) -> str:
    try:
        return body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise RequestRefused("bad-json", "the body is not UTF-8") from None
