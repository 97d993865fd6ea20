"""Dates, times of day and durations that a text writes.  [written_values] -> operand_nodes, checks, tables

Takes the text of a rule or of a cell, gives a scalar. Settles no zone: a date without one stays so until
`engine.checks.resolve` knows the domain's."""

from datetime import date, datetime, time, timedelta

from engine.values import ValueRefused, moment, parse_date, parse_duration, parse_time


def read_moment(text: str) -> date | None:
    """The date that an ISO 8601 text means, else None: a datetime in UTC when it has a time and an offset, one without
    a zone when it has no offset, and without a time a plain date. The domain's zone is settled later.

    >>> read_moment("2026-01-31"), read_moment("2026-01-31T09:30:00+01:00")
    (datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 8, 30, tzinfo=datetime.timezone.utc))
    """
    try:
        written = parse_date(text.strip())
        return moment(written) if isinstance(written, datetime) and written.tzinfo else written
    # An offset can push a moment of year 1 or 9999 out of the calendar.
    except ValueRefused:
        return None


def read_clock(text: str, kind: str) -> time | timedelta:
    """The time of day or the duration that a text writes.

    Args:
        text: the text.
        kind: `time` or `duration`.

    Raises:
        ValueRefused: it writes none.
    """
    return parse_time(text.strip()) if kind == "time" else parse_duration(text.strip())
