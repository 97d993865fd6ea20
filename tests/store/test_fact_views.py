"""Who looked at facts is on record: a row each time, which nobody changes; and a token's scopes are what was said."""

import uuid

import pytest
from sqlalchemy import Engine, text

from store.fact_views import find_fact_views, record_fact_view
from store.privileges import TABLE_PRIVILEGES
from store.tokens import active_tokens, add_token, token_digest


def test_each_view_is_a_row(database: Engine) -> None:
    subject, other = uuid.uuid4(), uuid.uuid4()
    for viewer, unmasked in (("loopback", False), ("auditor", True), ("auditor", True)):
        record_fact_view(
            database, viewer=viewer, address="127.0.0.1", domain="payment", subject_id=subject, unmasked=unmasked
        )
    found = find_fact_views(database, subject)
    assert [(row["viewer"], row["unmasked"]) for row in found] == [
        ("auditor", True), ("auditor", True), ("loopback", False)
    ]  # fmt: skip
    assert found[0]["viewed_at"] >= found[-1]["viewed_at"]
    assert find_fact_views(database, subject, limit=1) == found[:1]
    assert find_fact_views(database, other) == []


def test_nobody_is_granted_to_change_the_trail() -> None:
    assert TABLE_PRIVILEGES["fact_views"] == ("select", "insert")


def test_the_table_takes_what_people_are_called_and_where_they_are(database: Engine) -> None:
    hostile = "<script>\x1b[2J'; drop table fact_views --"
    subject = uuid.uuid4()
    record_fact_view(database, viewer=hostile, address="::1", domain=hostile, subject_id=subject, unmasked=True)
    [row] = find_fact_views(database, subject)
    assert (row["viewer"], row["domain"], row["address"]) == (hostile, hostile, "::1")
    with database.connect() as connection:
        assert connection.execute(text("select count(*) from fact_views")).scalar_one() == 1


@pytest.mark.parametrize(
    ("named", "has"),
    [
        ([], {"submit", "evaluate", "read"}),
        (["read", "operate"], {"read", "operate"}),
        (["facts"], {"facts"}),
        (["operate", "operate"], {"operate"}),
    ],
)
def test_what_is_for_people_a_token_has_only_if_it_was_said(database: Engine, named: list[str], has: set[str]) -> None:
    secret = add_token(database, "someone", named, [])
    assert active_tokens(database)[token_digest(secret)].scopes == has
