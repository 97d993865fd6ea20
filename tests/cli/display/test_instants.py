"""An instant is shown with all four digits of its year; a C library's strftime leaves zeros out."""

from datetime import UTC, datetime

import pytest

from cli.display.instants import to_minute, to_second

EARLY = datetime(999, 3, 1, 12, 0, 5, 250_000, UTC)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (to_second(EARLY), "0999-03-01 12:00:05"),
        (to_second(EARLY, zone=True), "0999-03-01 12:00:05 UTC"),
        (to_second(None), "-"),
        (to_minute(EARLY), "0999-03-01 12:00"),
        (to_minute(EARLY, zone=True), "0999-03-01 12:00 UTC"),
    ],
)
def test_a_year_before_1000_has_four_digits(shown: str, text: str) -> None:
    assert shown == text
