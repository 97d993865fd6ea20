"""A subject is judged where it comes in, as a worker would; it is on record with its verdict, or not at all."""

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from gateway.served_rulesets import ServedRulesets
from rulefarm.database import jobs, read_verdict, verdicts
from rulefarm.errors import JobRejected
from rulefarm.farm import Farm
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulesets.loader import load_domain
from store import judged_jobs
from tests.commands import RULESETS
from tests.gateway.client import Client, subjects
from tests.processes import until

PAYMENT = "/v1/payment/evaluate"
BIG = {"Order": {"order_id": "1", "total": 1500, "country": "FR"}}


def test_the_verdict_is_the_answer_and_on_record_with_its_job(client: Client, gateway_database: Engine) -> None:
    answer = client.post(PAYMENT, {"facts": BIG, "key": "on-record"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json
    assert (told["outcome"], told["fired"], told["subject"]) == ("reject", ["Big", "BigAbroad"], "on-record")
    assert [reason["text"] for reason in told["reasons"]] == ["over 1000", "big and abroad"]
    assert told["changes"] == {"Order.flag": "big"}
    assert told["ruleset_digest"] == load_domain(RULESETS, "payment").digest
    verdict = read_verdict(gateway_database, uuid.UUID(told["id"]))
    assert verdict is not None
    recorded = verdict.to_json()
    assert {name: value for name, value in told.items() if name != "on_record"}.items() <= recorded.items()
    with gateway_database.connect() as connection:
        job = connection.execute(select(jobs).where(jobs.c.id == verdict.id)).one()
    assert (job.state, job.facts, job.subject, job.attempts, job.times_sent) == ("done", BIG, "on-record", 0, 0)
    assert (job.as_of, job.enqueued_at) == (verdict.as_of, verdict.enqueued_at)


def test_it_is_what_a_producer_would_have_submitted(client: Client, gateway_settings: Settings) -> None:
    as_of = datetime(2026, 3, 1, tzinfo=UTC)
    with Farm(gateway_settings) as farm:
        open_before = farm.submit("payment", BIG, key="same")
        told = client.post(PAYMENT, {"facts": BIG, "key": "same"}).json
        assert (told["id"], told["as_of"]) == (str(open_before.id), open_before.as_of.isoformat())
        dated = client.post(PAYMENT, {"facts": BIG, "key": "dated", "as_of": "2026-03-01T01:00:00+01:00"}).json
        again = farm.submit("payment", BIG, key="dated", as_of=as_of)
        assert (dated["id"], dated["as_of"]) == (str(again.id), as_of.isoformat())
        assert farm.verdict(again.id) == again.wait(60)


def test_the_same_key_with_the_same_facts_is_one_job(client: Client, gateway_database: Engine) -> None:
    first = client.post(PAYMENT, {"facts": BIG}, Idempotency_Key="twice").json
    second = client.post(PAYMENT, {"facts": {"Order": dict(reversed(BIG["Order"].items()))}, "key": "twice"}).json
    assert second == first
    other = client.post(PAYMENT, {"facts": {"Order": {**BIG["Order"], "total": 1}}, "key": "twice"}).json
    assert other["id"] != first["id"]
    assert client.post(PAYMENT, {"facts": BIG}).json["id"] != client.post(PAYMENT, {"facts": BIG}).json["id"]
    with gateway_database.connect() as connection:
        rows = connection.execute(select(verdicts.c.id).where(verdicts.c.subject == "twice")).all()
    assert len(rows) == 2


def test_many_at_once_for_one_key_get_one_verdict(client: Client) -> None:
    start = threading.Barrier(8)

    def ask(_: int) -> Any:
        start.wait(60)
        return client.post(PAYMENT, {"facts": BIG, "key": "crowd"}).json

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert len({(answer["id"], answer["as_of"], answer["evaluated_at"]) for answer in answers}) == 1


def test_a_job_that_a_worker_has_in_hand_is_left_to_it(
    client: Client, gateway_settings: Settings, gateway_database: Engine
) -> None:
    with Farm(gateway_settings) as farm:
        job = farm.submit("payment", BIG, key="in-hand")
    with gateway_database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job.id).values(attempts=2))
    assert client.post(PAYMENT, {"facts": BIG, "key": "in-hand"}).code == "verdict-pending"
    with gateway_database.begin() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job.id).values(state="dead", code="x", reason="y"))
    dead = client.post(PAYMENT, {"facts": BIG, "key": "in-hand"})
    assert (dead.status, dead.code) == (409, "job-dead")


