"""The page about domain.toml: its example is a schema, and its tables are those of the source."""

import re
from pathlib import Path

from engine import parse_schema
from engine.schema.keys import TABLES, domain_page

PAGE = (Path(__file__).parents[2] / "docs" / "domain.md").read_text("utf-8")


def test_the_example_is_a_schema() -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert parse_schema(example).subject == "Order"


def test_the_tables_are_those_that_python_prints() -> None:
    assert PAGE.endswith(domain_page()), "run: python -m engine.schema.keys"


def test_no_key_stands_twice_in_a_table() -> None:
    assert all(len(set(table.names)) == len(table.names) for table in TABLES)
