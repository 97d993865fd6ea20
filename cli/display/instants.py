"""Instants as people read them.  datetime -> [instants] -> text

The year has four digits, also where the C library's strftime leaves zeros out. Reads no clock."""

from datetime import datetime


def to_second(moment: datetime | None, *, zone: bool = False) -> str:
    """An instant to the second.

    Args:
        moment: aware; of none it is a dash.
        zone: say which zone it is in. Default: whoever reads it knows that it is UTC.

    >>> to_second(datetime(999, 3, 1, 12, 0, 5, 250_000))
    '0999-03-01 12:00:05'
    """
    return _shown(moment, "seconds", zone)


def to_minute(moment: datetime | None, *, zone: bool = False) -> str:
    """An instant to the minute.

    Args:
        moment: aware; of none it is a dash.
        zone: as for `to_second`.
    """
    return _shown(moment, "minutes", zone)


def _shown(moment: datetime | None, precision: str, zone: bool) -> str:
    if moment is None:
        return "-"
    shown = moment.replace(tzinfo=None).isoformat(" ", precision)
    return f"{shown} {moment.tzname()}" if zone else shown
