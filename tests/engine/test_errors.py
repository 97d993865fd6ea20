"""The error tree: every error crosses a process whole, and stands in the drawing."""

import ast
import json
import pickle
from pathlib import Path

import pytest

import engine
from engine.diagnostics import MAX_SHOWN_COLUMNS, Diagnostic, Span
from engine.errors import EngineError, FactsRejected, RulesetRejected, SchemaRejected

ROOT = Path(__file__).parents[2]
FOUND = Diagnostic("grl-syntax", "error", Span("a.grl", 2, 3, 4), "what", "do", "ab cdef gh")
EXAMPLES: list[EngineError] = [
    EngineError("some-code", "what and where"),
    FactsRejected(["Order.total is missing", "Order.id is no text"]),
    RulesetRejected([FOUND, FOUND]),
    SchemaRejected([FOUND]),
]


def all_errors(root: type[EngineError] = EngineError) -> set[type[EngineError]]:
    return {root}.union(*(all_errors(each) for each in root.__subclasses__()))


def test_every_error_has_an_example_here() -> None:
    public = {error for error in all_errors() if not error.__name__.startswith("_")}
    assert {type(error) for error in EXAMPLES} == public


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_pickles_whole_and_turns_into_json(error: EngineError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.to_json()) == (type(error), str(error), error.to_json())
    assert json.loads(json.dumps(error.to_json()))["code"] == error.code


def test_the_tree_is_drawn_in_the_module() -> None:
    drawing = ast.get_docstring(ast.parse((ROOT / "engine" / "errors.py").read_text("utf-8"))) or ""
    for error in all_errors():
        assert error.__name__ in drawing or error.__name__.startswith("_")


def test_a_long_line_is_shown_around_its_caret() -> None:
    line = "x" * 500 + "HERE" + "y" * 500
    shown = str(Diagnostic("some-code", "error", Span("a.grl", 1, 501, 4), "what", "", line)).splitlines()
    assert len(shown[1]) <= MAX_SHOWN_COLUMNS + len("  1 | ")
    assert shown[1].index("HERE") == shown[2].index("^")


def test_a_diagnostic_without_a_place_is_one_line() -> None:
    assert str(Diagnostic("some-code", "warning", None, "what")) == "what [some-code] (warning)"


def test_the_engine_gives_out_its_errors() -> None:
    assert {error.__name__ for error in all_errors() if not error.__name__.startswith("_")} <= set(engine.__all__)
