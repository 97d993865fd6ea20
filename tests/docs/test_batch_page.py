"""The page about sources of batches has every ending that is read, and every code by which a source is refused."""

import ast
import re
from pathlib import Path

from rulefarm.batch.sources import FORMS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "batch.md").read_text("utf-8")
#: Where a code stands alone in the first column.
CODES = re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)


def refusals() -> set[str]:
    """The codes that readers of sources give."""
    found = set()
    for path in (ROOT / "client" / "rulefarm" / "batch").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "SourceRejected":
                code = node.args[0]
                found |= {code.value} if isinstance(code, ast.Constant) and isinstance(code.value, str) else set()
    return found


def test_every_code_stands_there_once_in_order() -> None:
    assert len(refusals()) > 15
    assert sorted(refusals()) == CODES


def test_every_ending_that_is_read_stands_there() -> None:
    endings = set(re.findall(r"`(\.[a-z]+)`", PAGE.split("## Columns")[0]))
    assert set(FORMS) <= endings


def test_every_link_to_a_heading_of_another_page_leads_to_one() -> None:
    for name, anchor in re.findall(r"\]\(([\w]+\.md)#([\w-]+)\)", PAGE):
        heads = re.findall(r"^#+ (.*)$", (ROOT / "docs" / name).read_text("utf-8"), re.MULTILINE)
        assert anchor in {head.lower().replace(" ", "-") for head in heads}
