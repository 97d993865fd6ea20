"""The functions over dates that a rule can call: their part of the table.  dates -> [date_registry] -> registry

As in `engine.functions.registry`, which joins the parts: kinds, a sentence, an example that holds."""

from typing import Final

from engine.functions import dates
from engine.functions.function import Function

_N: Final = "number"
_D: Final = "date"
DATE_FUNCTIONS = (
    Function(
        "Now",
        (),
        _D,
        dates.now,
        "The moment the job is judged at (`as_of`).",
        "Now() >= MakeTime(1900, 1, 1)",
        timed=True,
    ),
    Function(
        "Today",
        (),
        _D,
        dates.today,
        "The day the job is judged on, in the domain's zone.",
        "Now() == Today() && DaysBetween(Today(), AddDays(Today(), 1)) == 1",
        timed=True,
        zoned=True,
    ),
    Function(
        "MakeTime",
        (_N,) * 6,
        _D,
        dates.make_time,
        "The moment of a year, month, day, hour, minute and second; null where there is none.",
        "Year(MakeTime(2026, 2, 28, 12, 30, 0)) == 2026 && MakeTime(2026, 2, 30) == null",
        optional=3,
        zoned=True,
    ),
    Function(
        "ToDate",
        ("any",),
        _D,
        dates.to_date,
        "The date that an ISO 8601 text writes, a whole day when it has no time; null where it writes none.",
        'ToDate("2026-03-01") == MakeTime(2026, 3, 1, 23, 59, 59)',
        zoned=True,
    ),
    Function(
        "DaysBetween",
        (_D, _D),
        _N,
        dates.days_between,
        "Whole days from the first to the second, by calendar and clock; negative when the second is earlier.",
        "DaysBetween(MakeTime(2026, 2, 27), MakeTime(2026, 3, 1)) == 2",
        zoned=True,
    ),
    Function(
        "HoursBetween",
        (_D, _D),
        _N,
        dates.hours_between,
        "Whole hours that pass from the first to the second; negative when the second is earlier.",
        "HoursBetween(MakeTime(2026, 1, 1), MakeTime(2026, 1, 2, 1, 59, 0)) == 25",
    ),
    Function(
        "DurationBetween",
        (_D, _D),
        "duration",
        dates.duration_between,
        "The duration that passes from the first to the second, of a day from its start; negative when it is earlier.",
        'DurationBetween(MakeTime(2026, 1, 1), MakeTime(2026, 1, 2, 1, 30, 0)) == Duration("P1DT1H30M")',
    ),
    Function(
        "Seconds",
        ("duration",),
        _N,
        dates.seconds,
        "Seconds of a duration, to 15 digits.",
        'Seconds(Duration("PT1M30.5S")) == 90.5',
    ),
    Function(
        "TimeOf",
        (_D,),
        "time",
        dates.time_of,
        "The time of day of a date, in the domain's zone; null for a day without a time.",
        'TimeOf(MakeTime(2026, 3, 1, 17, 5, 0)) == Time("17:05") && TimeOf(ToDate("2026-03-01")) == null',
        zoned=True,
    ),
    Function(
        "YearsBetween",
        (_D, _D),
        _N,
        dates.years_between,
        "Whole years from the first to the second, as ages are counted; negative when the second is earlier.",
        'YearsBetween(ToDate("2008-02-29"), ToDate("2026-02-28")) == 17',
        zoned=True,
    ),
    Function(
        "AddDays",
        (_D, _N),
        _D,
        dates.add_days,
        "So many days later, at the same time of the clock; null outside the years 1 to 9999.",
        "AddDays(MakeTime(2026, 2, 27), 2) == MakeTime(2026, 3, 1)",
        zoned=True,
    ),
    Function(
        "AddMonths",
        (_D, _N),
        _D,
        dates.add_months,
        "So many whole months later, at the latest the last day of that month; null outside the years 1 to 9999.",
        'AddMonths(ToDate("2026-01-31"), 1) == ToDate("2026-02-28")',
        zoned=True,
    ),
    *(
        Function(name, (_D,), _N, call, summary, example, zoned=True)
        for name, call, summary, example in (
            ("Year", dates.year, "Year.", "Year(MakeTime(2026, 3, 1)) == 2026"),
            ("Month", dates.month, "Month, 1 to 12.", "Month(MakeTime(2026, 3, 1)) == 3"),
            ("Day", dates.day, "Day of the month.", "Day(MakeTime(2026, 3, 1)) == 1"),
            ("Hour", dates.hour, "Hour, 0 to 23.", "Hour(MakeTime(2026, 3, 1, 17, 5, 0)) == 17"),
            ("Minute", dates.minute, "Minute.", "Minute(MakeTime(2026, 3, 1, 17, 5, 0)) == 5"),
            ("Second", dates.second, "Second.", "Second(MakeTime(2026, 3, 1, 0, 0, 9)) == 9"),
            ("Weekday", dates.weekday, "1 is Monday, 7 is Sunday.", "Weekday(MakeTime(2026, 3, 1)) == 7"),
            ("DayOfWeek", dates.weekday, "The same as `Weekday`.", "DayOfWeek(MakeTime(2026, 3, 2)) == 1"),
            ("DayOfYear", dates.day_of_year, "1 to 366.", "DayOfYear(MakeTime(2026, 2, 1)) == 32"),
        )
    ),
)
