"""What a gateway takes and gives, as OpenAPI 3.1.  rulesets -> [openapi] -> the pages that describe it

The paths of each domain stand there by its name, with the facts that its domain.toml declares, so that whoever writes a
client sees fields, kinds and bounds, and tools that know JSON Schema check what they send. Describes; decides
nothing."""

from collections.abc import Mapping
from copy import deepcopy
from importlib.metadata import version
from typing import Any

from engine import json_schema
from gateway.job_paths import MAX_WAIT_S
from gateway.problems import MEDIA_TYPE
from gateway.request_bodies import MAX_SUBJECTS
from gateway.scale_path import MOST_WIDTH
from gateway.verdict_paths import MAX_PAGE
from rulesets.loader import LoadedRuleset

_TEXT, _ID, _INSTANT = (
    {"type": "string"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "date-time"},
)
_WHOLE = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": _TEXT}
_OUTCOME = {"type": "string", "enum": ["accept", "review", "reject", "error"]}


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"type": "object", "properties": properties}
    return described | ({"required": required.split()} if required else {})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_REASON = _object("rule outcome text code", rule=_maybe(_TEXT), outcome=_OUTCOME, text=_TEXT, code=_maybe(_TEXT))
_EVENT = _object("name arguments rule", name=_TEXT, arguments={"type": "array"}, rule=_TEXT)
_SCHEMAS: Mapping[str, Any] = {
    "Verdict": _object(
        "domain outcome fired reasons changes logs events warnings ruleset_digest facts_digest as_of on_record",
        id=_ID, enqueued_at=_INSTANT, domain=_TEXT, subject=_TEXT, batch=_maybe(_ID), outcome=_OUTCOME, fired=_TEXTS,
        reasons={"type": "array", "items": _REASON}, changes={"type": "object"}, logs=_TEXTS,
        events={"type": "array", "items": _EVENT}, warnings=_TEXTS, ruleset_digest=_TEXT, facts_digest=_TEXT,
        as_of=_INSTANT, evaluated_at=_INSTANT, worker=_TEXT, micros=_WHOLE, shared_facts={"type": ["object", "null"]},
        on_record={"type": "boolean"}, region=_TEXT,
    ),
    "Verdicts": _object("verdicts", verdicts={"type": "array", "items": _ref("Verdict")}),
    "VerdictPage": _object(
        "verdicts next", verdicts={"type": "array", "items": _ref("Verdict")}, next=_maybe(_TEXT), without=_TEXTS
    ),
    "TakenJob": _object(
        "id domain subject as_of enqueued_at sent",
        id=_ID, domain=_TEXT, subject=_TEXT, as_of=_INSTANT, enqueued_at=_INSTANT,
        digest=_maybe(_TEXT), sent={"type": "boolean"},
    ),
    "Job": _object(
        "id domain subject state verdict failure",
        id=_ID, domain=_TEXT, subject=_TEXT, state={"type": "string", "enum": ["open", "done", "dead"]},
        attempts=_maybe(_WHOLE), as_of=_maybe(_INSTANT), enqueued_at=_maybe(_INSTANT),
        failure={"anyOf": [_object("code reason", code=_maybe(_TEXT), reason=_maybe(_TEXT)), {"type": "null"}]},
        verdict={"anyOf": [_ref("Verdict"), {"type": "null"}]},
    ),
    "TakenBatch": _object(
        "id domain source rows chunks refused remarks as_of sent",
        id=_ID, domain=_TEXT, source=_TEXT, rows=_WHOLE, chunks=_WHOLE, refused=_WHOLE, remarks=_TEXTS, as_of=_INSTANT,
        digest=_maybe(_TEXT), sent={"type": "boolean"},
    ),
    "Batch": _object(
        "id domain source state rows chunks dead outcomes as_of",
        id=_ID, domain=_TEXT, source=_TEXT, state={"type": "string", "enum": ["open", "done", "dead", "failed"]},
        rows=_WHOLE, records=_maybe(_WHOLE), refused=_maybe(_WHOLE), judged=_maybe(_WHOLE), dead=_WHOLE, chunks=_WHOLE,
        outcomes={"type": "object", "additionalProperties": _WHOLE}, remarks={"type": ["array", "null"]},
        as_of=_INSTANT, enqueued_at=_INSTANT, finished_at=_maybe(_INSTANT), code=_maybe(_TEXT), reason=_maybe(_TEXT),
        digest=_maybe(_TEXT),
    ),
    "Rulesets": _object(
        "rulesets",
        rulesets={
            "type": "array",
            "items": _object(
                "domain digest rules subject key",
                domain=_TEXT, digest=_TEXT, rules=_WHOLE, subject=_TEXT, key=_TEXT, description=_TEXT,
            ),
        },
    ),
    "Scale": _object(
        "workers processes waiting leased age_s",
        workers=_WHOLE, processes=_WHOLE, waiting=_WHOLE, leased=_WHOLE, age_s={"type": "number", "minimum": 0},
    ),
    "Problem": _object(
        "type title status detail code",
        type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT, code=_TEXT, hint=_TEXT,
    ),
}  # fmt: skip


