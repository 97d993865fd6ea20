"""A published ruleset reads back byte for byte, whatever its files hold."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from rulefarm.database import active_digests, publications
from rulefarm.errors import NotFound
from store.publications import publish
from store.ruleset_versions import RulesetSnapshot, source_of


def test_every_file_comes_back_as_it_was(database: Engine) -> None:
    sources = {"a.grl": "// größer\nrule".encode(), "b.xlsx": b"PK\x03\x04\xff\x00", "c.csv": b"a\0b", "d.csv": b""}
    assert publish(database, [RulesetSnapshot("pricing", "d1", sources)]) == ["pricing"]
    assert publish(database, [RulesetSnapshot("pricing", "d1", sources)]) == []
    assert source_of(database, "pricing", "d1") == sources


def test_two_who_publish_the_same_domains_at_once_wait_for_each_other_and_leave_one_of_both(database: Engine) -> None:
    def publish_often(digest: str) -> None:
        for n in range(10):
            domains = ("a", "b", "c") if digest == "one" else ("c", "b", "a")
            publish(database, [RulesetSnapshot(domain, f"{digest}{n}", {}) for domain in domains], by=digest)

    with ThreadPoolExecutor(2) as both:
        list(both.map(publish_often, ("one", "other")))
    with database.connect() as connection:
        rows = connection.execute(select(publications).order_by(publications.c.id)).all()
    assert len(set(active_digests(database).values())) == 1
    for domain, digest in active_digests(database).items():
        assert [row.digest for row in rows if row.domain == domain][-1] == digest
    assert len(rows) == 60


def test_a_ruleset_that_nobody_published_is_not_found(database: Engine) -> None:
    with pytest.raises(NotFound):
        source_of(database, "pricing", "never")
