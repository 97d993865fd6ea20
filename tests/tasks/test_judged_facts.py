"""Where a row of a batch was judged is found again, whatever became of the chunks around it."""

import uuid

from sqlalchemy import Engine, func, select

from rulefarm.database import chunks
from store.attempts import LeaseTerms
from store.chunk_attempts import Claim, claim_chunk, fail_chunk
from store.job_status import find_job_status
from store.verdicts import store_chunk
from tasks.judged_facts import chunk_of
from tests.rows import verdict
from tests.store.dying import KILLED, batch_of_rows


def test_the_chunk_of_a_judged_row_is_the_one_that_was_judged_with_its_attempts(database: Engine) -> None:
    batch = batch_of_rows(database, "a", "b")
    with database.begin() as connection:
        # One that held the row, too, was split before.
        whole = {**connection.execute(select(chunks).where(chunks.c.n == 1)).mappings().one(), "n": 2, "rows": 2}
        connection.execute(chunks.insert().values(whole | {"state": "split", "finished_at": func.now()}))
    for n, attempts in ((1, 2), (0, 1)):
        for attempt in range(1, attempts + 1):
            claim = claim_chunk(database, batch, n, LeaseTerms(worker="w@here", lease_s=60, max_attempts=3))
            assert isinstance(claim, Claim)
            if attempt < attempts:
                terms = LeaseTerms(worker="w@here", lease_s=60, max_attempts=3)
                assert fail_chunk(database, batch, n, terms, KILLED, attempt=attempt) == []
                with database.begin() as connection:
                    connection.execute(chunks.update().values(resend_at=func.now()))
        about = {"batch": batch, "subject": "ab"[n], "domain": "pricing", "worker": "w@here"}
        row = verdict(uuid.uuid5(batch, "ab"[n]), claim.chunk["enqueued_at"], **about)
        store_chunk(database, batch, n, [row], attempt=claim.attempt)
    judged = find_job_status(database, str(uuid.uuid5(batch, "b"))).verdict
    assert judged is not None
    found = chunk_of(database, judged)
    assert found is not None
    assert (found["n"], found["state"], found["attempts"], found["code"]) == (1, "done", 2, KILLED.code)
    with database.begin() as connection:
        connection.execute(chunks.delete().where(chunks.c.n == 1))
    assert chunk_of(database, judged) is None
