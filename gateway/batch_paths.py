"""`POST /v1/{domain}/batches` and `GET /v1/batches/{id}`: files of subjects.  upload -> [batch_paths] -> batch rows

The body of the request is the file, as it is; its name says in which format. It goes to a temporary file as it comes,
and from there on record as `rulefarm batch` would read it: whole or not at all. Workers judge it."""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.authorization import check_scope
from gateway.caller_words import in_a_query
from gateway.gateway_context import (
    TIME_LIMIT,
    GatewayContext,
    check_query,
    json_response,
    query_flag,
    query_instant,
)
from gateway.problems import GatewayBusy, RequestRefused
from gateway.request_bodies import announced_bytes, key_in_head, too_large
from rulefarm.batch import BatchTerms, SourceOptions, is_source, record_batch
from rulefarm.errors import SourceRejected
from rulefarm.jobs import Batch, id_of
from rulefarm.normalize import abbreviate

#: Bytes of one file.
MAX_FILE_BYTES = 1_000_000_000
#: Seconds for which the next part of a file is waited for, and that it may take to go on record.
_PART_S, _RECORD_S = 30.0, 900.0
_OPTIONS = ("subject", "sheet", "encoding", "decimal")
_NAME = re.compile(r"[^/\\]{1,100}")
#: Bytes of a name that every file system takes.
_NAME_BYTES = 255
_SHOWN = (
    *("id", "domain", "source", "state", "rows", "records", "refused", "judged", "dead", "outcomes", "chunks"),
    *("remarks", "as_of", "digest", "enqueued_at", "finished_at", "code", "reason", "region"),
)


async def submit_batch(context: GatewayContext, request: Request) -> Response:
    """Take a file.

    Args:
        context: of the gateway.
        request: `name` in its query is that of the file.

    Raises:
        RequestRefused: it can't be taken; SourceRejected: as docs/batch.md has it.
        GatewayBusy: too many files are on their way.
        DatabaseUnreachable: nothing was kept.
    """
    check_query(request, "name", "strict", "as_of", *_OPTIONS)
    domain = request.path_params["domain"]
    loaded = context.served.ruleset(domain)
    name = _file_name(request)
    options: dict[str, Any] = {
        option: request.query_params[option] for option in _OPTIONS if option in request.query_params
    }
    options.setdefault("subject", loaded.schema.key)
    terms = BatchTerms(
        key=key_in_head(request),
        as_of=query_instant(request, "as_of"),
        strict=query_flag(request, "strict", default=False),
        source_name=name,
    )
    if context.uploads.locked():
        raise GatewayBusy("gateway-busy", "as many files are on their way as there is room for", "try again later")
    # The folder is for this user alone.
    async with context.uploads:
        with tempfile.TemporaryDirectory(prefix="rulefarm-upload-") as folder:
            path = Path(folder) / name
            await _receive(request, path)
            _allow(request, _RECORD_S)

            def record() -> Batch:
                farm = context.farm
                recorded = record_batch(
                    context.ledger.engine,
                    farm.settings,
                    domain,
                    path,
                    free_slots=farm.free_slots(domain),
                    options=SourceOptions(**options),
                    terms=terms,
                )
                return farm.send_batch(*recorded)

            batch = await context.record_file(record)
    names = ("id", "domain", "source", "rows", "chunks", "refused", "remarks", "as_of", "digest", "sent", "region")
    document = {each: getattr(batch, each) for each in names}
    document["remarks"] = [in_a_query(remark) for remark in batch.remarks]
    return json_response(document, 202, {"Location": f"/v1/batches/{batch.id}"})


async def read_batch(context: GatewayContext, request: Request) -> Response:
    """How far a batch is.

    Args:
        context: of the gateway.
        request: without a query.

    Raises:
        NotFound: no such batch is on record.
        DatabaseUnreachable: no answer.
    """
    check_query(request)
    batch_id = id_of(request.path_params["id"])
    record: dict[str, Any] = await context.run(lambda: context.farm.batch(batch_id))
    check_scope(request, "read", record["domain"])
    record["remarks"] = [in_a_query(remark) for remark in record["remarks"] or ()]
    return json_response({name: record[name] for name in _SHOWN})


def _file_name(request: Request) -> str:
    name = request.query_params.get("name")
    if name is None:
        hint = "its ending says the format: ?name=orders.csv"
        raise RequestRefused("bad-request", "the file has no name", hint)
    is_long = len(name.encode()) > _NAME_BYTES
    if is_long or not _NAME.fullmatch(name) or not name.isprintable() or name.startswith("."):
        raise RequestRefused("bad-request", f"no file can be called {abbreviate(name)}")
    # A query asks a database of the farm's: it is no file of subjects.
    if not is_source(name) or name.lower().endswith(".sql"):
        message = f"{abbreviate(name)} is named like no format that is read"
        raise SourceRejected("unknown-format", message, "known: csv, tsv, jsonl, ndjson, parquet, xlsx, xlsm")
    return name


async def _receive(request: Request, path: Path) -> None:
    if announced_bytes(request) > MAX_FILE_BYTES:
        raise too_large(MAX_FILE_BYTES)
    size = 0
    with path.open("wb") as file:
        _allow(request, _PART_S)
        async for part in request.stream():
            _allow(request, _PART_S)
            size += len(part)
            if size > MAX_FILE_BYTES:
                raise too_large(MAX_FILE_BYTES)
            file.write(part)


def _allow(request: Request, seconds: float) -> None:
    """Move the time limit of a request: so many seconds from now on."""
    request.scope[TIME_LIMIT].reschedule(asyncio.get_running_loop().time() + seconds)
