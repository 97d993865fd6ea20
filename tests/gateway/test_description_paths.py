"""The page that describes the gateway is true: what it says of requests and answers, requests and answers are."""

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from gateway.application import PATHS
from gateway.openapi import describe
from gateway.page import page
from rulefarm.settings import Settings
from tests.gateway.client import Client, running_gateway, subjects
from tests.shipped import shipped

ORDER: dict[str, Any] = {"Order": {"order_id": "1", "total": 1500, "country": "FR"}, "Line": [{"quantity": 2}]}


@pytest.fixture(scope="module")
def document(client: Client) -> dict[str, Any]:
    """As it is served."""
    found: dict[str, Any] = client.get("/openapi.json").json
    return found


def check(document: dict[str, Any], schema: Any, value: Any) -> bool:
    """Whether a value is as a schema of the document says."""
    registry: Any = Registry().with_resource("urn:page", Resource.from_contents(_rooted(document, document)))
    return jsonschema.Draft202012Validator(_rooted(schema, document), registry=registry).is_valid(value)


def _rooted(schema: Any, document: dict[str, Any]) -> Any:
    text = json.dumps(schema).replace('"$ref": "#/', '"$ref": "urn:page#/')
    rooted: Any = json.loads(text)
    if schema is document:
        rooted["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return rooted


@pytest.mark.parametrize("with_tokens", [True, False])
def test_the_document_is_openapi(document: dict[str, Any], with_tokens: bool) -> None:
    OpenAPIV31SpecValidator(document).validate()
    of_shipped = json.loads(json.dumps(describe(shipped(), with_tokens=with_tokens)))
    OpenAPIV31SpecValidator(of_shipped).validate()
    assert ("security" in of_shipped) is with_tokens


def test_every_path_is_in_it_and_no_other(document: dict[str, Any]) -> None:
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    served = {
        (path.replace("{domain}", domain), method.lower())
        for path, method, _, _ in PATHS
        for domain in ("credit", "fraud", "payment", "pricing")
    }
    assert described == served - {("/", "get"), ("/openapi.json", "get")}


def test_answers_are_as_it_says(client: Client, document: dict[str, Any]) -> None:
    job = client.post("/v1/payment/jobs", {"facts": ORDER}).json
    batch = client.send("POST", "/v1/pricing/batches?name=p.csv", b"sku,price\n1,2\n").json
    evaluate = "/v1/payment/evaluate"
    answers = [
        ("/v1/payment/evaluate", "post", "200", client.post(evaluate, {"facts": ORDER}).json),
        ("/v1/payment/evaluate", "post", "200", client.post(f"{evaluate}?durable=false", {"facts": ORDER}).json),
        ("/v1/payment/evaluate", "post", "200", client.post(evaluate, {"facts": {"Order": {"total": 777.77}}}).json),
        ("/v1/payment/evaluate", "post", "200", client.post(evaluate, {"facts": {"Order": {}}}).json),
        ("/v1/payment/evaluate", "post", "200", client.post(evaluate, subjects(ORDER, ORDER)).json),
        ("/v1/payment/jobs", "post", "202", job),
        ("/v1/pricing/batches", "post", "202", batch),
        ("/v1/jobs/{id}", "get", "200", client.get(f"/v1/jobs/{job['id']}").json),
        ("/v1/batches/{id}", "get", "200", client.get(f"/v1/batches/{batch['id']}").json),
        ("/v1/verdicts", "get", "200", client.get("/v1/verdicts?limit=2").json),
        ("/v1/rulesets", "get", "200", client.get("/v1/rulesets").json),
        ("/livez", "get", "200", client.get("/livez").json),
        ("/readyz", "get", "200", client.get("/readyz").json),
        ("/v1/payment/evaluate", "post", "default", client.post(evaluate, {}).json),
        ("/v1/jobs/{id}", "get", "default", client.get("/v1/jobs/x").json),
    ]
    for path, method, status, answer in answers:
        [content] = document["paths"][path][method]["responses"][status]["content"].values()
        assert check(document, content["schema"], answer), (path, answer)
        assert not check(document, content["schema"], {"nothing": "of it"}), path


@pytest.mark.parametrize(
    ("body", "is_taken"),
    [
        ({"facts": ORDER}, True),
        ({"facts": ORDER, "key": "k", "as_of": "2026-03-01T00:00:00Z"}, True),
        (subjects(ORDER, ORDER, keys=("a", "b")), True),
        ({}, False),
        ({"facts": {"Order": {"total": -1}}}, False),
        ({"facts": {"Order": {"country": "DE"}}}, False),
        ({"facts": ORDER, "subjects": [{"facts": ORDER}]}, False),
        ({"facts": ORDER, "kye": "k"}, False),
        ({"facts": ORDER, "key": ""}, False),
        ({"subjects": []}, False),
        (subjects(*[ORDER] * 1001), False),
    ],
)
def test_requests_are_taken_as_it_says(
    client: Client, document: dict[str, Any], body: dict[str, Any], is_taken: bool
) -> None:
    content = document["paths"]["/v1/payment/evaluate"]["post"]["requestBody"]["content"]["application/json"]
    assert check(document, content["schema"], body) is is_taken
    answer = client.post("/v1/payment/evaluate", body)
    verdicts = answer.json.get("verdicts", [answer.json])
    assert (answer.status == 200 and all(each["outcome"] != "error" for each in verdicts)) is is_taken


def test_the_page_shows_every_field_and_needs_nothing_from_elsewhere(client: Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for words in ("Order.total", "Product.price", "/v1/payment/evaluate", "from 0", "Line.quantity"):
        assert words in answer.text
    assert not any(words in answer.text for words in ("http://", "https://", "<script", "src=", "@import"))


def test_what_a_domain_says_of_itself_is_escaped() -> None:
    hostile = "<script>alert(1)</script>&\"'"
    document = json.loads(json.dumps(describe(shipped(), with_tokens=True)).replace("in dollars", "x"))
    facts = document["components"]["schemas"]["payment.Facts"]["properties"]["Order"]["properties"]
    facts[hostile] = {"type": "number", "enum": [hostile], "description": hostile, "minimum": hostile}
    document["paths"]["/v1/payment/evaluate"]["post"]["summary"] = hostile
    assert "<script" not in page(document)
    assert page(document).count("&lt;script&gt;") == 5


def test_a_gateway_for_one_domain_describes_that_one(gateway_settings: Settings) -> None:
    with running_gateway(gateway_settings, "pricing", asks_for_tokens=True) as client:
        document = client.get("/openapi.json").json
        assert [path for path in document["paths"] if path.endswith("evaluate")] == ["/v1/pricing/evaluate"]
        assert document["security"] == [{"token": []}]
        assert "Bearer" in client.get("/").text
