"""Generated functions: values from outside never become text."""

from pathlib import Path

import pytest

import engine
from engine.facts import FunctionWriter


@pytest.mark.parametrize("value", ['"); raise SystemExit("', "bound2", "\n    return None", None, 2.5, ["a"]])
def test_a_value_is_bound_whatever_it_holds(value: object) -> None:
    writer = FunctionWriter("given", [])
    writer.line(f"return {writer.bind(value)}, {writer.bind('other')}")
    assert writer.compile()() == (value, "other")


def test_indented_lines_belong_to_the_line_before() -> None:
    writer = FunctionWriter("sign", ["number"])
    writer.line("if number < 0:")
    with writer.indent():
        result = writer.variable()
        writer.line(f"{result} = 'minus'")
        writer.line(f"return {result}")
    writer.line("return 'plus'")
    sign = writer.compile()
    assert (sign(-1), sign(1)) == ("minus", "plus")


def test_functions_of_one_factory_share_their_code() -> None:
    writer = FunctionWriter("scaled", ["number"])
    writer.line("return number * factor")
    make = writer.compile_factory(["factor"])
    double, triple = make(2), make(3)
    assert (double(5), triple(5)) == (10, 15)
    assert double.__code__ is triple.__code__


def test_text_becomes_code_in_one_file_of_the_engine() -> None:
    root = Path(engine.__file__).parent
    assert [path.name for path in root.rglob("*.py") if "exec(" in path.read_text()] == ["codegen.py"]
