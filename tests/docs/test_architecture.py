"""The page of the architecture names what there is: every file that it names, every room, and what stands in them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PRODUCT = ("client/rulefarm", "engine", "rulesets", "store", "tasks", "workers", "gateway", "planning", "cli")
#: `engine/program.py`, `engine/values/`: everything in backticks that is a path.
PATHS = sorted(set(re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", PAGE)))
#: A path and a name right behind it: `engine/program.py` `Program.evaluate`.
NAMES = sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`\s+`([A-Za-z_][\w.]*)`", PAGE)))
TRACES = {"one job", "one chunk of a batch", "one GRL text"}


def packages() -> list[str]:
    return [
        f"{file.parent.relative_to(ROOT)}/"
        for folder in PRODUCT
        for file in sorted((ROOT / folder).rglob("__init__.py"))
    ]


def test_all_that_the_page_names_is_there() -> None:
    assert PATHS
    assert [path for path in PATHS if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("path", "name"), NAMES)
def test_a_name_behind_a_file_is_defined_in_it(path: str, name: str) -> None:
    defined = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for part in name.split("."):
        [found] = [node for node in defined if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == part]
        defined = found.body


@pytest.mark.parametrize("package", packages())
def test_every_package_is_on_the_page(package: str) -> None:
    assert f"`{package}`" in PAGE


def test_the_page_traces_a_job_a_chunk_and_a_text() -> None:
    sections = dict(re.findall(r"^## Trace \d: (.*)\n((?:(?!^## ).*\n)+)", PAGE, re.MULTILINE))
    assert sections.keys() == TRACES
    for trace, section in sections.items():
        assert len(re.findall(r"`(?:\w+/)+\w+\.py`", section)) >= 8, trace


def test_a_package_without_a_face_hands_nothing_on() -> None:
    for package in ("cli", "cli/display", "gateway", "gateway/console", "workers", "workers/drill", "store", "tasks"):
        tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
        assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], package
