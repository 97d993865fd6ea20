"""Every instant has one row, the next one too; what was missed is found, what is late expires, and both are told."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from rulefarm.database import duties
from store.cron import Cron
from store.duties import NIGHTLY_DUTY, Duty, claim, close, coming, find, mark_due, note_failure, note_start, plan, unmet
from tests.rows import add_batch, add_duty, duty_row, rows

EVERY_MINUTE, HOURLY, NIGHTLY = Cron("* * * * *"), Cron("0 * * * *"), Cron("30 2 * * *")


def now(engine: Engine) -> datetime:
    with engine.connect() as connection:
        return connection.execute(select(func.now())).scalar_one()


def planned(engine: Engine, cron: Cron, *, times: int = 1) -> list[Any]:
    for _ in range(times):
        plan(engine, NIGHTLY_DUTY, "shop", cron)
    return rows(engine, duties)


def taken(engine: Engine) -> list[datetime]:
    with claim(engine, grace_s=30) as due:
        return [duty.due_at for duty in due]


def test_at_first_nothing_was_missed_and_the_next_instant_has_its_row(database: Engine) -> None:
    [row] = planned(database, NIGHTLY, times=3)
    assert row.due_at == NIGHTLY.after(now(database))
    assert row.expires_at - row.due_at == timedelta(hours=12)
    assert (row.state, row.resend_at, row.times_sent) == ("open", row.due_at, 0)
    assert [duty.due_at for duty in coming(database)] == [row.due_at]
    assert (taken(database), unmet(database, late_s=0)) == ([], [])


@pytest.mark.parametrize(
    ("cron", "hours"),
    [(EVERY_MINUTE, 1), (Cron("*/30 * * * *"), 1), (HOURLY, 1), (Cron("0 */3 * * *"), 3), (Cron("0 0 * * sun"), 12)],
)
def test_a_duty_lives_until_the_next_but_an_hour_at_least_and_twelve_at_most(
    database: Engine, cron: Cron, hours: int
) -> None:
    [row] = planned(database, cron)
    assert row.expires_at - row.due_at == timedelta(hours=hours)


def test_after_an_outage_every_instant_that_was_missed_has_a_row(database: Engine) -> None:
    known = add_duty(database, minutes_ago=5, state="done")
    found = planned(database, EVERY_MINUTE, times=2)
    assert len(found) in (7, 8)  # A minute may end between the two.
    assert [row.due_at for row in found] == [known + timedelta(minutes=n) for n in range(len(found))]
    assert taken(database) == [row.due_at for row in found[1:-1]]
    assert taken(database) == []


def test_of_an_outage_of_weeks_only_the_last_days_get_a_row_and_only_the_last_can_still_be_done(
    database: Engine,
) -> None:
    add_duty(database, minutes_ago=60 * 24 * 30, state="done")
    found = planned(database, NIGHTLY)
    assert len(found) == 1 + 7 + 1
    due = taken(database)
    states = [row.state for row in planned(database, NIGHTLY)]
    assert states[1:7] == ["expired"] * 6
    assert len(due) == states[7:-1].count("open")
    assert [duty.due_at for duty in unmet(database, late_s=0)] == [row.due_at for row in found[1:8]]


def test_another_cron_counts_from_now_on(database: Engine) -> None:
    planned(database, NIGHTLY)
    [row] = planned(database, EVERY_MINUTE)
    assert row.due_at == EVERY_MINUTE.after(now(database))
    [row] = planned(database, NIGHTLY)
    assert row.due_at == NIGHTLY.after(now(database))
    # What the one before named, and has fallen due, stays due.
    due = add_duty(database, minutes_ago=3)
    assert due in [row.due_at for row in planned(database, NIGHTLY)]
    assert due in taken(database)


def test_two_domains_have_duties_of_their_own_at_the_same_instant(database: Engine) -> None:
    for domain in ("shop", "pricing"):
        plan(database, NIGHTLY_DUTY, domain, NIGHTLY)
    assert len({row.due_at for row in rows(database, duties)}) == 1
    assert len(rows(database, duties)) == 2


def test_two_reconcilers_at_once_plan_once_and_send_once(database: Engine) -> None:
    add_duty(database, minutes_ago=3, state="done")
    start, sent = threading.Barrier(4), []

    def reconcile() -> None:
        start.wait()
        plan(database, NIGHTLY_DUTY, "shop", EVERY_MINUTE)
        sent.extend(taken(database))

    threads = [threading.Thread(target=reconcile) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.extend(taken(database))
    assert len(sent) == len(set(sent)) >= 3


def test_a_message_that_gives_no_sign_is_sent_again_later_and_later(database: Engine) -> None:
    due = add_duty(database, minutes_ago=10)
    waits = []
    for _ in range(7):
        assert taken(database) == [due]
        waits.append(duty_row(database, due).pause_s)
        assert taken(database) == []
        with database.begin() as connection:
            connection.execute(update(duties).values(resend_at=func.now()))
    assert waits == [30, 60, 120, 240, 480, 600, 600]


def test_a_try_that_failed_is_a_sign_and_says_itself_when_it_is_tried_again(database: Engine) -> None:
    due = add_duty(database, minutes_ago=10)
    for _ in range(3):
        assert taken(database) == [due]
        note_failure(database, duty_of(database, due), code="unreadable-source", reason="none such", pause_s=0)
    assert taken(database) == [due]
    assert duty_row(database, due).pause_s == 30


def test_what_was_not_sent_stays_due(database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)

    def fail_to_send() -> None:
        with claim(database, grace_s=30) as found:
            assert [duty.due_at for duty in found] == [due]
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail_to_send()
    assert duty_row(database, due).times_sent == 0
    assert taken(database) == [due]


def test_after_the_broker_lost_its_data_what_was_sent_is_due(database: Engine) -> None:
    due = add_duty(database, minutes_ago=1)
    closed = add_duty(database, minutes_ago=2, state="done", resend_at=func.now() + timedelta(hours=1))
    assert taken(database) == [due]
    mark_due(database)
    assert taken(database) == [due]
    assert duty_row(database, closed).pause_s == 3600


def test_what_is_not_done_in_time_expires_and_is_told_until_a_later_one_is_done(database: Engine) -> None:
    late = add_duty(database, minutes_ago=90, lives_min=60, code="unreadable-source", reason="none such", attempts=7)
    # Told before a reconciler puts it on record, too.
    [before] = unmet(database, late_s=0)
    assert (before.state, before.is_open) == ("open", False)
    assert taken(database) == []
    [told] = unmet(database, late_s=10_000)
    assert (told.due_at, told.state, told.code, told.attempts) == (late, "expired", "unreadable-source", 7)
    later = add_duty(database, minutes_ago=30)
    close(database, duty_of(database, later), add_batch(database, count=1)[0])
    assert unmet(database, late_s=0) == []


def test_a_nightly_run_by_hand_makes_up_for_one_that_expired_but_no_other_batch_does(database: Engine) -> None:
    add_duty(database, minutes_ago=90, state="expired", domain="pricing")
    add_batch(database, count=1)
    assert len(unmet(database, late_s=0)) == 1
    for state, count in (("failed", 1), ("open", 0)):
        batch, _ = add_batch(database, count=1)
        with database.begin() as connection:
            connection.exec_driver_sql(f"update batches set nightly = true, state = '{state}' where id = '{batch}'")
        assert len(unmet(database, late_s=0)) == count


def test_one_that_expired_because_there_is_to_be_no_nightly_any_more_is_not_told(database: Engine) -> None:
    add_duty(database, minutes_ago=90, code="no-nightly-source")
    assert len(unmet(database, late_s=0)) == 1
    with database.begin() as connection:
        connection.execute(update(duties).values(expires_at=func.now()))
    assert unmet(database, late_s=0) == []
    assert taken(database) == []
    assert unmet(database, late_s=0) == []


def test_an_expired_one_is_forgotten_after_a_week(database: Engine) -> None:
    add_duty(database, minutes_ago=60 * 24 * 7 + 1, state="expired")
    add_duty(database, minutes_ago=60 * 24 * 7 - 9, state="expired")
    assert len(unmet(database, late_s=0)) == 1


def test_what_is_under_way_is_not_overdue_until_it_takes_too_long(database: Engine) -> None:
    due = add_duty(database, minutes_ago=2)
    assert unmet(database, late_s=1000) == []
    assert len(unmet(database, late_s=30)) == 1
    note_start(database, duty_of(database, due))
    assert unmet(database, late_s=30) == []
    with database.begin() as connection:
        connection.execute(update(duties).values(started_at=func.now() - timedelta(minutes=16)))
    assert len(unmet(database, late_s=30)) == 1


def test_one_that_is_done_after_it_expired_is_done(database: Engine) -> None:
    due = add_duty(database, minutes_ago=90, state="expired")
    batch, _ = add_batch(database, count=1)
    note_failure(database, duty_of(database, due), code="x", reason="x", pause_s=None)
    assert duty_row(database, due).state == "expired"
    close(database, duty_of(database, due), batch)
    row = duty_row(database, due)
    assert (row.state, row.batch) == ("done", batch)


def test_what_is_long_closed_is_forgotten_and_what_is_open_is_not(database: Engine) -> None:
    add_duty(database, minutes_ago=60 * 24 * 91, state="done")
    still_open = add_duty(database, minutes_ago=60 * 24 * 92)
    kept = add_duty(database, minutes_ago=60 * 24, state="done")
    found = [row.due_at for row in planned(database, NIGHTLY)]
    assert found[:2] == [still_open, kept]


def duty_of(engine: Engine, due_at: datetime) -> Duty:
    found = find(engine, NIGHTLY_DUTY, rows(engine, duties, duties.c.due_at == due_at)[0].domain, due_at)
    assert found is not None
    return found
