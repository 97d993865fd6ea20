"""The text of a version, whole, however long it is."""

import re
from html import unescape
from pathlib import Path

from sqlalchemy import Engine

from store.ruleset_versions import RulesetSnapshot, record_ruleset
from tests.cli.test_hostile_text import SCHEMA
from tests.gateway.client import Client


def test_a_long_table_is_shown_part_by_part_and_no_row_is_left_out(
    client: Client, gateway_database: Engine, tmp_path: Path
) -> None:
    (tmp_path / "domain.toml").write_text(SCHEMA)
    # A row is not where its number says: above it stands the header, and a cell may be several lines.
    rows = "".join(f'r{n},"{n}\n",x\n' for n in range(1, 1202))
    (tmp_path / "long.csv").write_text(f"U,when Order.note,then Accept\n{rows}")
    files = {f"long/{each.name}": each.read_bytes() for each in tmp_path.iterdir()}
    with gateway_database.begin() as connection:
        record_ruleset(connection, RulesetSnapshot("long", "f" * 64, files))
    path, seen = f"/console/rules/long/versions/{'f' * 64}?file=long%2Flong.csv", list[str]()
    for _ in range(4):
        answer = client.get(path)
        seen += re.findall(r"<td>r(\d+)</td>", answer.text)
        following = re.search(r'<a rel="next" href="([^"]*)"', answer.text)
        if not following:
            break
        path = unescape(following[1])
    assert seen == [str(n) for n in range(1, 1202)]