def test_without_a_record_nothing_is_written(client: Client, gateway_database: Engine) -> None:
    answer = client.post(f"{PAYMENT}?durable=false", {"facts": BIG, "key": "no-record"}).json
    assert (answer["outcome"], answer["subject"], answer["on_record"]) == ("reject", "no-record", False)
    assert not {"id", "enqueued_at"} & answer.keys()
    with gateway_database.connect() as connection:
        assert not connection.execute(select(jobs.c.id).where(jobs.c.subject == "no-record")).all()


@pytest.mark.parametrize("durable", ["true", "false"])
@pytest.mark.parametrize(
    ("domain", "facts"),
    [
        ("payment", [{"Order": {"total": total}, "Line": [{"quantity": 51}]} for total in (1, 1500, -1, "x")]),
        # Enough of one kind of fields to be judged by columns.
        (
            "pricing",
            [{"Product": {"sku": str(n), "price": n, "cost": 60.5, "sold_out": n % 3 == 0}} for n in range(120)],
        ),
        ("pricing", [{"Product": {"sku": str(n), "price": n if n % 2 else f"{n}", "x": n}} for n in range(120)]),
    ],
    ids=["facts", "columns", "mixed"],
)
def test_a_list_is_judged_as_each_would_be_alone(
    client: Client, domain: str, facts: list[dict[str, Any]], durable: str
) -> None:
    path, at = f"/v1/{domain}/evaluate?durable={durable}", "2026-03-01T00:00:00Z"
    body = {"subjects": [{"facts": each, "as_of": at} for each in facts]}
    together = client.post(path, body).json["verdicts"]
    own = ("id", "subject", "enqueued_at", "evaluated_at", "micros")
    shown = [{name: value for name, value in each.items() if name not in own} for each in together]
    few = range(len(facts)) if len(facts) < 10 else (0, 3, 61, 100)
    for place in few:
        alone = client.post(path, {"facts": facts[place], "as_of": at}).json
        assert {name: value for name, value in alone.items() if name not in own} == shown[place]


def test_a_list_may_name_one_job_twice(client: Client) -> None:
    body = subjects(BIG, BIG, {"Order": {"total": 5}}, keys=("doubled", "doubled", "other"))
    first, second, other = client.post(PAYMENT, body).json["verdicts"]
    assert (first, other["outcome"]) == (second, "accept")


def test_facts_that_break_the_schema_are_a_verdict_that_says_so(client: Client) -> None:
    told = client.post(PAYMENT, {"facts": {"Order": {"total": -1}}})
    assert (told.status, told.json["outcome"]) == (200, "error")
    assert told.json["reasons"][0]["code"] == "facts-rejected"
    odd = client.post(PAYMENT, {"facts": {"Order": {"totl": 5, "total": 5}}}).json
    assert odd["warnings"] == ["Order has no field 'totl' (did you mean 'total'?)"]


def test_shared_facts_are_read_as_a_worker_reads_them(client: Client, facts: ReferenceFacts) -> None:
    household = uuid.uuid4().hex
    order = {"Order": {"order_id": "1", "household_id": household, "total": 10}}
    missing = client.post("/v1/credit/evaluate", {"facts": order}).json
    assert (missing["outcome"], missing["reasons"][0]["code"]) == ("error", "fact-missing")
    facts.put("Customer", household, {"household_id": household, "limit": 5, "blocked": True})
    order["Order"]["order_id"] = "2"
    # What was not there is remembered for a while, as by a worker.
    told = until(lambda: (v := client.post("/v1/credit/evaluate", {"facts": order}).json)["outcome"] != "error" and v)
    assert told["shared_facts"]["Customer"]["limit"] == 5


