"""A gateway is that of one region, and says which; where others are does not move what it takes."""

from dataclasses import replace

from sqlalchemy import Engine

from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from tests.cli.forked import run_forked
from tests.commands import environment
from tests.gateway.client import running_gateway

BIG = {"Order": {"order_id": "1", "total": 1500, "country": "FR"}}


def test_it_takes_jobs_and_files_for_its_region_alone(gateway_settings: Settings, gateway_database: Engine) -> None:
    given = gateway_settings
    there = RegionPlace(name="us", broker_url=given.broker_url, database_url=given.database_url)
    away = RegionPlace(name="eu", broker_url=given.broker_url, database_url="postgresql://nobody@127.0.0.1:1/none")
    nowhere = Settings(
        home=given.home,
        broker_url="redis://127.0.0.1:1/0",
        database_url="postgresql://nobody@127.0.0.1:1/none",
        region="sg",
        region_fallback="sg",
        regions=(there, away, RegionPlace(name="cn", home=given.home / "nothing")),
        queue_prefix=given.queue_prefix,
    )
    with running_gateway(nowhere.in_region("us")) as client:
        taken = client.post("/v1/payment/jobs", {"facts": BIG}, Idempotency_Key="regional")
        assert (taken.status, taken.json["region"]) == (202, "us")
        batch = client.send("POST", "/v1/pricing/batches?name=a.csv", b"sku,price,cost\nA,2,1\n")
        assert (batch.status, batch.json["region"]) == (202, "us"), batch.json
        assert client.get(batch.headers["location"]).json["region"] == "us"
        judged = [client.post("/v1/payment/evaluate", {"facts": BIG}).json["id"] for _ in range(3)]
        first = client.get("/v1/verdicts?region=all&domain=payment&limit=2").json
        found = first["verdicts"] + client.get(first["next"]).json["verdicts"]
        assert {each["id"]: each["region"] for each in found} == dict.fromkeys(judged, "us")
        assert sorted(first["without"]) == ["cn", "eu"]
    done = run_forked(
        ["gateway", "--region", "mars", "--port", "0"],
        cwd=given.home,
        env=environment(replace(nowhere, queue_prefix=None)),
        stdin="",
        timeout_s=60,
    )
    assert done.returncode != 0
    assert "RULEFARM_REGION_MARS_DATABASE_URL" in done.stderr
