"""Instants as people type them into a form.  a field -> [typed_instants] -> what a query says

The console shows every time in UTC, without saying so at each: what is copied from a page, or typed like it, is meant
so too. Refuses nothing: what is no instant is refused by whoever reads it."""

from datetime import datetime


def in_utc(text: str) -> str:
    """A date or time with its zone, which is UTC if none was typed; any other text as it is.

    >>> in_utc("2026-11-28 13:28:34"), in_utc("2026-11-28"), in_utc("2026-11-28T13:28+01:00"), in_utc("soon")
    ('2026-11-28T13:28:34+00:00', '2026-11-28T00:00:00+00:00', '2026-11-28T13:28+01:00', 'soon')
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo is not None else f"{moment.isoformat()}+00:00"
