"""A job that was taken is one that `submit` took; who asks for it is told where it stands."""

import threading
import uuid

import pytest
from sqlalchemy import Engine, select, update

from gateway import serve
from rulefarm.database import dead_letters, jobs, verdicts
from rulefarm.farm import Farm
from rulefarm.messaging import JobMessage, MessageSender
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store.job_status import open_jobs
from store.verdicts import store_verdict
from tasks.judge import judge_job
from tests.commands import RULESETS
from tests.gateway.client import Client, subjects
from tests.processes import until

JOBS = "/v1/payment/jobs"
BIG = {"Order": {"order_id": "1", "total": 1500, "country": "FR"}}
#: The id of no job.
NOBODY = "00000000-0000-4000-8000-000000000000"


def judge(database: Engine, job_id: str) -> None:
    """Do what a worker does with a job."""
    with database.connect() as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == uuid.UUID(job_id))).one()
    assert store_verdict(database, judge_job(load_domain(RULESETS, "payment"), JobMessage.of_row(row), "w@here"))


def test_a_job_is_taken_and_its_verdict_waited_for(client: Client, gateway_database: Engine) -> None:
    taken = client.post(JOBS, {"facts": BIG}, Idempotency_Key="taken")
    assert (taken.status, taken.headers["location"]) == (202, f"/v1/jobs/{taken.json['id']}")
    place = taken.headers["location"]
    now = client.get(place).json
    assert (now["state"], now["verdict"], now["subject"], now["domain"]) == ("open", None, "taken", "payment")
    later = threading.Timer(0.2, judge, (gateway_database, taken.json["id"]))
    later.start()
    told = client.get(f"{place}?wait=25").json
    later.join()
    assert (told["state"], told["verdict"]["outcome"], told["failure"]) == ("done", "reject", None)
    assert told["verdict"]["id"] == taken.json["id"]
    # And by the other way in it is the same job.
    assert client.post("/v1/payment/evaluate", {"facts": BIG, "key": "taken"}).json == told["verdict"]


def test_the_key_makes_it_the_job_that_a_producer_submits(client: Client, gateway_settings: Settings) -> None:
    first, second = (client.post(JOBS, {"facts": BIG, "key": "k"}).json for _ in range(2))
    with Farm(gateway_settings) as farm:
        third = farm.submit("payment", BIG, key="k")
    assert first["id"] == second["id"] == str(third.id)
    assert first["as_of"] == second["as_of"] == third.as_of.isoformat()


def test_a_job_is_pinned_to_a_version_of_the_rules_and_no_request_that_is_judged_at_once_is(
    client: Client, gateway_database: Engine
) -> None:
    active = load_domain(RULESETS, "payment").digest
    taken = client.post(JOBS, {"facts": BIG, "key": "pinned", "digest": active}).json
    assert taken["digest"] == active
    assert client.post(JOBS, {"facts": BIG, "key": "pinned"}).json["id"] != taken["id"]
    with gateway_database.connect() as connection:
        found = select(jobs.c.digest).where(jobs.c.subject == "pinned").order_by(jobs.c.digest)
        assert list(connection.execute(found).scalars()) == [active, None]
    for digest, code in (("f" * 64, "unknown-ruleset"), ("f", "bad-digest"), (7, "bad-digest")):
        refused = client.post(JOBS, {"facts": BIG, "digest": digest})
        assert (refused.status, refused.json["code"]) == (422, code)
    now = client.post("/v1/payment/evaluate", {"facts": BIG, "digest": active})
    assert (now.status, now.json["code"]) == (400, "bad-request")


def test_what_will_never_be_judged_is_told_so(client: Client, gateway_database: Engine) -> None:
    job_id = client.post(JOBS, {"facts": BIG}).json["id"]
    dead = {"state": "dead", "code": "worker-lost", "reason": "it died", "attempts": 4}
    with gateway_database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == uuid.UUID(job_id)).values(dead))
    told = client.get(f"/v1/jobs/{job_id}?wait=25").json
    assert (told["state"], told["failure"]) == ("dead", {"code": "worker-lost", "reason": "it died"})
    row = {"kind": "row", "domain": "payment", "subject": "s", "code": "time-limit", "reason": "slow", "attempts": 2}
    letter = uuid.uuid4()
    with gateway_database.begin() as connection:
        connection.execute(dead_letters.insert().values(id=letter, **row))
    assert client.get(f"/v1/jobs/{letter}").json["failure"] == {"code": "time-limit", "reason": "slow"}


