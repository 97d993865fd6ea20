"""Facts as they travel and rest: one canonical JSON text.  producer's objects -> [wire] -> message, job row, digest

Takes whatever a producer hands over, gives text that says the same to every reader: sorted keys, no space, 7.0 as 7.
What JSON or Postgres can't hold is refused here, by name, so that no worker and no row ever meets it."""

import hashlib
import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rulefarm.errors import JobRejected

#: Characters of one job's facts. An order of 500 lines takes about 100,000.
MAX_FACTS_CHARACTERS = 1_000_000
#: Objects and lists inside one another.
MAX_DEPTH = 32
#: Characters of a key, which becomes the verdict's subject.
MAX_KEY_CHARACTERS = 200
#: Significant digits of a number: what a float64 gives back unchanged.
MAX_DIGITS = 15

#: Ids are uuid5 below this, so the same job submitted twice has the same id wherever it was submitted.
NAMESPACE = uuid.UUID("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")


def canonical(facts: Mapping[str, Any]) -> str:
    """Facts as canonical JSON text.

    Args:
        facts: fact name to object or list of objects. Numbers may be int, float or Decimal; dates become ISO text.

    Returns:
        JSON with sorted keys and no white space; equal facts give equal text.

    Raises:
        JobRejected: not a mapping, or something in it has no JSON form, is not finite, too deep, too long, or holds
            NUL or half a surrogate pair, which Postgres can't store. The message names the place.
    """
    if not isinstance(facts, Mapping) or not facts:
        raise JobRejected("bad-facts", "facts must be a JSON object: fact name to fact", 'for example {"Order": {…}}')
    text = json.dumps(_plain(facts, "", 0), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_FACTS_CHARACTERS:
        raise JobRejected("facts-too-large", f"facts take {len(text)} characters, over {MAX_FACTS_CHARACTERS}")
    return text


def digest(text: str) -> str:
    """sha256 of canonical text, in hex: what the verdict was judged on."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, *, source: str = "facts") -> dict[str, Any]:
    """The facts of JSON text that came from outside.

    Args:
        text: JSON.
        source: what to call the text in an error: a file, a line.

    Raises:
        JobRejected: no JSON, not an object, NaN or Infinity in it, or one key twice in one object.
    """
    try:
        facts = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_no_duplicates)
    except RecursionError:
        raise JobRejected("bad-facts", f"{source}: nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise JobRejected("bad-json", f"{source}: no JSON: {error}") from None
    if not isinstance(facts, dict):
        raise JobRejected("bad-facts", f"{source}: facts must be a JSON object", 'for example {"Order": {…}}')
    return facts


def job_id(domain: str, key: str, facts_digest: str, as_of: datetime | None) -> uuid.UUID:
    """The id of a job with a key: the same domain, key, content and explicit as_of give the same id."""
    parts = (domain, key, facts_digest, as_of.isoformat() if as_of else "")
    return uuid.uuid5(NAMESPACE, json.dumps(parts))


def checked_key(key: str) -> str:
    """The key, if it can name a subject.

    Raises:
        JobRejected: empty, too long, or with characters that Postgres can't store.
    """
    if not isinstance(key, str) or not key or len(key) > MAX_KEY_CHARACTERS:
        raise JobRejected("bad-key", f"a key is text of 1 to {MAX_KEY_CHARACTERS} characters, not {str(key)[:40]!r}")
    return _text(key, "the key")


def instant(moment: datetime, name: str = "as_of") -> datetime:
    """The instant in UTC.

    Raises:
        JobRejected: it has no time zone, so it is no instant.
    """
    if moment.tzinfo is None:
        raise JobRejected("bad-as-of", f"{name} {moment.isoformat()} has no time zone", "say datetime(…, tzinfo=UTC)")
    return moment.astimezone(UTC)


def _plain(value: Any, place: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, (int, float, Decimal)):
        return _number(value, place)
    if depth > MAX_DEPTH:
        raise JobRejected("bad-facts", f"{place.split('.')[0]}: nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return {_name(key, place): _plain(item, f"{place}.{key}".lstrip("."), depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise JobRejected("bad-facts", f"{place}: a {type(value).__name__} has no JSON form")


def _number(value: int | float | Decimal, place: str) -> int | float:
    # One text for one number, also after a round through jsonb, which writes 1e16 as 10000000000000000: whole numbers
    # of up to 15 digits as int, longer ones as float if a float says the same in 15 digits.
    if isinstance(value, int):
        if abs(value) < 10**MAX_DIGITS:
            return value
        try:
            number = float(value)
        except OverflowError:
            return value
        return number if Decimal(repr(number)) == value else value
    if not math.isfinite(value):
        raise JobRejected("bad-facts", f"{place}: {value} is not a finite number")
    number = float(value)
    if isinstance(value, Decimal) and len(value.normalize().as_tuple().digits) > MAX_DIGITS:
        raise JobRejected("bad-facts", f"{place}: {value} has more than {MAX_DIGITS} significant digits")
    return int(number) if number.is_integer() and abs(number) < 10**MAX_DIGITS else number


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str):
        raise JobRejected("bad-facts", f"{place or 'facts'}: the name {name!r} is not text")
    return _text(name, f"a name in {place or 'facts'}")


def _text(value: str, place: str) -> str:
    if "\x00" in value:
        raise JobRejected("bad-facts", f"{place}: text with a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise JobRejected("bad-facts", f"{place}: text with half a surrogate pair") from None
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the name {name!r} stands twice in one object")
            seen.add(name)
    return members
