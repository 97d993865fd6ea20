"""Every promise names a test that shows it, and the tests that are named exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("promise", re.findall(r"^## (\d+\. .*)$", PAGE, re.MULTILINE))
def test_every_promise_says_its_limits_and_names_a_test(promise: str) -> None:
    section = PAGE.partition(f"## {promise}\n")[2].partition("\n## ")[0]
    assert "**Limits.**" in section
    assert re.search(r"\*\*Shown by\*\* `tests/", section)


def test_the_promises_are_there_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", PAGE, re.MULTILINE)]
    assert numbers == sorted(set(numbers))
    assert {*range(1, 9), 12} <= set(numbers)
