"""Who traces sees a job from submit to verdict, whichever way it goes, and a collector that is away harms none."""

import json
import secrets
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from rulefarm.database import connect, jobs
from rulefarm.settings import Settings
from tests.collector import Collector, Told, collecting
from tests.commands import RULESETS, environment, rulefarm
from tests.conftest import fresh_database
from tests.gateway.client import Client
from tests.processes import python, says, until
from workers.embedded.services import Services
from workers.monitoring import worker_states

ORDER = {"Order": {"order_id": "1", "total": 1500, "country": "FR"}}

#: An order service that traces by itself, in whose transaction jobs are submitted without a message; one of them looks
#: like one whose first attempt died.
ORDER_SERVICE = """
import json, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import text
from rulefarm.farm import Farm

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
order = json.loads(sys.argv[1])
with Farm.from_env() as farm, trace.get_tracer("shop").start_as_current_span("checkout") as checkout:
    with farm.ledger.engine.begin() as connection:
        quiet, begun = (farm.submit("payment", order, connection=connection) for _ in range(2))
        connection.execute(text("update jobs set attempts = 1, times_sent = 1 where id = :id"), {"id": begun.id})
    farm.send(begun)
    woken = farm.submit("payment", order)
    many = farm.submit_many("payment", [order, order])
    for job in (quiet, begun, woken, *many):
        job.wait(60)
told = {"quiet": quiet.id, "begun": begun.id, "woken": woken.id, "many": many[0].id}
context = checkout.get_span_context()
print(json.dumps({name: str(value) for name, value in told.items()} | {"trace": f"{context.trace_id:032x}"}))
provider.shutdown()
"""


@dataclass(frozen=True)
class Traced:
    """What was asked of a farm whose processes traced, and what was told of it."""

    collector: Collector
    settings: Settings
    #: What each was asked in: gateway's job, evaluation, batch, faulty job, unsampled job.
    traces: dict[str, str]
    ids: dict[str, str]
    shop: dict[str, str]

    def told(self, trace: str, name: str, job: str | None = None) -> Told:
        """The one span of that name."""
        [found] = [
            each
            for each in self.collector.of(trace)
            if each.name == name and job in (None, each.attributes.get("rulefarm.job"))
        ]
        return found


