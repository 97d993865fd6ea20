"""A line of cron as instants.  RULEFARM_NIGHTLY_CRON -> [cron] -> duties

In UTC, and by no clock: whoever asks says which instant is now. A day has to be one of the month's days and one of the
week's, as Celery reads a cron. Refuses a cron that names no instant at all."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from celery.schedules import crontab

from rulefarm.errors import SettingsError

#: Days that are looked at for the next instant: the 29th of February may be eight years away, and may have to be a
#: Monday, which is so every 28 years; 40 where a century is left out.
_MOST_DAYS = 40 * 366
_DAY = timedelta(days=1)


class Cron:
    """The instants that a line of cron names."""

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            SettingsError: it is none, or names no instant (`bad-cron`).
        """
        try:
            fields = crontab.from_string(text)
        except ValueError as error:
            raise _refused(text, str(error)) from None
        self._text = text
        self._months, self._days, self._weekdays = fields.month_of_year, fields.day_of_month, fields.day_of_week
        self._times = [(hour, minute) for hour in sorted(fields.hour) for minute in sorted(fields.minute)]
        self.after(datetime(2000, 1, 1, tzinfo=UTC))

    def after(self, moment: datetime) -> datetime:
        """The first instant that comes after a moment.

        >>> Cron("30 2 * * *").after(datetime(2026, 11, 27, 2, 30, tzinfo=UTC)).isoformat()
        '2026-11-28T02:30:00+00:00'
        """
        moment = moment.astimezone(UTC)
        for ahead in range(_MOST_DAYS):
            for instant in self._of_day((moment + ahead * _DAY).date()):
                if instant > moment:
                    return instant
        raise _refused(self._text, "there is no such day")

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The instants after a moment, up to and including another.

        Args:
            after: the first moment.
            until: the other one.
        """
        while (after := self.after(after)) <= until:
            yield after

    def latest(self, moment: datetime) -> datetime:
        """The last instant up to and including a moment."""
        moment = moment.astimezone(UTC)
        for back in range(_MOST_DAYS):
            for instant in reversed(self._of_day((moment - back * _DAY).date())):
                if instant <= moment:
                    return instant
        raise _refused(self._text, "there is no such day")

    def _of_day(self, day: date) -> list[datetime]:
        fits = day.month in self._months and day.day in self._days and day.isoweekday() % 7 in self._weekdays
        return [datetime(day.year, day.month, day.day, *time, tzinfo=UTC) for time in self._times] if fits else []


def _refused(text: str, flaw: str) -> SettingsError:
    return SettingsError("bad-cron", f"RULEFARM_NIGHTLY_CRON is {text!r}: {flaw}", "for example '30 2 * * *'")
