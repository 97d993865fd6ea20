"""Jobs on record that are judged again together are found as each is by itself: what comes out, and what it was of."""

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, text

from rulefarm.database import jobs, verdicts
from rulefarm.errors import JobRejected
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset, load_domain
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot
from tasks.judge import judge_job
from tasks.judge_again import FactsOfThen, JobToVerify, JudgesAgain
from tasks.verify_verdicts import COMPARED, VerdictVerifier
from tests.tasks.test_judge_documents import DOCUMENTS, MOMENTS, ROWS, SCHEMA, START
from tests.tasks.test_text_columns import as_on_record, engine, loaded, shop

__all__ = ["engine", "loaded"]


def message(loaded: LoadedRuleset, facts: Any, as_of: datetime) -> JobMessage:
    """Of a job with such facts."""
    about = {"id": uuid.uuid4(), "domain": loaded.domain, "subject": "s", "as_of": as_of, "enqueued_at": START}
    return JobMessage.of_row(SimpleNamespace(facts=facts, traceparent=None, digest=None, **about))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(drawn=st.lists(st.tuples(DOCUMENTS, MOMENTS), min_size=1, max_size=12))
def test_jobs_that_are_judged_again_together_come_out_as_each_by_itself(
    engine: Engine, loaded: LoadedRuleset, drawn: list[tuple[dict[str, Any], datetime]]
) -> None:
    known, alone = [], []
    for facts, (_, moment) in zip(as_on_record(engine, [document for document, _ in drawn]), drawn, strict=True):
        try:
            verdict = judge_job(loaded, message(loaded, json.loads(facts), moment), "worker")
        except JobRejected:
            continue
        known.append(JobToVerify(verdict, facts))
        alone.append({name: verdict.to_json()[name] for name in COMPARED})
    assume(known)
    times = -(-ROWS // len(known))
    assert JudgesAgain(loaded).judge(known * times) == alone * times


def test_shared_facts_are_those_that_the_verdict_has(tmp_path: Path) -> None:
    loaded = load_domain(Path(__file__).parent / "rulesets", "loan_shared")
    subject, shared = loaded.schema.subject, loaded.schema.lookups[0].fact
    known, alone = [], []
    for n in range(ROWS):
        job = message(loaded, {subject: {}}, START + timedelta(days=n))
        verdict = judge_job(loaded, job, "worker", _Then({shared: {"n": n % 3}}))
        known.append(JobToVerify(verdict, json.dumps({subject: {}})))
        alone.append({name: verdict.to_json()[name] for name in COMPARED})
    assert len({one["facts_digest"] for one in alone}) == 3
    assert JudgesAgain(loaded).judge(known) == alone


class _Then(FactsOfThen):
    """The same shared facts for every subject."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self._shared = _Everyone(shared)


class _Everyone(dict[str, Any]):
    def get(self, key: object, default: Any = None) -> Any:
        return dict(self)


@pytest.mark.parametrize("count", [3, ROWS + 7])
def test_each_job_that_somebody_changed_is_named_among_its_neighbours(
    database: Engine, tmp_path: Path, count: int
) -> None:
    loaded = shop(tmp_path, SCHEMA)
    publish(database, [RulesetSnapshot.of(loaded)])
    rows, given = [], []
    for n in range(count):
        job = message(loaded, {"Order": {"total": n, "country": "FR"}}, START - timedelta(days=n % 40))
        document = judge_job(loaded, job, "worker").to_json()
        given.append({column.name: document[column.name] for column in verdicts.c if column.name in document})
        rows.append({"id": job.job_id, "domain": "shop", "subject": "s", "facts": job.document, "as_of": job.as_of})
    for row, verdict in zip(rows, given, strict=True):
        row["enqueued_at"] = verdict["enqueued_at"]
    with database.begin() as connection:
        connection.execute(insert(jobs), rows)
        connection.execute(insert(verdicts), [Verdict.from_json(one).to_json() | one for one in given])
    assert (VerdictVerifier(database).run().judged, VerdictVerifier(database).run().mismatches) == (count, [])
    edits = {
        0: ("update jobs set facts = jsonb_set(facts, '{Order,total}', '7000') where id = :id", {"facts_digest"}),
        1: ("update jobs set facts = '[]' where id = :id", set()),
        2: ("update verdicts set as_of = '2026-01-15T00:00Z', outcome = 'reject' where id = :id", {"outcome"}),
    }
    with database.begin() as connection:
        for n, (edit, _) in edits.items():
            connection.execute(text(edit), {"id": rows[n]["id"]})
    found = VerdictVerifier(database).run()
    named = {one.verdict.id: one for one in found.mismatches}
    assert named.keys() == {rows[n]["id"] for n in edits}
    for n, (_, differ) in edits.items():
        assert named[rows[n]["id"]].differences.keys() >= differ
    assert "must be a JSON object" in named[rows[1]["id"]].why
    assert found.judged == count - 1