def test_an_event_of_a_window_is_one_event_however_often_it_is_sent(client: Client) -> None:
    card = uuid.uuid4().hex

    def pay(n: int) -> Any:
        facts = {"Payment": {"payment_id": str(n), "card": card, "amount": 10, "country": "DE"}}
        return client.post("/v1/fraud/evaluate", {"facts": facts, "key": f"{card}-{n}"}).json

    first = pay(1)
    assert pay(1) == first
    assert len(pay(2)["shared_facts"]["payments"]) == 2
    refused = client.post("/v1/fraud/evaluate?durable=false", {"facts": {"Payment": {"amount": 1}}})
    assert (refused.status, refused.code) == (422, "needs-record")


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"{", 400, "bad-json", "the body"),
        (b"\xff\xfe", 400, "bad-json", "UTF-8"),
        (b"[]", 422, "bad-facts", "the body"),
        (b"{}", 400, "bad-request", "no facts"),
        (b'{"facts": 7}', 422, "bad-facts", "facts"),
        (b'{"facts": {}}', 422, "bad-facts", "facts"),
        (b'{"facts": {"A": {}}, "fcts": 1}', 400, "bad-request", "'fcts'"),
        (b'{"facts": {"A": {}}, "facts": {}}', 400, "duplicate-name", "'facts'"),
        (b'{"facts": {"A": NaN}}', 422, "bad-number", "NaN"),
        (b'{"facts": {"A": ' + b"1" * 5_000 + b"}}", 422, "bad-number", "digits"),
        (b'{"facts": {"A": {}}, "key": ""}', 422, "bad-key", "key"),
        (b'{"facts": {"A": {}}, "key": 7}', 422, "bad-key", "7"),
        (b'{"facts": {"A": {}}, "as_of": "2026-03-01"}', 422, "bad-as-of", "time zone"),
        (b'{"facts": {"A": {}}, "as_of": "soon"}', 422, "bad-as-of", "'soon'"),
        (b'{"facts": {"A": {"b": "\\u0000"}}}', 422, "bad-text", "A.b"),
        (b'{"facts": ' + b'{"A":' * 40 + b"1" + b"}" * 40 + b"}", 422, "too-deep", "nested"),
        (b'{"subjects": []}', 400, "bad-request", "at least one"),
        (b'{"subjects": [{"facts": {"A": {}}}], "key": "x"}', 400, "bad-request", "beside"),
        (b'{"subjects": [{"facts": {"A": {}}}, {"facts": {"A": {"b": 1e999}}}]}', 422, "bad-number", "subjects[1]"),
        (b'{"subjects": [{"facts": {"A": {}}}, 7]}', 400, "bad-request", "subjects[1]"),
        (json.dumps({"subjects": [{"facts": {"A": {}}}] * 1001}).encode(), 413, "too-many-subjects", "1001"),
        (b'{"facts": {"A": {"b": "' + b"x" * 1_000_001 + b'"}}}', 422, "text-too-long", "A.b"),
        (b'{"facts": {"A": "' + b"x" * 8_000_000 + b'"}}', 413, "body-too-large", "8000000"),
    ],
)
def test_a_body_that_is_none_is_refused_by_name(
    client: Client, body: bytes, status: int, code: str, words: str
) -> None:
    answer = client.send("POST", PAYMENT, body)
    assert (answer.status, answer.code) == (status, code)
    assert words in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{PAYMENT}?durable=no", 400, "bad-request"),
        (f"{PAYMENT}?durabel=false", 400, "bad-request"),
        (f"{PAYMENT}?durable=true&durable=false", 400, "bad-request"),
        ("/v1/nobody/evaluate", 404, "domain-not-served"),
        ("/v1/evaluate", 404, "no-such-path"),
        ("/v1/%00/evaluate", 404, "domain-not-served"),
    ],
)
def test_a_path_that_is_none_is_refused_by_name(client: Client, path: str, status: int, code: str) -> None:
    answer = client.post(path, {"facts": BIG})
    assert (answer.status, answer.code) == (status, code)


