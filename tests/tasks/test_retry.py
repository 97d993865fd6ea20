"""What is away is waited for, ever more patiently, and for as long as it takes."""

import pytest

from tasks.retry import pause_s

PAUSES = [(0, 1.0), (1, 2.0), (3, 8.0), (4, 8.0), (10_000, 8.0)]


@pytest.mark.parametrize(("retries", "seconds"), PAUSES)
def test_how_long_the_next_try_waits(retries: int, seconds: float) -> None:
    assert pause_s(retries) == seconds
