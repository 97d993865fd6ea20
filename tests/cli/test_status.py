"""What `rulefarm status` tells of the reconciler's last run."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.status import _reconciled

RAN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lost_before_s", "age_s", "told"),
    [(0, 5, True), (1700, 5, True), (1700, 99, True), (1700, 101, False), (1801, 0, False), (0, 1801, False)],
)
def test_a_loss_of_the_broker_is_told_for_half_an_hour(lost_before_s: float, age_s: float, told: bool) -> None:
    lost = RAN_AT - timedelta(seconds=lost_before_s)
    said = _reconciled({"ran_at": RAN_AT, "age_s": age_s, "sent": 2, "broker_lost_at": lost})
    assert said.startswith(f"the reconciler ran {age_s} s ago and sent 2 messages again")
    assert (f"; it found the broker empty at {lost:%Y-%m-%d %H:%M:%S} UTC" in said) == told


def test_a_loss_that_never_was_is_not_told() -> None:
    said = _reconciled({"ran_at": RAN_AT, "age_s": 1.0, "sent": 0, "broker_lost_at": None})
    assert said == "the reconciler ran 1 s ago and sent 0 messages again"
    assert _reconciled(None) == "the reconciler has never run: is beat running?"
