"""A passing reason is waited out, ever more patiently; anything else is left to the reconciler."""

import pytest

from rulefarm.errors import BrokerUnreachable, DatabaseUnreachable, JobRejected, NotFound
from tasks.retry import GiveUp, Retry, decide

AWAY = DatabaseUnreachable("database-unreachable", "no answer")
DECISIONS = [
    (AWAY, 0, Retry(1.0)),
    (AWAY, 1, Retry(2.0)),
    (AWAY, 4, Retry(16.0)),
    (AWAY, 5, Retry(30.0)),
    (AWAY, 10_000, Retry(30.0)),
    (BrokerUnreachable("broker-unreachable", "no answer"), 0, Retry(1.0)),
    (NotFound("domain-not-served", "not here"), 0, GiveUp("domain-not-served")),
    (JobRejected("bad-facts", "no facts"), 3, GiveUp("bad-facts")),
    (ValueError("anything"), 0, GiveUp("ValueError")),
    (MemoryError(), 0, GiveUp("MemoryError")),
]


@pytest.mark.parametrize(("error", "retries", "decision"), DECISIONS)
def test_what_is_done_about_an_error(error: BaseException, retries: int, decision: Retry | GiveUp) -> None:
    assert decide(error, retries) == decision