def describe(rulesets: Mapping[str, LoadedRuleset], *, with_tokens: bool) -> dict[str, Any]:
    """The document.

    Args:
        rulesets: by the domains that are served.
        with_tokens: whether requests need a token.
    """
    schemas = dict(_SCHEMAS)
    paths: dict[str, Any] = {}
    for domain, loaded in sorted(rulesets.items()):
        facts = json_schema(loaded.schema)
        del facts["$schema"]
        schemas[f"{domain}.Facts"] = facts
        schemas[f"{domain}.Subject"] = _subject(domain)
        paths |= _of_domain(domain, loaded)
    paths |= deepcopy(dict(_READING))
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "rulefarm gateway",
            "version": version("rulefarm-server"),
            "description": "Judges orders and products against business rules. Whatever is no success is a problem of"
            " RFC 9457, whose `code` is stable.",
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if with_tokens:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for path in ("/livez", "/readyz"):
            paths[path]["get"]["security"] = []
    return document


def _subject(domain: str) -> dict[str, Any]:
    key = {
        "type": ["string", "null"], "minLength": 1, "maxLength": 200,
        "description": "the same key with the same facts is the same job",
    }  # fmt: skip
    as_of = _maybe({**_INSTANT, "description": "the instant to judge at; now, if it is left out"})
    digest = {
        "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$",
        "description": "of the ruleset that judges a job; without it, the one that is active by then",
    }  # fmt: skip
    facts = _ref(f"{domain}.Facts")
    return _object("facts", facts=facts, key=key, as_of=as_of, digest=digest) | {"additionalProperties": False}


def _of_domain(domain: str, loaded: LoadedRuleset) -> dict[str, Any]:
    several = {"type": "array", "items": _ref(f"{domain}.Subject"), "minItems": 1, "maxItems": MAX_SUBJECTS}
    many = _object("subjects", subjects=several) | {"additionalProperties": False}
    one = _ref(f"{domain}.Subject")
    options = [_query(name, _TEXT, words) for name, words in _FILE_OPTIONS.items()]
    options += [_query("strict", {"type": "boolean"}, "refuse a file whose columns do not match the fields")]
    options += [_query("as_of", _INSTANT, "the instant to judge at")]
    file = {"content": {"application/octet-stream": {}}, "required": True}
    durable = _query("durable", {"type": "boolean", "default": True}, "false: judge, and keep nothing on record")
    verdicts = {"oneOf": [_ref("Verdict"), _ref("Verdicts")]}
    return {
        f"/v1/{domain}/evaluate": _operation(
            "post", f"Judge now: {loaded.schema.description}" if loaded.schema.description else "Judge now", verdicts,
            tag=domain, body=_json({"oneOf": [one, many]}), parameters=[durable, _KEY],
        ),
        f"/v1/{domain}/jobs": _operation(
            "post", "Submit a job, to be judged by a worker", _ref("TakenJob"),
            tag=domain, status="202", body=_json(one), parameters=[_KEY],
        ),
        f"/v1/{domain}/batches": _operation(
            "post", "Submit a file of subjects", _ref("TakenBatch"),
            tag=domain, status="202", body=file, parameters=[*options, _KEY],
        ),
    }  # fmt: skip


