"""The page of operations names every ending of a code that the tables of outages have, and no other."""

import re
from pathlib import Path

from rulefarm import redis_replies
from rulefarm.database import sqlstates
from rulefarm.outages import SILENT, Outage

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_page_lists_every_outage() -> None:
    section = PAGE.read_text().partition("### What is the matter, by code")[2].partition("###")[0]
    tables = [*sqlstates.SQLSTATES.values(), *(outage for _, outage in redis_replies.REPLIES), SILENT]
    assert all(isinstance(outage, Outage) and outage.hint for outage in tables)
    assert set(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == {outage.code for outage in tables}
