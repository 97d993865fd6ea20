"""The instants of a cron are those that Celery's own reading names, in UTC, and a cron without any is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab

from rulefarm.errors import SettingsError
from store.cron import Cron

NOW = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("30 2 * * *", NOW - timedelta(seconds=1), "2026-11-27T02:30"),
        ("30 2 * * *", NOW, "2026-11-28T02:30"),
        ("58 23 * * *", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2027-01-01T23:58"),
        ("* * * * *", NOW + timedelta(seconds=59), "2026-11-27T02:31"),
        ("0 */6 * * mon-fri", NOW + timedelta(hours=16), "2026-11-30T00:00"),
        ("0 0 29 2 *", NOW, "2028-02-29T00:00"),
        ("0 0 29 2 mon", NOW, "2044-02-29T00:00"),
        ("15,45 8-9 1 1,7 *", NOW, "2027-01-01T08:15"),
        ("30 2 * * *", datetime.fromisoformat("2026-11-27T04:29:00+02:00"), "2026-11-27T02:30"),
    ],
)
def test_the_next_instant(text: str, after: datetime, expected: str) -> None:
    cron = Cron(text)
    due = cron.after(after)
    assert due.isoformat(timespec="minutes") == f"{expected}+00:00"
    assert cron.latest(due) == due
    assert cron.latest(due - timedelta(microseconds=1)) < due
    assert cron.after(cron.latest(after)) == due


@pytest.mark.parametrize("text", ["30 2 * * *", "*/7 3,5 * * *", "0 12 1,15 * *", "10 4 * * sun", "5 5 13 * fri"])
def test_a_year_of_instants_is_that_of_celery(text: str) -> None:
    app = Celery(set_as_current=False)
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now() -> datetime:
        return moment

    theirs: Any = crontab.from_string(text)
    theirs.app, theirs.nowfun = app, now
    due = list(Cron(text).between(moment, moment + timedelta(days=365)))[:400]
    for instant in due:
        last, remaining, _ = theirs.remaining_delta(moment)
        assert last + remaining == instant
        moment = instant


@pytest.mark.parametrize("text", ["every night", "* * * *", "61 2 * * *", "0 0 30 2 *", "0 0 31 4,6 *", ""])
def test_a_cron_that_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Cron(text)
    assert caught.value.code == "bad-cron"