def _operation(
    method: str,
    summary: str,
    answer: Any,
    *,
    tag: str,
    status: str = "200",
    body: Any = None,
    parameters: Any = (),
    media: str = "application/json",
) -> dict[str, Any]:
    said = "done" if status == "200" else "on record"
    responses: dict[str, Any] = {status: {"description": said, "content": {media: {"schema": answer}}}}
    responses["default"] = {"description": "a problem", "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
    described: dict[str, Any] = {"summary": summary, "tags": [tag], "responses": responses}
    if parameters:
        described["parameters"] = list(parameters)
    if body:
        described["requestBody"] = body
    return {method: described}


def _json(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, "required": True}


def _query(name: str, schema: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    described = {"name": name, "in": "query", "schema": dict(schema)}
    return (
        described
        | ({"description": description} if description else {})
        | ({"required": True} if name == "name" else {})
    )


_KEY = {
    "name": "Idempotency-Key", "in": "header", "schema": _TEXT,
    "description": "the key: sent again with the same facts, it is the same job",
}  # fmt: skip
_FILE_OPTIONS = {
    "name": "of the file; its ending says the format: csv, tsv, jsonl, parquet, xlsx",
    "subject": "the column that names what is judged; the domain's key, if it is left out",
    "sheet": "of a workbook",
    "encoding": "of text",
    "decimal": "what decimals stand behind: . or ,",
}
_BY_ID = {"name": "id", "in": "path", "required": True, "schema": _ID}
_FILTERS = [
    *(_query(name, _TEXT) for name in ("domain", "subject", "rule", "digest", "cursor")),
    _query("outcome", _OUTCOME),
    _query("batch", _ID),
    _query("since", _INSTANT, "judged then or later"),
    _query("until", _INSTANT, "judged before"),
    _query("region", {"type": "string", "enum": ["all"]}, "of every region, each job once; else of the gateway's own"),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}, "verdicts of a page"),
]
_WAIT = _query("wait", {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_S}, "seconds to wait for the verdict")
_SCALE = [
    {"name": "domains", "in": "path", "required": True, "schema": _TEXT, "description": "with commas between"},
    _query("queue", {"type": "string", "enum": ["interactive", "bulk"]}, "single jobs, or the chunks of batches"),
    _query("width", {"type": "integer", "minimum": 1, "maximum": MOST_WIDTH}, "processes of a worker at most"),
]
_STATUS = _object("status", status=_TEXT)
_READING: Mapping[str, Any] = {
    "/v1/jobs/{id}": _operation("get", "Where a job stands", _ref("Job"), tag="reading", parameters=[_BY_ID, _WAIT]),
    "/v1/batches/{id}": _operation("get", "How far a batch is", _ref("Batch"), tag="reading", parameters=[_BY_ID]),
    "/v1/verdicts": _operation(
        "get", "Verdicts, newest first", _ref("VerdictPage"), tag="reading", parameters=_FILTERS
    ),
    "/v1/rulesets": _operation("get", "The rulesets that judge here", _ref("Rulesets"), tag="reading"),
    "/v1/scale/{domains}": _operation(
        "get", "How many workers domains want", _ref("Scale"), tag="reading", parameters=_SCALE
    ),
    "/metrics": _operation("get", "The farm in numbers, for Prometheus", _TEXT, tag="health", media="text/plain"),
    "/livez": _operation("get", "Whether the process lives", _STATUS, tag="health"),
    "/readyz": _operation("get", "Whether it can judge", _STATUS, tag="health"),
}
