"""A published ruleset reads back byte for byte, whatever its files hold."""

import pytest
from sqlalchemy import Engine

from rulefarm.errors import NotFound
from store.ruleset_versions import RulesetSnapshot, publish, source_of


def test_every_file_comes_back_as_it_was(database: Engine) -> None:
    sources = {"a.grl": "// größer\nrule".encode(), "b.xlsx": b"PK\x03\x04\xff\x00", "c.csv": b"a\0b", "d.csv": b""}
    assert publish(database, [RulesetSnapshot("pricing", "d1", sources)]) == ["pricing"]
    assert publish(database, [RulesetSnapshot("pricing", "d1", sources)]) == []
    assert source_of(database, "pricing", "d1") == sources


def test_a_ruleset_that_nobody_published_is_not_found(database: Engine) -> None:
    with pytest.raises(NotFound):
        source_of(database, "pricing", "never")