def test_a_key_is_the_same_text_in_head_and_body(client: Client) -> None:
    for key in ("Größe 7", "☃", "naïve"):
        headed = client.post(PAYMENT, {"facts": BIG}, Idempotency_Key=key.encode().decode("latin-1")).json
        assert headed["subject"] == key
        assert client.post(PAYMENT, {"facts": BIG, "key": key}).json == headed
    for path in (PAYMENT, "/v1/payment/jobs", "/v1/pricing/batches?name=a.csv"):
        refused = client.post(path, {"facts": BIG}, Idempotency_Key="Größe 7")
        assert refused.code == "bad-request"
        assert "UTF-8" in refused.text


def test_two_keys_are_no_key(client: Client) -> None:
    assert client.post(PAYMENT, {"facts": BIG}, Idempotency_Key="a", idempotency_key="b").code == "bad-request"
    assert client.post(PAYMENT, {"facts": BIG, "key": "a"}, Idempotency_Key="b").code == "bad-request"
    assert client.post(PAYMENT, subjects(BIG), Idempotency_Key="b").code == "bad-request"
    assert client.post(PAYMENT, {"facts": BIG, "key": "a"}, Idempotency_Key="a").status == 200


def test_what_postgres_does_not_take_fails_for_itself_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that breaks a constraint, among others in the same commit."""
    written = judged_jobs.row_json
    monkeypatch.setattr(
        judged_jobs, "row_json", lambda row: written(row).replace('"outcome":"reject"', '"outcome":"no such"')
    )
    start = threading.Barrier(6)

    def ask(n: int) -> int:
        start.wait(60)
        return client.post(PAYMENT, {"facts": BIG if n == 3 else {"Order": {"total": n}}}).status

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(ask, range(6))) == [200, 200, 200, 500, 200, 200]
    told = client.post(PAYMENT, {"facts": BIG})
    assert (told.status, told.code) == (500, "database-rejected")
    assert "constraint" not in told.text


def test_whatever_fails_is_told_without_a_word_of_what_it_was(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def burst(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("gateway.judging.judge_job", burst)
    told = client.post(f"{PAYMENT}?durable=false", {"facts": BIG})
    assert (told.status, told.code) == (500, "internal-error")
    assert "secret" not in told.text
    assert "Traceback" not in told.text
    assert "a secret" in caplog.text


def test_a_text_that_spells_a_nul_is_kept_as_it_is(client: Client) -> None:
    told = client.post(PAYMENT, {"facts": {"Order": {"total": 777.77, "country": "\\u0000 \\\\u0000"}}})
    assert told.status == 200
    assert told.json["logs"] == ["alarm at \\u0000 \\\\u0000"]


def test_a_job_is_refused_as_a_producer_refuses_it(gateway_settings: Settings, client: Client) -> None:
    facts = {"Order": {"total": 1, "n" * 300: 1}}
    with Farm(gateway_settings) as farm, pytest.raises(JobRejected) as refused:
        farm.submit("payment", facts)
    assert client.post(PAYMENT, {"facts": facts}).code == refused.value.code


def test_what_is_generated_for_a_ruleset_is_there_before_the_first_request(gateway_database: Engine) -> None:
    served = ServedRulesets(gateway_database, ["payment"], has_facts=True)
    served.refresh()
    chains = served.ruleset("payment").program._chains
    assert chains is not None
    assert list(chains._judges) == [None]


@pytest.mark.parametrize("query", ["?durable=true", "", "?durable=%74rue", "?durable=false", "?durable=%66alse"])
def test_a_query_means_the_same_however_it_is_written(client: Client, query: str) -> None:
    told = client.post(PAYMENT + query, {"facts": BIG}).json
    assert told["on_record"] == ("alse" not in query)


@pytest.mark.parametrize("query", ["?durable=", "?durable=False", "?durable=false&durable=false", "?Durable=false"])
def test_a_query_that_says_nothing_certain_is_refused(client: Client, query: str) -> None:
    assert (client.post(PAYMENT + query, {"facts": BIG}).json["code"]) == "bad-request"


def test_a_mark_of_byte_order_is_no_part_of_the_body(client: Client) -> None:
    mark, body = "\ufeff".encode(), json.dumps({"facts": BIG}).encode()
    assert client.send("POST", PAYMENT, mark + body).status == 200
    assert client.send("POST", PAYMENT, mark + mark + body).json["code"] == "bad-json"
