"""What rules do when they fire, and what the language says without a schema: cases, held against every evaluator."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine import RulesetRejected, compile_ruleset, parse_schema
from tests.engine.every_evaluator import check

FOLDER = Path(__file__).parent / "cases"
EFFECTS = tomllib.loads((FOLDER / "effects.toml").read_text("utf-8"))
LANGUAGE = tomllib.loads((FOLDER / "language.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", EFFECTS["case"], ids=lambda case: case["name"])
def test_every_evaluator_does_what_the_case_says(case: dict[str, Any]) -> None:
    check(case, parse_schema(EFFECTS["schema"] + case.get("schema", "")), {"A": case["facts"]})


@pytest.mark.parametrize("case", LANGUAGE, ids=lambda case: case["name"])
def test_every_evaluator_means_what_the_language_says(case: dict[str, Any]) -> None:
    schema = parse_schema(case["schema"]) if "schema" in case else None
    if "refused" in case:
        with pytest.raises(RulesetRejected, match=case["refused"]):
            compile_ruleset({"a.grl": case["rules"]}, schema)
        return
    check(case, schema, case["facts"])
