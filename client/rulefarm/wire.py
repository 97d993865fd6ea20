"""Facts as they travel and rest: one canonical JSON text.  producer's objects -> [wire] -> message, job row, digest

Takes whatever a producer hands over, gives text that says the same to every reader: sorted keys, no space, 7.0 as 7.
What JSON or Postgres can't hold is refused here, by name, so that no worker and no row ever meets it."""

import hashlib
import json
import math
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from rulefarm.errors import JobRejected

#: Characters of one job's facts as canonical text. An order of 500 lines takes about 100,000.
MAX_FACTS_CHARACTERS = 1_000_000
#: Bytes of one message: those facts, were each character one that JSON inside JSON writes with twelve, and an envelope.
MAX_MESSAGE_BYTES = 16_000_000
#: Objects and lists inside one another, the facts themselves counted.
MAX_DEPTH = 32
#: Fields of one object. A table of Postgres ends at 1,600 columns; more are data in the place of names.
MAX_FIELDS = 1_000
#: Items of one list. More lines than that are a batch, not an order.
MAX_ITEMS = 10_000
#: Characters of one text: some thirty pages.
MAX_TEXT_CHARACTERS = 100_000
#: Characters of the name of a field.
MAX_NAME_CHARACTERS = 200
#: Characters of a key, which becomes the verdict's subject.
MAX_KEY_CHARACTERS = 200
#: Significant digits of a number: what a float64 gives back unchanged.
MAX_DIGITS = 15

#: Characters of a value that an error message shows.
_SHOWN = 40

#: Ids are uuid5 below this, so the same job submitted twice has the same id wherever it was submitted.
NAMESPACE = uuid.UUID("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")


