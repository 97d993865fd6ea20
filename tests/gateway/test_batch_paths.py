"""A file that is uploaded is on record as `rulefarm batch` reads it, whole or not at all, and leaves nothing behind."""

import gzip
import io
import socket
import tempfile
import uuid
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from sqlalchemy import Engine, select

from gateway import batch_paths
from rulefarm.database import batches, chunks
from rulesets.loader import load_domain
from store.attempts import LeaseTerms
from store.chunk_attempts import Claim, claim_chunk
from store.verdicts import store_chunk
from tasks.judge import judge_chunk
from tests.commands import RULESETS
from tests.gateway.client import Client
from tests.processes import until

BATCHES = "/v1/pricing/batches"
CSV = b"sku,price,cost\n" + b"".join(b"%d,%d,50\n" % (n, n) for n in range(100))


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files lie while they are on their way."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob("rulefarm-upload-*"))


def in_format(name: str, folder: Path) -> bytes:
    """The same rows in the format that a name says."""
    frame = pl.read_csv(CSV, schema_overrides={"sku": pl.String})
    path = folder / name
    if name.endswith(".gz"):
        return gzip.compress(CSV)
    if name.endswith(".parquet"):
        frame.write_parquet(path)
    elif name.endswith(".jsonl"):
        frame.write_ndjson(path)
    elif name.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for row in [frame.columns, *frame.rows()]:
            book.active.append(row)
        book.save(path)
    else:
        return CSV
    return path.read_bytes()


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet", "p.jsonl", "p.xlsx"])
def test_a_file_of_each_format_is_a_batch(
    client: Client, gateway_database: Engine, uploads: Path, tmp_path: Path, name: str
) -> None:
    taken = client.send("POST", f"{BATCHES}?name={name}", in_format(name, tmp_path))
    assert taken.status == 202, taken.text
    assert (taken.json["rows"], taken.json["source"], taken.json["refused"]) == (100, name, 0)
    place = taken.headers["location"]
    told = client.get(place).json
    assert (told["state"], told["rows"], told["outcomes"], told["source"]) == ("open", 100, {}, name)
    batch = uuid.UUID(taken.json["id"])
    claim = claim_chunk(gateway_database, batch, 0, LeaseTerms(worker="w", lease_s=60, max_attempts=3))
    assert isinstance(claim, Claim)
    rows = judge_chunk(load_domain(RULESETS, "pricing"), claim.chunk, "w")
    store_chunk(gateway_database, batch, 0, rows, attempt=claim.attempt)
    told = client.get(place).json
    assert (told["state"], told["outcomes"]) == ("done", {"accept": 50, "reject": 50})
    found = client.get(f"/v1/verdicts?batch={batch}&outcome=reject&limit=500").json["verdicts"]
    assert sorted(int(each["subject"]) for each in found) == list(range(50))
    row = client.get(f"/v1/jobs/{found[0]['id']}").json
    assert (row["state"], row["attempts"], row["verdict"]) == ("done", 1, found[0])
    assert left_behind(uploads) == []


