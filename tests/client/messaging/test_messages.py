"""A message that is not exactly what a producer sends is refused by name, before anything of it is used."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulefarm.errors import JobRejected
from rulefarm.jobs import Job
from rulefarm.messaging import ChunkMessage, JobMessage, chunk_message, job_message

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
FACTS = '{"Order":{"total":12.5}}'
JOB = Job(id=uuid.UUID(int=7), domain="payment", subject="4711", as_of=AS_OF, enqueued_at=AS_OF)
SENT = dict(job_message(JOB, FACTS).kwargs)


def test_what_a_producer_sends_is_read_back() -> None:
    message = JobMessage.from_kwargs(SENT)
    assert message == JobMessage(
        job_id=JOB.id,
        domain="payment",
        subject="4711",
        facts=FACTS,
        as_of=AS_OF,
        enqueued_at=AS_OF,
        on_record=True,
        times_sent=1,
    )
    assert message.document == {"Order": {"total": 12.5}}
    assert message.missing_row() is None
    assert JobMessage.from_kwargs({**SENT, "on_record": False}).missing_row() == {
        "id": JOB.id,
        "domain": "payment",
        "subject": "4711",
        "facts": {"Order": {"total": 12.5}},
        "as_of": AS_OF,
        "enqueued_at": AS_OF,
        "digest": None,
    }
    assert JobMessage.from_kwargs({**SENT, "attempt": 3}).attempt == 3
    chunk = dict(chunk_message("pricing", JOB.id, 4).kwargs)
    assert ChunkMessage.from_kwargs(chunk) == ChunkMessage(batch=JOB.id, n=4)
    assert ChunkMessage.from_kwargs({**chunk, "attempt": 2}).attempt == 2


def test_a_message_with_all_its_arguments_is_written_as_it_was_read() -> None:
    job = {**SENT, "rings": 3, "attempt": 2, "on_record": False}
    assert JobMessage.from_kwargs(job).to_kwargs() == job
    chunk = {"batch": str(JOB.id), "n": 4, "attempt": 2}
    assert ChunkMessage.from_kwargs(chunk).to_kwargs() == chunk


def test_how_often_it_was_sent_is_read_by_its_new_name_and_by_the_one_of_the_release_before() -> None:
    written = JobMessage.from_kwargs({**SENT, "rings": 2})
    coming = {**{name: value for name, value in SENT.items() if name != "rings"}, "times_sent": 2}
    assert JobMessage.from_kwargs(coming) == written
    # A worker of the release before knows no other name.
    assert "times_sent" not in written.to_kwargs()
    with pytest.raises(JobRejected, match="unknown argument 'rings'"):
        JobMessage.from_kwargs({**coming, "rings": 2})


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("no id", {"job_id": "x"}, "bad-message", "job_id is not an id but 'x'"),
    ("a long id", {"job_id": "7" * 10_000}, "bad-message", "job_id is not an id but '777"),
    ("an id of the wrong kind", {"job_id": 7}, "bad-message", "job_id is not an id but 7"),
    ("an id that is a list", {"job_id": [[[]]]}, "bad-message", "job_id is not an id but a list"),
    ("a domain that is none", {"domain": "../etc"}, "unknown-domain", "../etc"),
    ("a domain of the wrong kind", {"domain": []}, "unknown-domain", "domain"),
    ("a subject of the wrong kind", {"subject": None}, "bad-key", "a NoneType"),
    ("no subject", {"subject": ""}, "bad-key", "''"),
    ("a long subject", {"subject": "x" * 201}, "bad-key", "200"),
    ("a subject with NUL", {"subject": "a\x00"}, "bad-text", "the key: text with a NUL"),
    ("half a surrogate pair", {"subject": "\ud800"}, "bad-text", "the key"),
    ("facts as objects", {"facts": {"Order": {}}}, "bad-message", "facts is not JSON as text but a dict"),
    ("facts that are no JSON", {"facts": "{"}, "bad-json", "no JSON"),
    ("facts with spaces", {"facts": '{"Order": 1}'}, "not-canonical", "facts"),
    ("facts with 1e400", {"facts": '{"Order":{"total":1e400}}'}, "bad-number", "Order.total"),
    ("facts too deep", {"facts": "[" * 200_000}, "too-deep", "32"),
    ("facts too large", {"facts": '{"Order":"' + "x" * 1_000_000 + '"}'}, "facts-too-large", "1000000"),
    ("a name twice", {"facts": '{"Order":1,"Order":1}'}, "duplicate-name", "'Order' stands twice"),
    ("no time zone", {"as_of": "2026-03-01T00:00:00"}, "bad-as-of", "no time zone"),
    ("no instant", {"as_of": "yesterday"}, "bad-message", "as_of is not an instant but 'yesterday'"),
    ("an instant of the wrong kind", {"enqueued_at": 0}, "bad-message", "enqueued_at is not an instant but 0"),
    ("before all time", {"enqueued_at": "0001-01-01T00:00:00+14:00"}, "bad-as-of", "enqueued_at"),
    ("neither true nor false", {"on_record": 1}, "bad-message", "on_record is not true or false but 1"),
    ("no number", {"rings": "1"}, "bad-message", "rings is not a whole number"),
    ("true for a number", {"rings": True}, "bad-message", "rings is not a whole number"),
    ("not sent at all", {"rings": 0}, "bad-message", "rings is not a whole number"),
    ("sent too often", {"rings": 2**31}, "bad-message", "rings is not a whole number"),
    ("sent far too often", {"rings": 10**4000}, "bad-message", "an integer of 13288 bits"),
    ("a broken attempt", {"attempt": 0}, "bad-message", "attempt is not a whole number"),
    ("one argument more", {"__class__": "x"}, "bad-message", "unknown argument '__class__'"),
]


@pytest.mark.parametrize(("changes", "code", "said"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_anything_else_is_refused_by_name(changes: dict[str, Any], code: str, said: str) -> None:
    with pytest.raises(JobRejected) as caught:
        JobMessage.from_kwargs({**SENT, **changes})
    assert caught.value.code == code
    assert said in str(caught.value)


@pytest.mark.parametrize("name", SENT)
def test_a_missing_argument_is_named(name: str) -> None:
    with pytest.raises(JobRejected, match=f"without {name}"):
        JobMessage.from_kwargs({key: value for key, value in SENT.items() if key != name})


BAD_CHUNKS: list[dict[str, Any]] = [
    {},
    {"batch": str(JOB.id)},
    {"batch": "x", "n": 0},
    {"batch": str(JOB.id), "n": "0"},
    {"batch": str(JOB.id), "n": -1},
    {"batch": str(JOB.id), "n": 2**31},
    {"batch": str(JOB.id), "n": 1.5},
    {"batch": str(JOB.id), "n": 0, "rows": []},
]


@pytest.mark.parametrize("arguments", BAD_CHUNKS)
def test_a_message_that_names_no_chunk_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(JobRejected) as caught:
        ChunkMessage.from_kwargs(arguments)
    assert caught.value.code == "bad-message"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(SENT)), VALUES))
def test_whatever_json_holds_is_believed_or_refused(arguments: dict[str, Any]) -> None:
    with suppress(JobRejected):
        JobMessage.from_kwargs({**SENT, **arguments})