def canonical(facts: Mapping[str, Any]) -> str:
    """Facts as canonical JSON text.

    Args:
        facts: fact name to object or list of objects. Numbers may be int, float or Decimal; dates become ISO text.

    Returns:
        JSON with sorted keys and no white space; equal facts give equal text.

    Raises:
        JobRejected: not a mapping, or something in it has no JSON form, is over a limit, is no number that a float64
            holds, or is text that Postgres can't store. The message names the place; docs/limits.md lists the codes.
    """
    if not isinstance(facts, Mapping) or not facts:
        raise _no_object("facts")
    plain = _plain(facts, "", 1, count(1))
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_FACTS_CHARACTERS:
        raise _too_large(f"take {len(text)} characters")
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
        JobRejected: no JSON, not an object, NaN or Infinity in it, or one name twice in one object.
    """

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            name = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise JobRejected("duplicate-name", f"{source}: the name {shown(name)} stands twice in one object")
        return found

    def constant(name: str) -> Any:
        raise JobRejected("bad-number", f"{source}: {name} is not JSON")

    try:
        facts = json.loads(text, parse_constant=constant, object_pairs_hook=members)
    except RecursionError:
        raise JobRejected("too-deep", f"{source}: nested deeper than {MAX_DEPTH}") from None
    except ValueError as error:
        raise JobRejected("bad-json", f"{source}: no JSON: {error}") from None
    if not isinstance(facts, dict):
        raise _no_object(f"{source}: facts")
    return facts


def parse_canonical(text: str) -> dict[str, Any]:
    """The facts of a text that must be what `canonical` gives: for whoever does not trust the sender.

    Args:
        text: canonical JSON.

    Raises:
        JobRejected: it is not canonical, or holds what `canonical` refuses.
    """
    if len(text) > MAX_FACTS_CHARACTERS:
        raise _too_large(f"take {len(text)} characters")
    facts = parse(text)
    if canonical(facts) != text:
        raise JobRejected("not-canonical", "facts: not as rulefarm writes them: names in order, no spaces, 7.0 as 7")
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
        raise JobRejected("bad-key", f"a key is text of 1 to {MAX_KEY_CHARACTERS} characters, not {shown(key)}")
    return _storable(key, "the key")


def instant(moment: datetime, name: str = "as_of") -> datetime:
    """The instant in UTC.

    Raises:
        JobRejected: it has no time zone, so it is no instant.
    """
    if moment.tzinfo is None:
        raise JobRejected("bad-as-of", f"{name} {moment.isoformat()} has no time zone", "say datetime(…, tzinfo=UTC)")
    return moment.astimezone(UTC)


def shown(value: Any) -> str:
    """A value as an error message names it: never long, whatever it is.

    >>> shown("x" * 50), shown(7), shown([7])
    ("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'", '7', 'a list')
    """
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
    # str() of an integer of more than 4,300 digits raises, and one of a thousand is no help.
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return f"an integer of {value.bit_length()} bits"
    return str(value)[:_SHOWN] if isinstance(value, (int, float, Decimal)) else f"a {type(value).__name__}"


def _plain(value: Any, place: str, depth: int, values: Iterator[int]) -> Any:
    # A list that holds itself, or one list in a thousand places, is small in memory and endless as text.
    if next(values) > MAX_FACTS_CHARACTERS:
        raise _too_large(f"hold more than {MAX_FACTS_CHARACTERS} values")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, (int, float, Decimal)):
        return _number(value, place)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if not isinstance(value, (Mapping, list, tuple)):
        raise JobRejected("bad-facts", f"{place}: a {type(value).__name__} has no JSON form")
    if depth > MAX_DEPTH:
        # The whole place would say as little as it is long.
        raise JobRejected("too-deep", f"{place.split('.')[0].split('[')[0]}: nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        if len(value) > MAX_FIELDS:
            raise JobRejected("too-many-fields", f"{place or 'facts'}: {len(value)} fields, over {MAX_FIELDS}")
        return {
            _name(key, place): _plain(item, f"{place}.{key}".lstrip("."), depth + 1, values)
            for key, item in value.items()
        }
    if len(value) > MAX_ITEMS:
        raise JobRejected("list-too-long", f"{place}: {len(value)} items, over {MAX_ITEMS}")
    return [_plain(item, f"{place}[{index}]", depth + 1, values) for index, item in enumerate(value)]


def _number(value: int | float | Decimal, place: str) -> int | float:
    # One text for one number, also after a round through jsonb, which writes 1e16 as 10000000000000000: whole numbers
    # of up to 15 digits as int, longer ones as float if a float says the same in 15 digits.
    if isinstance(value, int) and abs(value) < 10**MAX_DIGITS:
        return int(value)
    if isinstance(value, Decimal) and not value.is_finite():
        raise _bad_number(value, place, "is not a finite number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _bad_number(value, place, "is not a finite number, or larger than a float64")
    if isinstance(value, int):
        return number if Decimal(repr(number)) == value else value
    if isinstance(value, Decimal):
        if len(value.normalize().as_tuple().digits) > MAX_DIGITS:
            raise _bad_number(value, place, f"has more than {MAX_DIGITS} significant digits")
        if Decimal(repr(number)) != value:
            raise _bad_number(value, place, "is too small for a float64")
    return int(number) if number.is_integer() and abs(number) < 10**MAX_DIGITS else number


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str):
        raise JobRejected("bad-name", f"{place or 'facts'}: the name {shown(name)} is not text")
    if len(name) > MAX_NAME_CHARACTERS:
        raise JobRejected(
            "bad-name", f"{place or 'facts'}: the name {shown(name)} has more than {MAX_NAME_CHARACTERS} characters"
        )
    return _storable(name, f"a name in {place or 'facts'}")


def _text(value: str, place: str) -> str:
    if len(value) > MAX_TEXT_CHARACTERS:
        raise JobRejected("text-too-long", f"{place}: {len(value)} characters, over {MAX_TEXT_CHARACTERS}")
    return _storable(value, place)


def _storable(value: str, place: str) -> str:
    if "\x00" in value:
        raise JobRejected("bad-text", f"{place}: text with a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise JobRejected("bad-text", f"{place}: text with half a surrogate pair") from None
    return value


def _no_object(what: str) -> JobRejected:
    return JobRejected("bad-facts", f"{what} must be a JSON object: fact name to fact", 'for example {"Order": {…}}')


def _too_large(how: str) -> JobRejected:
    return JobRejected("facts-too-large", f"facts {how}, over {MAX_FACTS_CHARACTERS}")


def _bad_number(value: int | float | Decimal, place: str, flaw: str) -> JobRejected:
    return JobRejected("bad-number", f"{place}: {shown(value)} {flaw}")