@pytest.fixture(scope="module")
def database(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A fresh database, with queues of its own."""
    with fresh_database(services) as url:
        home = tmp_path_factory.mktemp("traced")
        names = {"queue_prefix": f"traced-{secrets.token_hex(4)}", "rulesets": RULESETS}
        yield Settings(home=home, broker_url=services.broker_url, database_url=url, **names)


def port_of(home: Path) -> int:
    """Where the gateway listens, by its log."""
    log = until(lambda: next((path for path in home.glob("gateway*.log") if "listening" in path.read_text()), None))
    return int(log.read_text().split("listening on http://127.0.0.1:")[1].split()[0])


@pytest.fixture(scope="module")
def traced(database: Settings) -> Iterator[Traced]:
    """One farm, asked in every way, that has ended: what its processes had not sent yet came then."""
    traces = {name: secrets.token_hex(16) for name in ("job", "evaluated", "batch", "faulty", "unsampled")}
    ids = {}
    with collecting() as collector, pytest.MonkeyPatch.context() as patch, ExitStack() as farm:
        for name, value in collector.environment.items():
            patch.setenv(name, value)
        # Nothing is sent before a process ends.
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        for more in ([], ["--queue", "bulk"]):
            farm.enter_context(
                rulefarm(database, "worker", "--domains", "payment,pricing", "--autoscale", "1,1", *more)
            )
        farm.enter_context(rulefarm(database, "gateway", "--port", "0"))
        client = Client(port_of(database.home))
        until(lambda: client.get("/readyz").status == 200)
        until(lambda: len(worker_states(database)) == 2)

        def ask(name: str, path: str, facts: object, flags: str = "01") -> None:
            head = {"traceparent": f"00-{traces[name]}-00000000000000aa-{flags}"}
            if isinstance(facts, str):
                answer = client.send("POST", path, facts, **head)
            else:
                answer = client.post(path, {"facts": facts}, **head)
            assert answer.status in (200, 202), answer.text
            ids[name] = answer.json["id"]

        ask("job", "/v1/payment/jobs", ORDER)
        ask("faulty", "/v1/payment/jobs", {"Order": {"total": "much"}})
        ask("unsampled", "/v1/payment/jobs", ORDER, "00")
        ask("evaluated", "/v1/payment/evaluate", ORDER)
        ask("batch", "/v1/pricing/batches?name=p.csv", "sku,price,cost\n1,2,50\n2,much,50\n")
        with python(
            ORDER_SERVICE, json.dumps(ORDER), environ=environment(database) | {"OTEL_SERVICE_NAME": "shop"}
        ) as shop:
            told = json.loads(says(shop))
            assert shop.wait(60) == 0
        for name in ("job", "faulty", "unsampled"):
            until(lambda name=name: client.get(f"/v1/jobs/{ids[name]}").json["state"] == "done")
        until(lambda: client.get(f"/v1/batches/{ids['batch']}").json["state"] == "done")
        assert {each.service for each in collector.spans} == {"shop"}
        farm.close()
        yield Traced(collector, database, traces, ids, told)


def test_a_job_is_one_trace_from_the_request_to_its_verdict(traced: Traced) -> None:
    trace, job = traced.traces["job"], traced.ids["job"]
    request, submit, judged, stored = (
        traced.told(trace, name)
        for name in ("POST /v1/{domain}/jobs", "submit payment", "evaluate payment", "store payment")
    )
    assert (request.service, submit.service) == ("rulefarm-gateway", "rulefarm-gateway")
    assert (judged.service, stored.service) == ("rulefarm-worker", "rulefarm-worker")
    assert (request.parent, submit.parent) == ("00000000000000aa", request.id)
    assert judged.parent == stored.parent == submit.id
    assert request.attributes["http.response.status_code"] == 202
    assert (
        judged.attributes.items() >= {"rulefarm.job": job, "rulefarm.outcome": "reject", "rulefarm.attempt": 1}.items()
    )
    assert judged.attributes["rulefarm.worker"].startswith("payment-pricing@")
    assert 0 < judged.seconds < 60
    assert stored.seconds > 0
    assert not any(each.is_error for each in traced.collector.of(trace))
    assert len(traced.collector.of(trace)) == 4
    # No facts, and no key of somebody's.
    assert "1500" not in str(traced.collector.of(trace))


def test_so_is_one_that_had_no_message_one_that_was_tried_again_and_one_of_many(traced: Traced) -> None:
    shop, trace = traced.shop, traced.shop["trace"]
    checkout = traced.told(trace, "checkout")
    submits = {each.id: each for each in traced.collector.of(trace) if each.name == "submit payment"}
    assert {each.parent for each in submits.values()} == {checkout.id}
    assert len(submits) == 4
    for name, attempt in (("quiet", 1), ("begun", 2), ("woken", 1), ("many", 1)):
        judged, stored = (traced.told(trace, f"{what} payment", shop[name]) for what in ("evaluate", "store"))
        assert (judged.attributes["rulefarm.attempt"], judged.parent in submits) == (attempt, True)
        assert stored.parent == judged.parent


def test_what_a_gateway_judges_is_told_by_it(traced: Traced) -> None:
    trace = traced.traces["evaluated"]
    request = traced.told(trace, "POST /v1/{domain}/evaluate")
    for name in ("evaluate payment", "store payment"):
        told = traced.told(trace, name)
        assert (told.parent, told.service) == (request.id, "rulefarm-gateway")
        assert "rulefarm.attempt" not in told.attributes


def test_a_chunk_is_of_the_trace_of_its_batch(traced: Traced) -> None:
    trace = traced.traces["batch"]
    judged, stored, submit = (traced.told(trace, f"{what} pricing") for what in ("evaluate", "store", "submit"))
    assert judged.parent == stored.parent == submit.id
    assert judged.attributes["rulefarm.batch"] == traced.ids["batch"]
    # A row of it can't be judged, and that is seen.
    assert (judged.attributes["rulefarm.rows"], judged.attributes["rulefarm.errors"], judged.is_error) == (2, 1, True)


def test_an_evaluation_that_is_an_error_is_an_error_of_its_span(traced: Traced) -> None:
    judged = traced.told(traced.traces["faulty"], "evaluate payment")
    assert (judged.attributes["rulefarm.outcome"], judged.is_error) == ("error", True)
    assert not traced.told(traced.traces["faulty"], "store payment").is_error


def test_of_what_is_not_kept_nothing_is_written(traced: Traced) -> None:
    assert traced.collector.of(traced.traces["unsampled"]) == []
    engine = connect(traced.settings)
    with engine.connect() as connection:
        found = {row.id: row.traceparent for row in connection.execute(select(jobs.c.id, jobs.c.traceparent))}
    engine.dispose()
    rows = {str(job): traceparent for job, traceparent in found.items()}
    assert rows[traced.ids["unsampled"]] is None
    assert rows[traced.ids["job"]].startswith(f"00-{traced.traces['job']}-")


def test_a_collector_that_is_away_delays_no_job_and_no_end(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the producer refuses, and that of the worker takes all and says nothing."""
    order = traced.settings.home / "order.json"
    order.write_text(json.dumps(ORDER))
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with rulefarm(traced.settings, "worker", "--domains", "payment", "--autoscale", "1,1") as worker:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
            command = ("submit", "payment", str(order), "--wait", "--timeout", "120", "--key", "away")
            with rulefarm(traced.settings, *command) as producer:
                assert producer.wait(120) == 0
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
    engine = connect(traced.settings)
    with engine.connect() as connection:
        # Of neither was it that nothing was to be sent.
        assert connection.execute(select(jobs.c.traceparent).where(jobs.c.subject == "away")).scalar_one()
    engine.dispose()