def test_the_same_key_is_the_same_batch(client: Client, gateway_database: Engine) -> None:
    first, second = (
        client.send("POST", f"{BATCHES}?name=p.csv", CSV, Idempotency_Key="night").json["id"] for _ in range(2)
    )
    assert first == second
    with gateway_database.connect() as connection:
        assert len(connection.execute(select(chunks).where(chunks.c.batch == uuid.UUID(first))).all()) == 1


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("", CSV, 400, "bad-request"),
        ("name=p", CSV, 415, "unknown-format"),
        ("name=p.sql", b"select 1", 415, "unknown-format"),
        ("name=p.csv.sql", b"select 1", 415, "unknown-format"),
        ("name=p.parquet.gz", CSV, 415, "unknown-format"),
        ("name=../p.csv", CSV, 400, "bad-request"),
        ("name=.csv", CSV, 400, "bad-request"),
        ("name=p%00.csv", CSV, 400, "bad-request"),
        ("name=p%7F.csv", CSV, 400, "bad-request"),
        ("name=p%E2%80%AE.csv", CSV, 400, "bad-request"),
        (f"name={'%F0%9F%A5%A8' * 90}.csv", CSV, 400, "bad-request"),
        (f"name={'%C3%A9' * 97}.csv", CSV, 400, "bad-request"),
        ("name=p.csv&sheet=x", CSV, 422, "bad-option"),
        ("name=p.csv&subject=nobody", CSV, 422, "no-subject"),
        ("name=p.csv&as_of=soon", CSV, 422, "bad-as-of"),
        ("name=p.csv&strict=maybe", CSV, 400, "bad-request"),
        ("name=p.csv&wait=1", CSV, 400, "bad-request"),
        ("name=p.csv", b"", 422, "empty-source"),
        ("name=p.csv", b'sku,price\n"1,2\n', 422, "malformed-csv"),
        ("name=p.csv", CSV + CSV[15:], 422, "bad-subject"),
        ("name=p.parquet", b"PAR1 it is not", 422, "unreadable-source"),
        ("name=p.xlsx", b"PK\x03\x04", 422, "unreadable-source"),
        ("name=p.jsonl", b'{"sku": \n', 400, "bad-json"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(
    client: Client, gateway_database: Engine, uploads: Path, query: str, body: bytes, status: int, code: str
) -> None:
    answer = client.send("POST", f"{BATCHES}?{query}", body)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert str(uploads) not in answer.text
    with gateway_database.connect() as connection:
        assert str(uploads) not in str(connection.execute(select(batches.c.source, batches.c.reason)).all())
    assert left_behind(uploads) == []


@pytest.mark.parametrize(
    ("query", "body", "hint"),
    [
        ("name=p.csv", b"sku,name\n1,caf\xe9\n", "name what it is, say ?encoding=windows-1252"),
        ("name=p.csv&encoding=ascii", b"sku,name\n1,caf\xe9\n", "name another ?encoding="),
        ("name=p.csv", "sku,price\n1,2\n".encode("utf-16"), "?encoding=utf-16"),
        ("name=p.csv", CSV + CSV[15:], "name the column with ?subject="),
        ("name=p.csv", b"sku,price\n,2\n", "name the column with ?subject="),
        ("name=p.csv&strict=true", b"sku,price,nobody\n1,2,3\n", "mend the source, or take it without ?strict=true"),
    ],
)
def test_what_helps_is_named_as_a_parameter(client: Client, query: str, body: bytes, hint: str) -> None:
    answer = client.send("POST", f"{BATCHES}?{query}", body)
    assert answer.code
    assert answer.json["hint"] == hint


def test_so_is_what_a_remark_names(client: Client) -> None:
    book = openpyxl.Workbook()
    book.active.append(["sku", "price"])
    book.active.append(["1", 2])
    book.create_sheet("Old")
    file = io.BytesIO()
    book.save(file)
    taken = client.send("POST", f"{BATCHES}?name=p.xlsx", file.getvalue())
    told = "the sheet 'Sheet' is read, and not 'Old' (another: ?sheet=NAME)"
    assert (taken.status, told in taken.json["remarks"]) == (202, True)
    assert told in client.get(taken.headers["location"]).json["remarks"]


def test_a_file_has_a_size_that_it_may_have(client: Client, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_paths, "MAX_FILE_BYTES", len(CSV) - 1)
    assert client.send("POST", f"{BATCHES}?name=p.csv", CSV).code == "body-too-large"
    monkeypatch.setattr(batch_paths, "MAX_FILE_BYTES", len(CSV))
    assert client.send("POST", f"{BATCHES}?name=p.csv", CSV).status == 202
    assert left_behind(uploads) == []


def test_who_sends_nothing_more_is_let_go(client: Client, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_paths, "_PART_S", 0.3)
    head = f"POST {BATCHES}?name=p.csv HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 900\r\n\r\nsku,"
    with socket.create_connection(("127.0.0.1", client.port), timeout=60) as line:
        line.sendall(head.encode())
        assert b"request-timeout" in line.recv(65_536)
    until(lambda: not left_behind(uploads))
    with socket.create_connection(("127.0.0.1", client.port), timeout=60) as line:
        line.sendall(head.encode())
        until(lambda: left_behind(uploads))
    until(lambda: not left_behind(uploads))


def test_there_is_room_for_some_files_at_once(client: Client, uploads: Path) -> None:
    """As many as there is room for stand still in the middle; the next is sent away, and small things go on."""
    head = f"POST {BATCHES}?name=p.csv HTTP/1.1\r\nhost: x\r\ncontent-length: {len(CSV)}\r\n\r\n".encode()
    lines = [socket.create_connection(("127.0.0.1", client.port), timeout=60) for _ in range(4)]
    for line in lines:
        line.sendall(head + CSV[:10])
    until(lambda: len(left_behind(uploads)) == 4)
    answer = client.send("POST", f"{BATCHES}?name=p.csv", CSV)
    assert (answer.status, answer.code) == (503, "gateway-busy")
    assert client.post("/v1/payment/evaluate", {"facts": {"Order": {"total": 1}}}).status == 200
    for line in lines:
        line.sendall(CSV[10:])
        assert b" 202 " in line.recv(65_536)
        line.close()
    assert client.send("POST", f"{BATCHES}?name=p.csv", CSV).status == 202


def test_a_batch_that_is_none_is_refused_by_name(client: Client, gateway_database: Engine) -> None:
    assert client.get(f"/v1/batches/{uuid.uuid4()}").code == "no-such-batch"
    assert client.get("/v1/batches/x").code == "no-such-id"
    assert client.send("POST", "/v1/nobody/batches?name=p.csv", CSV).code == "domain-not-served"
    name = f"{uuid.uuid4()}.parquet"
    assert client.send("POST", f"{BATCHES}?name={name}", b"PAR1 it is not").code == "unreadable-source"
    with gateway_database.connect() as connection:
        failed = connection.execute(select(batches.c.state).where(batches.c.source == name)).scalars().all()
    assert failed == ["failed"]
