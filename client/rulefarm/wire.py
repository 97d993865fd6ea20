"""Facts as one canonical JSON text, for message and row.  facts -> normalize -> [wire] -> message, job row, digest

Takes whatever a producer hands over, gives text that says the same to every reader: sorted keys, no space, 7.0 as 7.
What JSON or Postgres can't hold is refused here, by name, so that no worker and no row ever meets it."""

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rulefarm import json_text
from rulefarm.errors import JobRejected
from rulefarm.limits import MAX_DEPTH, MAX_DIGITS, MAX_FACTS_CHARACTERS, MAX_KEY_CHARACTERS
from rulefarm.normalize import abbreviate, check_storable, json_value, to_json_values, too_large

#: Ids are uuid5 below this, so the same job submitted twice has the same id wherever it was submitted.
NAMESPACE = uuid.UUID("5d0a4b52-0d1f-5f0e-9f0b-8c6f6f6f7266")
_DIGEST = re.compile("[0-9a-f]{64}")
#: Significant digits that a float64 prints at most.
_FLOAT_DIGITS = 17


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
    return canonical_with_values(facts)[0]


def canonical_with_values(facts: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Facts as canonical JSON text, and what is read from that: for whoever judges them at once.

    Args:
        facts: as for `canonical`.

    Raises:
        JobRejected: as `canonical`.

    >>> canonical_with_values({"P": {"b": 7.0, "a": "x"}})
    ('{"P":{"a":"x","b":7}}', {'P': {'a': 'x', 'b': 7}})
    """
    if not isinstance(facts, Mapping) or not facts:
        raise _no_object("facts")
    values = to_json_values(facts)
    text = json_text.encode(values)
    if len(text) > MAX_FACTS_CHARACTERS:
        raise too_large(f"take {len(text)} characters")
    return text, values


def canonical_of_row(text: str) -> tuple[str, dict[str, Any]]:
    """Canonical text of facts that are on record, and what is read from that: jsonb keeps the values, not the text.

    Args:
        text: as Postgres writes the column.

    Raises:
        JobRejected: as `canonical`: somebody else wrote the row.

    >>> canonical_of_row('{"P": {"b": 7, "aa": 0.00001}}')
    ('{"P":{"aa":1e-05,"b":7}}', {'P': {'aa': 1e-05, 'b': 7}})
    """
    ordered = json_text.in_order(text)
    if ordered is None or not isinstance(ordered[1], dict) or not ordered[1] or len(ordered[0]) > MAX_FACTS_CHARACTERS:
        return canonical_with_values(json.loads(text))
    return ordered


def canonical_value(value: Any, *, depth: int = 1) -> str:
    """One value as it stands in the canonical text of facts.

    Args:
        value: any.
        depth: objects and lists that it stands within, itself counted if it is one; default: none.

    Raises:
        JobRejected: as `canonical`; how long the text may be is for the caller to see.

    >>> canonical_value({"b": 7.0, "a": [None, "x"]})
    '{"a":[null,"x"],"b":7}'
    """
    return json_text.encode(json_value(value, None, depth))


def digest(text: str) -> str:
    """sha256 of canonical text, in hex: what the verdict was judged on."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str, *, source: str = "facts") -> dict[str, Any]:
    """The facts of JSON text that came from outside.

    Args:
        text: JSON.
        source: what to call the text in an error: a file, a line.

    Raises:
        JobRejected: no JSON, not an object, NaN or Infinity in it, a number with more digits than a float64 prints, or
            one name twice in one object.
    """
    # None of these marks is lost in the canonical text, so facts of more are refused anyway; but as values of Python
    # they would take thirty times the memory of the text.
    if len(text) > MAX_FACTS_CHARACTERS and (marks := sum(map(text.count, '"[{,:'))) > MAX_FACTS_CHARACTERS:
        raise too_large(f"have {marks} brackets, commas and quotes")
    return _parsed(text, source, _FROM_OUTSIDE)


def parse_float(text: str) -> float:
    """A number with a point or an exponent out of JSON that came from outside.

    Raises:
        JobRejected: it has more digits than any float64 prints, so that somebody wrote a decimal, and some of them
            would be lost.

    >>> parse_float("0.30000000000000004")
    0.30000000000000004
    """
    # Signs, point and exponent make room for nothing in so short a text.
    if len(text) > _FLOAT_DIGITS:
        digits = text.lower().partition("e")[0].replace(".", "").strip("-0")
        if len(digits) > _FLOAT_DIGITS:
            raise JobRejected("bad-number", f"{abbreviate(text)} has more than {MAX_DIGITS} significant digits")
    return float(text)


class _NotTaken(Exception):
    """Something that JSON, or Python's reader of it, takes and we do not; who knows the source says so."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(code, what)
        self.code = code
        self.what = what


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise _NotTaken("duplicate-name", f"the name {abbreviate(name)} stands twice in one object")
    return document


def _constant(name: str) -> Any:
    raise _NotTaken("bad-number", f"{name} is not JSON")


# Made once: to make one takes as long as to read an order by it.
_FROM_OUTSIDE = json.JSONDecoder(parse_constant=_constant, parse_float=parse_float, object_pairs_hook=_members)
_FROM_US = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_members)


def _parsed(text: str, source: str, decoder: json.JSONDecoder) -> dict[str, Any]:
    try:
        facts = decoder.decode(text)
    except _NotTaken as error:
        raise JobRejected(error.code, f"{source}: {error.what}") from None
    except RecursionError:
        raise JobRejected("too-deep", f"{source}: nested deeper than {MAX_DEPTH}") from None
    except json.JSONDecodeError as error:
        raise JobRejected("bad-json", f"{source}: no JSON: {error}") from None
    except ValueError:
        # Python reads no integer of so many digits.
        raise JobRejected("bad-number", f"{source}: a number has more than {MAX_DIGITS} significant digits") from None
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
        raise too_large(f"take {len(text)} characters")
    # A number of more digits than a float prints is none that `canonical` writes.
    facts = _parsed(text, "facts", _FROM_US)
    if canonical(facts) != text:
        raise JobRejected("not-canonical", "facts: not as rulefarm writes them: names in order, no spaces, 7.0 as 7")
    return facts


def job_id(domain: str, key: str, facts_digest: str, as_of: datetime | None, ruleset: str | None = None) -> uuid.UUID:
    """The id of a job with a key: the same domain, key, content, explicit as_of and pin give the same id.

    Args:
        domain: who judges.
        key: what is judged.
        facts_digest: of its canonical facts.
        as_of: in UTC; None if none was given.
        ruleset: digest of the ruleset that it is pinned to. Default: to none.
    """
    parts = (domain, key, facts_digest, as_of.isoformat() if as_of else "", *([ruleset] if ruleset else []))
    return uuid.uuid5(NAMESPACE, json.dumps(parts))


def checked_digest(digest: str) -> str:
    """The digest of a ruleset, if it can be one.

    Raises:
        JobRejected: `bad-digest`.
    """
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        hint = "give it whole: 'rulefarm rules history --json'"
        raise JobRejected("bad-digest", f"a digest is 64 digits 0-9 and a-f, not {abbreviate(digest)}", hint)
    return digest


def checked_key(key: str) -> str:
    """The key, if it can name a subject.

    Raises:
        JobRejected: empty, too long, or with characters that Postgres can't store.
    """
    if not isinstance(key, str) or not key or len(key) > MAX_KEY_CHARACTERS:
        raise JobRejected("bad-key", f"a key is text of 1 to {MAX_KEY_CHARACTERS} characters, not {abbreviate(key)}")
    return check_storable(key, "the key")


def instant(moment: datetime, name: str = "as_of") -> datetime:
    """The instant in UTC.

    Args:
        moment: an instant of any time zone.
        name: what to call it in the message.

    Raises:
        JobRejected: it has no time zone, or is no datetime at all, so it is no instant; or UTC has no year for it.
    """
    if not isinstance(moment, datetime):
        found = f"{name} is a {type(moment).__name__}, not a datetime"
        raise JobRejected("bad-as-of", found, "say datetime.fromisoformat(…), with a time zone")
    if moment.tzinfo is None:
        raise JobRejected("bad-as-of", f"{name} {moment.isoformat()} has no time zone", "say datetime(…, tzinfo=UTC)")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        message = f"{name} {moment.isoformat()} is not within the years 1 to 9999 of UTC"
        raise JobRejected("bad-as-of", message) from None


def _no_object(what: str) -> JobRejected:
    return JobRejected("bad-facts", f"{what} must be a JSON object: fact name to fact", 'for example {"Order": {…}}')
