"""Faults of messages: delivered twice, out of order, malformed, poison.  DrillContext -> [message_faults] -> queues"""

import base64
import json
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from rulefarm import wire
from rulefarm.jobs import Job
from rulefarm.messaging import chunk_message, create_app, job_message, send_messages
from rulefarm.routing import EVALUATE_CHUNK, EVALUATE_JOB, queue_name
from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.poison import KINDS

#: Jobs, and chunks, whose messages are delivered twice more.
_REPEATED = 40
#: Seconds for which messages are held back, to be delivered in another order.
_HELD_S = 1.5
_POLL_S = 0.01
_PICKLED = base64.b64encode(b"cos\nsystem\n(S'true'\ntR.").decode()


def deliver_twice(context: DrillContext) -> Injection:
    """The messages of jobs and chunks, judged already or not, twice more and in no order."""
    columns = "id, domain, subject, as_of, enqueued_at, facts, bulk"
    jobs = context.sql(f"select {columns} from jobs order by enqueued_at desc limit {_REPEATED}")
    messages = [
        job_message(
            Job(id=uuid.UUID(id_), domain=domain, subject=subject, as_of=as_of, enqueued_at=enqueued_at),
            wire.canonical(facts),
            bulk=bulk,
        )
        for id_, domain, subject, as_of, enqueued_at, facts, bulk in jobs
    ]
    chunks = "select domain, batch, n from chunks join batches on batches.id = batch"
    chunk_rows = context.sql(f"{chunks} order by batches.enqueued_at desc, n limit {_REPEATED}")
    messages += [chunk_message(domain, uuid.UUID(batch), n) for domain, batch, n in chunk_rows]
    messages += messages
    context.rng.shuffle(messages)
    with closing(create_app(context.farm.settings)) as app:
        send_messages(app, messages)
    return Injection(f"{len(jobs)} jobs and {len(chunk_rows)} chunks, two messages each")


def disorder(context: DrillContext) -> Injection:
    """Hold messages back for a moment, and deliver them in another order."""
    held: list[tuple[str, bytes]] = []
    give_up = time.monotonic() + _HELD_S
    with context.broker() as broker:
        while time.monotonic() < give_up:
            for name in context.queues():
                if broker.exists(name):
                    # In one step, or a message could be taken by a worker and held as well.
                    message, aside = broker.pipeline(), f"drill.{uuid.uuid4()}"
                    message.copy(name, aside).delete(name).lrange(aside, 0, -1).delete(aside)
                    held.extend((name, content) for content in message.execute()[2])
            time.sleep(_POLL_S)
        context.rng.shuffle(held)
        for name, content in held:
            broker.lpush(name, content)
    return Injection(f"{len(held)} messages")


def send_malformed(context: DrillContext) -> Injection:
    """Messages that no producer of ours would send."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    stranger = Job(
        id=uuid.uuid4(), domain="payment", subject="'; drop table jobs; --", as_of=moment, enqueued_at=moment
    )
    job = dict(job_message(stranger, "{}").kwargs)
    bodies = [
        # Well formed, of a job and a chunk that nobody has submitted.
        _message(EVALUATE_JOB, job),
        _message(EVALUATE_CHUNK, {"batch": str(uuid.uuid4()), "n": 0}),
        _message(EVALUATE_JOB, {name: value for name, value in job.items() if name != "job_id"}),
        _message(EVALUATE_JOB, job | {"job_id": "4711"}),
        _message(EVALUATE_JOB, job | {"domain": "no-such-domain"}),
        _message(EVALUATE_JOB, job | {"facts": "{"}),
        _message(EVALUATE_JOB, job | {"as_of": "yesterday"}),
        _message(EVALUATE_CHUNK, {"batch": "x", "n": "y"}),
        _message("os.system", {"command": "true"}),
        _message(EVALUATE_JOB, job, content_type="application/x-python-serialize", body=_PICKLED),
        _message(EVALUATE_JOB, job, content_type="application/x-yaml", body=base64.b64encode(b"a: !!x").decode()),
        _message(EVALUATE_JOB, job, body=base64.b64encode(b"[[], {").decode()),
        _message(EVALUATE_JOB, job, body=base64.b64encode(b"17").decode()),
        _message(EVALUATE_JOB, job, headers={}),
    ]
    context.rng.shuffle(bodies)
    with context.broker() as broker:
        for body in bodies:
            broker.lpush(queue_name("payment", bulk=context.rng.random() < 0.5), body)
    context.malformed += len(bodies)
    return Injection(f"{len(bodies)} messages")


def send_poison(context: DrillContext) -> Injection:
    """Jobs whose evaluation kills its process, raises, or never ends; rows like that stand in the batches."""
    context.injections += 1
    keys = tuple(f"poison-{kind}-{context.injections}-{n}" for kind in KINDS for n in range(2))
    context.start_producer(f"poison-{context.injections}", keys, 1)
    return Injection(f"{len(keys)} jobs")


def _message(task: str, kwargs: dict[str, Any], *, body: str | None = None, **other: Any) -> str:
    """A message as Celery puts it into a Redis list."""
    document = json.dumps([[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    identity = str(uuid.uuid4())
    headers = {"lang": "py", "task": task, "id": identity, "root_id": identity, "retries": 0, "timelimit": [None, None]}
    return json.dumps(
        {
            "body": body or base64.b64encode(document.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": other.get("content_type", "application/json"),
            "headers": other.get("headers", headers),
            "properties": {
                "correlation_id": identity,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "rules", "routing_key": "rules.payment"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    )


FAULTS = (
    Fault("twice", "deliver messages twice, in no order", deliver_twice),
    Fault("disorder", "hold messages back, and deliver them out of order", disorder, takes_s=_HELD_S),
    Fault("malformed", "send messages that no producer would send", send_malformed),
    Fault("poison", "send jobs and rows that kill, raise or hang", send_poison),
)
