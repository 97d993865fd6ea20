"""What pages show of a value can be read, whatever the value."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.console.rendering import instant


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(999, 3, 1, 12, 0, 5, 250_000, UTC), "0999-03-01 12:00:05"),
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-03-01 10:00:00"),
    ],
)
def test_a_moment_is_shown_in_utc_with_all_digits_of_its_year(moment: datetime, text: str) -> None:
    assert instant(moment) == text