def test_a_wait_that_is_over_leaves_the_job_open(client: Client) -> None:
    place = client.post(JOBS, {"facts": BIG}).headers["location"]
    assert client.get(f"{place}?wait=1").json["state"] == "open"


def test_a_full_queue_is_told_with_when_to_try_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MessageSender, "_is_full", lambda *_: True)
    answer = client.post(JOBS, {"facts": BIG})
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "queue-full", "1")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/v1/jobs/{NOBODY}", 404, "no-such-job"),
        ("/v1/jobs/7", 404, "no-such-id"),
        ("/v1/jobs/%00", 404, "no-such-id"),
        (f"/v1/jobs/{NOBODY}?wait=26", 400, "bad-request"),
        (f"/v1/jobs/{NOBODY}?wait=-1", 400, "bad-request"),
        (f"/v1/jobs/{NOBODY}?wiat=1", 400, "bad-request"),
    ],
)
def test_a_job_that_is_none_is_refused_by_name(client: Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.code) == (status, code)


def test_only_an_id_finds_a_job(client: Client, gateway_database: Engine) -> None:
    """A key that looks like an id, in any spelling, is still a key: whoever asks for an id gets no other's job."""
    for key in (named := str(uuid.uuid4()), str(uuid.uuid4()).upper(), uuid.uuid4().hex):
        taken = client.post(JOBS, {"facts": BIG, "key": key}).json
        assert client.get(f"/v1/jobs/{key}").code == "no-such-job"
        assert client.get(f"/v1/jobs/{key}?wait=1").code == "no-such-job"
        assert client.get(f"/v1/jobs/{taken['id']}").json["subject"] == key
    judge(gateway_database, client.post(JOBS, {"facts": BIG, "key": named}).json["id"])
    letter = {"kind": "row", "domain": "payment", "subject": named, "code": "slow", "reason": "slow", "attempts": 2}
    with gateway_database.begin() as connection:
        connection.execute(dead_letters.insert().values(id=uuid.uuid4(), **letter))
    # Nor one that has its verdict, nor a row of a batch.
    assert client.get(f"/v1/jobs/{named}").code == "no-such-job"


def test_what_can_be_no_job_is_refused_by_name(client: Client, gateway_database: Engine) -> None:
    assert client.post("/v1/nobody/jobs", {"facts": BIG}).code == "domain-not-served"
    assert client.post(JOBS, subjects(BIG)).code == "bad-request"
    assert client.post(JOBS, {"facts": {}}).code == "bad-facts"
    assert client.post(f"{JOBS}?durable=false", {"facts": BIG}).code == "bad-request"


def test_who_waits_keeps_nobody_else_waiting(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many look for their verdicts: one thread asks for all of them, and it is none of the requests'."""
    ids = [client.post(JOBS, {"facts": BIG}).json["id"] for _ in range(5)]
    asked: list[set[uuid.UUID]] = []
    may_answer = threading.Event()

    def slow(database: Engine, wanted: set[uuid.UUID]) -> set[uuid.UUID]:
        asked.append(wanted)
        assert may_answer.wait(60)
        return open_jobs(database, wanted)

    monkeypatch.setattr(serve, "open_jobs", slow)
    states: list[str] = []
    waiting = [
        threading.Thread(target=lambda one=one: states.append(client.get(f"/v1/jobs/{one}?wait=1").json["state"]))
        for one in ids
    ]
    for each in waiting:
        each.start()
    until(lambda: len(asked) == 1)
    assert client.get("/readyz").status == 200
    assert client.get("/v1/verdicts?limit=1").status == 200
    may_answer.set()
    for each in waiting:
        each.join(60)
    assert states == ["open"] * len(ids)
    assert set.union(*asked) == set(map(uuid.UUID, ids))


def test_many_may_wait_at_once(client: Client, gateway_database: Engine) -> None:
    """More than there are threads, and each gets its verdict."""
    ids = [client.post(JOBS, {"facts": BIG}).json["id"] for _ in range(12)]
    states: list[str] = []
    waiting = [
        threading.Thread(target=lambda one=one: states.append(client.get(f"/v1/jobs/{one}?wait=25").json["state"]))
        for one in ids
    ]
    for each in waiting:
        each.start()
    assert client.post("/v1/payment/evaluate", {"facts": BIG}).status == 200
    for one in ids:
        judge(gateway_database, one)
    until(lambda: len(states) == len(ids))
    assert set(states) == {"done"}
    with gateway_database.connect() as connection:
        found = connection.execute(select(verdicts.c.id).where(verdicts.c.id.in_(map(uuid.UUID, ids)))).all()
    assert len(found) == len(ids)
