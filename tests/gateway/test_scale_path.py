"""Whoever adds nodes is told how many workers a domain wants, by what waits in the ledger."""

from sqlalchemy import Engine, text

from tests.gateway.client import Client


def add_waiting(database: Engine, domain: str, number: int, *, bulk: bool = False) -> None:
    """Jobs that wait, without a producer: rows are what counts."""
    series = text(
        "insert into jobs (id, domain, subject, facts, as_of, bulk)"
        " select gen_random_uuid(), :domain, n::text, '{}', now(), :bulk from generate_series(1, :number) as n"
    )
    with database.begin() as connection:
        connection.execute(series, {"domain": domain, "number": number, "bulk": bulk})


def test_a_backlog_wants_workers_and_none_wants_one(client: Client, gateway_database: Engine) -> None:
    calm = client.get("/v1/scale/pricing").json
    assert calm == {"workers": 1, "processes": 1, "waiting": 0, "leased": 0, "age_s": 0.0}
    add_waiting(gateway_database, "pricing", 60_000)
    busy = client.get("/v1/scale/pricing").json
    # At 100 a second for 30 s, less what they have waited already.
    assert (busy["waiting"], 20 <= busy["processes"] <= 80) == (60_000, True)
    assert busy["workers"] == -(-busy["processes"] // 4)
    wide = client.get("/v1/scale/pricing?width=16").json
    assert wide["workers"] == -(-wide["processes"] // 16)
    # Neither the other queue of the domain, nor another domain.
    assert client.get("/v1/scale/pricing?queue=bulk").json["workers"] == 1
    assert client.get("/v1/scale/payment").json["waiting"] == 0
    assert client.get("/v1/scale/payment,pricing").json["waiting"] == 60_000


def test_the_bulk_queue_is_asked_for_by_its_name(client: Client, gateway_database: Engine) -> None:
    add_waiting(gateway_database, "payment", 900, bulk=True)
    assert client.get("/v1/scale/payment?queue=bulk").json["waiting"] == 900


def test_what_makes_no_sense_is_refused(client: Client) -> None:
    assert client.get("/v1/scale/nobody").code == "domain-not-served"
    assert client.get("/v1/scale/payment,nobody").status == 404
    assert client.get("/v1/scale/payment?queue=fast").code == "bad-request"
    assert client.get("/v1/scale/payment?width=many").code == "bad-request"
    assert client.get("/v1/scale/payment?nodes=3").code == "bad-request"
