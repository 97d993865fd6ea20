"""The instant that a caller says facts are judged at.  an as_of -> [instant] -> program, explanation

Facts that are none give an evaluation that says so; an instant that is none is the caller's own fault, and raises.
Gives a moment in UTC, refuses what has no year there; reads no clock."""

from datetime import UTC, datetime

from engine.errors import EngineError
from engine.values import ValueRefused, moment


def judged_at(as_of: datetime) -> datetime:
    """The instant in UTC.

    Args:
        as_of: one without a zone means UTC.

    Raises:
        EngineError: `bad-as-of`: it is no datetime, or not within the years 1 to 9999 of UTC.
    """
    # Asked for each record, and nearly always this.
    if as_of.__class__ is datetime and as_of.tzinfo is UTC:
        return as_of
    if not isinstance(as_of, datetime):
        raise EngineError("bad-as-of", f"as_of is a {type(as_of).__name__}, not a datetime")
    try:
        return moment(as_of)
    except ValueRefused:
        message = f"as_of {as_of.isoformat()} is not within the years 1 to 9999 of UTC"
        raise EngineError("bad-as-of", message) from None
