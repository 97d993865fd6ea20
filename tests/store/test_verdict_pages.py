"""Pages of verdicts hold what is wanted, each once and newest first, whatever is asked for together."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Engine

from rulefarm.database import copy_columns
from rulefarm.verdict import Verdict
from store.verdict_columns import COLUMNS, VerdictColumns
from store.verdict_list import find_verdicts
from store.verdict_pages import export_verdicts, find_page
from store.verdict_terms import Place
from tests.rows import verdict

NOW = datetime.now(UTC).replace(microsecond=0)
BATCHES = [uuid.UUID(int=1), uuid.UUID(int=2)]
TERMS: dict[str, list[Any]] = {
    "domain": ["payment", "none"],
    "outcome": ["accept", "error"],
    "subject": ["key-1", "none"],
    "batch": [BATCHES[0], uuid.UUID(int=3)],
    "since": [NOW - timedelta(seconds=20)],
    "until": [NOW - timedelta(seconds=10)],
    "rule": ["Late", "none"],
    "digest": ["aa", "a_"],
}


def made() -> list[Verdict]:
    """Verdicts of every kind, many of one instant."""
    chance = random.Random(7)
    return [
        verdict(
            uuid.UUID(int=chance.getrandbits(128)),
            NOW,
            domain=chance.choice(["payment", "pricing", "fraud"]),
            outcome=chance.choice(["accept", "accept", "review", "reject", "error"]),
            subject=f"key-{chance.randrange(5)}",
            batch=chance.choice([None, *BATCHES]),
            fired=chance.sample(["Late", "Big", "Odd"], chance.randrange(3)),
            ruleset_digest=chance.choice("ab") * 64,
            evaluated_at=NOW - timedelta(seconds=chance.randrange(30)),
        )
        for _ in range(150)
    ]


def fits(one: Verdict, terms: dict[str, Any]) -> bool:
    """Whether a verdict is wanted, said once more and plainly."""
    told: dict[str, Any] = {name: getattr(one, name) for name in ("domain", "outcome", "subject", "batch")}
    return (
        all(told[name] == value for name, value in terms.items() if name in told)
        and one.evaluated_at >= terms.get("since", NOW - timedelta(days=9))
        and one.evaluated_at < terms.get("until", NOW + timedelta(days=9))
        and ("rule" not in terms or terms["rule"] in one.fired)
        and one.ruleset_digest.startswith(terms.get("digest", ""))
    )


def walked(engine: Engine, terms: dict[str, Any]) -> list[Verdict]:
    """All pages, one after the other."""
    found: list[Verdict] = []
    after: Place | None = None
    for _ in range(200):
        page = find_page(engine, limit=20, after=after, look=60, **terms)
        found += page.verdicts
        assert len(page.verdicts) <= 20
        assert len(page.verdicts) == 20 or page.after is None or page.looked_back_to is not None
        if page.after is None:
            return found
        after = page.after
    pytest.fail(f"no end of {terms}")


def test_pages_hold_what_is_wanted_once_and_newest_first(database: Engine) -> None:
    rows = sorted(made(), key=lambda one: (-one.evaluated_at.timestamp(), one.id.int))
    with database.begin() as connection:
        copy_columns(connection, "verdicts", VerdictColumns.of(rows).stored(COLUMNS))
    assert walked(database, {}) == rows
    asked = 0
    combined = [(name,) for name in TERMS] + list(combinations(TERMS, 2))
    for names, at in [*((names, 0) for names in combined), *(((name,), -1) for name in TERMS)]:
        terms = {name: TERMS[name][at] for name in names}
        wanted = [row for row in rows if fits(row, terms)]
        asked += bool(wanted)
        assert walked(database, terms) == wanted, terms
        assert [one for part in export_verdicts(database, **terms) for one in part] == wanted, terms
        assert list(find_verdicts(database, limit=1000, **terms)) == wanted, terms
    assert asked > 30
